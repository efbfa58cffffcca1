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
import type { History } from "../../services/history/history.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { AppendRecord, Log } from "../../services/log/log.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { openNaive } from "./naive.ts";
import { cpuSecondsOf, ownCpuSeconds } from "./support/cpu.ts";
import { type Payloads, readPayloads } from "./support/payloads.ts";
import { mergesDone } from "./support/settle.ts";

export interface EndToEndJob {
  readonly contestant: "own" | "naive";
  /** Sent before anything is measured: code gets compiled, files and pools get made. */
  readonly warmUpRequests: number;
  /** Written by `writePayloads`: requests of `spansEach` spans, which end in the `spanMs` after `startMs`. */
  readonly payloadsFile: string;
  readonly spansEach: number;
  readonly startMs: number;
  readonly spanMs: number;
}

/** All but the row counts are of the measured requests alone. */
export interface EndToEndResult {
  readonly spans: number;
  readonly sentSpans: number;
  readonly storedRows: number;
  /** Requests counted in closed windows; naive: in its sketches. */
  readonly counted: number;
  readonly cpuSeconds: number;
  readonly engineCpuSeconds: number;
  readonly wallSeconds: number;
  readonly loopDelayP99Ms: number;
}

const inFlight = 16;

interface Load {
  readonly payloads: Payloads;
  readonly warmUpRequests: number;
  readonly spansEach: number;
  readonly startMs: number;
  /** Event time that all spans end in. */
  readonly spanMs: number;
  readonly directory: string;
}

interface Meter {
  readonly own: number;
  readonly engine: number;
  readonly wall: number;
}

const readMeter = (enginePid: number): Meter => ({
  own: ownCpuSeconds(),
  engine: cpuSecondsOf(enginePid),
  wall: performance.now(),
});

function since(before: Meter, enginePid: number) {
  const after = readMeter(enginePid);
  const engineCpuSeconds = after.engine - before.engine;
  return {
    cpuSeconds: after.own - before.own + engineCpuSeconds,
    engineCpuSeconds,
    wallSeconds: (after.wall - before.wall) / 1000,
  };
}

async function runOwn(load: Load): Promise<EndToEndResult> {
  const { payloads, warmUpRequests, spansEach, startMs, spanMs, directory } = load;
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
  const { history, log } = app;
  const enginePid = app.enginePid;
  if (history === undefined || enginePid === undefined) throw new Error("no history");
  const admit = createAdmission({
    ...config.ingest,
    maxAttributes: config.ingest.maxAttributesPerSpan,
    partitions: config.log.partitions,
  });
  const send = (from: number, to: number) =>
    appendAll({ log, payloads, clock, startMs, spanMs, from, to }, (bytes) =>
      admit("traces", bytes).records.map(({ partition, value }) => ({
        topic: topics.traces,
        partition,
        value,
      })),
    );
  await send(0, warmUpRequests);
  await archived(log);

  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const before = readMeter(enginePid);
  await send(warmUpRequests, payloads.requests.length);
  // Past the lateness of the last window.
  clock.set(startMs + spanMs + 16_000);
  await archived(log);
  let counted = 0;
  await until(async () => {
    clock.set(clock.nowMs() + 1_000);
    counted = await numberIn(history, "SELECT sum(requests) AS n FROM windows");
    return counted >= payloads.spans;
  });
  await mergesDone(history);
  delay.disable();
  return {
    ...since(before, enginePid),
    spans: (payloads.requests.length - warmUpRequests) * spansEach,
    sentSpans: payloads.spans,
    storedRows: await numberIn(history, "SELECT count() AS n FROM spans"),
    counted,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
  };
}

/** Until everything is in history that is in the log now: heartbeats go on, so there is nearly always a record to come. */
async function archived(log: Log): Promise<void> {
  const { end } = await log.offsets(topics.traces, 0);
  await until(async () => ((await log.committed("archive", topics.traces, 0))?.offset ?? 0) >= end);
}

async function numberIn(history: History, sql: string): Promise<number> {
  return Number((await history.query<{ n: string }>(sql))[0]?.n ?? 0);
}

/** Asks four times a second, for two minutes at most. */
async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 480 && !(await isDone()); tries++) await systemClock.sleep(250);
}

interface Sending {
  readonly log: Log;
  readonly payloads: Payloads;
  readonly clock: ReturnType<typeof storyClock>;
  readonly startMs: number;
  readonly spanMs: number;
  /** Requests [from, to). */
  readonly from: number;
  readonly to: number;
}

async function appendAll(
  { log, payloads, clock, startMs, spanMs, from, to }: Sending,
  recordsOf: (bytes: Uint8Array) => readonly AppendRecord[],
): Promise<void> {
  const open = new Set<Promise<unknown>>();
  for (let index = from; index < to; index++) {
    clock.set(startMs + (spanMs * index) / payloads.requests.length + 1_000);
    const appended: Promise<unknown> = log
      .append(recordsOf(payloads.requests[index] as Uint8Array))
      .then(() => open.delete(appended));
    open.add(appended);
    if (open.size >= inFlight) await Promise.race(open);
  }
  await Promise.all(open);
}

async function runNaiveContestant(load: Load): Promise<EndToEndResult> {
  const { payloads, warmUpRequests, spansEach, startMs, spanMs, directory } = load;
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
  const { url, user, password, pid } = embedded;
  await using history = openClickHouse({ url, user, password, database: "foreshock" });
  await using naive = await openNaive({ log, history, url, user, password });
  const send = (from: number, to: number) =>
    appendAll({ log, payloads, clock, startMs, spanMs, from, to }, (value) => [
      { topic: topics.traces, partition: 0, value },
    ]);
  const warmUpSpans = warmUpRequests * spansEach;
  await Promise.all([send(0, warmUpRequests), naive.consume(warmUpSpans)]);

  const before = readMeter(pid);
  await Promise.all([
    send(warmUpRequests, payloads.requests.length),
    naive.consume(payloads.spans - warmUpSpans),
  ]);
  await mergesDone(history);
  return {
    ...since(before, pid),
    spans: payloads.spans - warmUpSpans,
    sentSpans: payloads.spans,
    storedRows: await numberIn(history, "SELECT count() AS n FROM otel_traces_naive"),
    counted: naive.counted(),
    loopDelayP99Ms: 0,
  };
}

process.on("message", (job: EndToEndJob) => {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-bench-"));
  const { warmUpRequests, spansEach, startMs, spanMs } = job;
  const payloads = readPayloads(job.payloadsFile, spansEach);
  const run = job.contestant === "own" ? runOwn : runNaiveContestant;
  run({ payloads, warmUpRequests, spansEach, startMs, spanMs, directory })
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
