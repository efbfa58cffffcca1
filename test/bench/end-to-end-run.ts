/**
 * One run of one contestant in a process of its own, so that neither warms up or litters the other's heap. The parent sends
 * what to do, this answers with CPU seconds (its own and the history engine's) and what was stored.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { storyClock } from "../../services/command/demo-story.ts";
import { configSchema } from "../../services/contracts/config.ts";
import { topics } from "../../services/contracts/topics.ts";
import { openClickHouse } from "../../services/history/clickhouse.ts";
import { type EmbeddedHistory, startEmbeddedHistory } from "../../services/history/embedded.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { Log } from "../../services/log/log.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { runNaive } from "./naive.ts";
import { cpuSecondsOf, ownCpuSeconds } from "./support/cpu.ts";
import { makePayloads, type Payloads } from "./support/payloads.ts";

export interface EndToEndJob {
  readonly contestant: "own" | "naive";
  readonly requests: number;
  readonly seed: number;
}

export interface EndToEndResult {
  readonly spans: number;
  readonly storedRows: number;
  /** Requests counted in closed windows; naive: in its sketches. */
  readonly counted: number;
  readonly cpuSeconds: number;
  readonly engineCpuSeconds: number;
  readonly wallSeconds: number;
  readonly loopDelayP99Ms: number;
}

const spansEach = 500;
/** Time that the spans of a run end in. */
const spanMs = 60_000;
const inFlight = 16;

async function runOwn(
  payloads: Payloads,
  startMs: number,
  directory: string,
): Promise<EndToEndResult> {
  const config = configSchema.parse({
    dataDir: directory,
    log: { partitions: 1 },
    ingest: { grpcPort: 0, httpPort: 0 },
    history: { httpPort: 0, windowRetentionDays: 3_650, spanRetentionDays: 3_650 },
    console: { port: 0 },
    metrics: { port: 0 },
  });
  const clock = storyClock(startMs);
  await using app = await startApp({
    config,
    clock,
    report: () => {},
    readWaitMs: 50,
    stages: ["aggregate", "detect", "incident", "notify", "archive"],
  });
  const admit = createAdmission({
    ...config.ingest,
    maxAttributes: config.ingest.maxAttributesPerSpan,
    partitions: config.log.partitions,
  });
  const enginePid = app.enginePid ?? process.pid;
  const engine = () => cpuSecondsOf(enginePid);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = { own: ownCpuSeconds(), engine: engine(), wall: performance.now() };
  await appendAll(app.log, payloads, clock, startMs, (bytes) =>
    admit("traces", bytes).records.map(({ partition, value }) => ({
      topic: topics.traces,
      partition,
      value,
    })),
  );
  clock.set(startMs + spanMs + 30_000);
  const history = app.history;
  if (history === undefined) throw new Error("no history");
  let stored = 0;
  let counted = 0;
  for (
    let tries = 0;
    tries < 600 && (stored < payloads.spans || counted < payloads.spans);
    tries++
  ) {
    clock.set(clock.nowMs() + 1_000);
    await systemClock.sleep(200);
    stored = Number(
      (await history.query<{ n: string }>("SELECT count() AS n FROM spans"))[0]?.n ?? 0,
    );
    counted = Number(
      (await history.query<{ n: string }>("SELECT sum(requests) AS n FROM windows"))[0]?.n ?? 0,
    );
  }
  delay.disable();
  return {
    spans: payloads.spans,
    storedRows: stored,
    counted,
    cpuSeconds: ownCpuSeconds() - before.own + engine() - before.engine,
    engineCpuSeconds: engine() - before.engine,
    wallSeconds: (performance.now() - before.wall) / 1000,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
  };
}

async function appendAll(
  log: Log,
  payloads: Payloads,
  clock: ReturnType<typeof storyClock>,
  startMs: number,
  recordsOf: (
    bytes: Uint8Array,
  ) => { readonly topic: string; readonly partition: number; readonly value: Uint8Array }[],
): Promise<void> {
  const open = new Set<Promise<unknown>>();
  for (const [index, bytes] of payloads.requests.entries()) {
    clock.set(startMs + (spanMs * index) / payloads.requests.length + 1_000);
    const appended: Promise<unknown> = log
      .append(recordsOf(bytes))
      .then(() => open.delete(appended));
    open.add(appended);
    if (open.size >= inFlight) await Promise.race(open);
  }
  await Promise.all(open);
}

async function runNaiveContestant(
  payloads: Payloads,
  startMs: number,
  directory: string,
): Promise<EndToEndResult> {
  const clock = storyClock(startMs);
  await using log = await openLmdbLog({
    directory: join(directory, "log"),
    clock,
    limits: { maxDiskBytes: 1e11 },
  });
  await log.ensureTopics([
    { name: topics.traces, partitions: 1, cleanup: "delete", retentionMs: 1e12 },
  ]);
  await using embedded: EmbeddedHistory = await startEmbeddedHistory({
    directory: join(directory, "history"),
    host: "127.0.0.1",
    port: 0,
  });
  const history = openClickHouse({
    url: embedded.url,
    user: embedded.user,
    password: embedded.password,
    database: "foreshock",
  });
  const before = {
    own: ownCpuSeconds(),
    engine: cpuSecondsOf(embedded.pid),
    wall: performance.now(),
  };
  const { counted, storedRows } = await runNaive({
    log,
    history,
    url: embedded.url,
    user: embedded.user,
    password: embedded.password,
    spans: payloads.spans,
    send: () =>
      appendAll(log, payloads, clock, startMs, (value) => [
        { topic: topics.traces, partition: 0, value },
      ]),
  });
  const engineCpuSeconds = cpuSecondsOf(embedded.pid) - before.engine;
  const result = {
    spans: payloads.spans,
    storedRows,
    counted,
    cpuSeconds: ownCpuSeconds() - before.own + engineCpuSeconds,
    engineCpuSeconds,
    wallSeconds: (performance.now() - before.wall) / 1000,
    loopDelayP99Ms: 0,
  };
  await history.close();
  return result;
}

process.on("message", (job: EndToEndJob) => {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-bench-"));
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  const payloads = makePayloads({
    count: job.requests,
    spansEach,
    startMs,
    spanMs,
    seed: job.seed,
  });
  const run = job.contestant === "own" ? runOwn : runNaiveContestant;
  run(payloads, startMs, directory)
    .then((result) => process.send?.(result))
    .catch((error) =>
      process.send?.({
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .finally(() => {
      rmSync(directory, { recursive: true, force: true });
      process.disconnect?.();
    });
});
