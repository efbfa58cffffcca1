/**
 * Seconds without verdicts after a detect process is killed, on a real Kafka: from SIGKILL until a window that ended after it is judged in
 * every partition. Two processes detect, a partition each; the other stages run in this one.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { configSchema } from "../../services/contracts/config.ts";
import { topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { Log } from "../../services/log/log.ts";
import { startApp } from "../../services/runtime/app.ts";
import { startKafkaBroker } from "../support/kafka-broker.ts";
import { openTraffic } from "../support/kill-traffic.ts";

const program = join(import.meta.dirname, "../../services/main.ts");
const partitions = 2;
const tickMs = 250;
/** A killed process that is not replaced within this is a failure of the trial. */
const limitMs = 120_000;

export interface FailoverTrial {
  readonly seconds: number;
}

/** Runs trials one after the other; each kills the older of the two processes and lets a new one take its place. */
export async function measureFailover(
  trials: number,
  seed: number,
  onTrial: (done: number) => void,
): Promise<readonly FailoverTrial[]> {
  await using broker = await startKafkaBroker();
  const directory = mkdtempSync(join(tmpdir(), "foreshock-failover-"));
  const settings = {
    dataDir: directory,
    log: { engine: "kafka", brokers: [broker.address], partitions },
    history: { engine: "none" },
    ingest: { grpcPort: 0, httpPort: 0 },
    console: { port: 0 },
    metrics: { port: 0 },
    // Short windows, so that the figure is of the failover and not of waiting for a window's end.
    judgement: { window: { lengthMs: 1_000, latenessMs: 1_000, idleTimeoutMs: 2_000 } },
  };
  const file = join(directory, "foreshock.json");
  writeFileSync(file, JSON.stringify(settings));
  const stop = new AbortController();
  const detects = [startDetect(file), startDetect(file)];
  try {
    await using app = await startApp({
      config: configSchema.parse(settings),
      stages: ["ingest", "aggregate", "incident", "notify"],
      report: () => {},
    });
    const sending = sendUntil(stop.signal, app.addresses["OTLP HTTP"] ?? "", seed);
    try {
      const results: FailoverTrial[] = [];
      while (results.length < trials) {
        await Promise.all(detects.map((detect) => detect.isAtWork()));
        const killed = detects.shift();
        await killed?.kill();
        const killedMs = Date.now();
        await judgedAfter(app.log, killedMs);
        results.push({ seconds: (Date.now() - killedMs) / 1000 });
        onTrial(results.length);
        detects.push(startDetect(file));
      }
      return results;
    } finally {
      stop.abort();
      await sending;
    }
  } finally {
    await Promise.all(detects.map((detect) => detect.kill()));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A process that detects; not by the launcher, so that a signal reaches the program itself. */
function startDetect(file: string) {
  const child = spawn(process.execPath, [program, "run", "detect", "--config", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return {
    /** Resolves once it has stepped over records of a partition. */
    async isAtWork(): Promise<void> {
      for (;;) {
        if (child.exitCode !== null) throw new Error(`a detect process ended: ${said}`);
        const url = /metrics +(\S+)/.exec(said)?.[1];
        const metrics = url === undefined ? "" : await (await fetch(url)).text();
        if (/foreshock_stage_records_total\{[^}]*stage="detect"[^}]*\} [1-9]/.test(metrics)) return;
        await wait(250);
      }
    },
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Healthy telemetry in real time. */
async function sendUntil(signal: AbortSignal, address: string, seed: number): Promise<void> {
  const base = address.startsWith("http") ? address : `http://${address}`;
  const traffic = openTraffic({
    seed,
    tickMs,
    callsPerSecond: 80,
    models: 4,
    healthyMs: Number.POSITIVE_INFINITY,
    turnMs: 1_000,
    failingMs: 0,
  });
  while (!signal.aborted) {
    // What is refused or cut off is not sent again: only that time passes matters here.
    for (const { path, body } of traffic.tick(Date.now()))
      await fetch(`${base}${path}`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: Buffer.from(body),
      }).then(
        (answer) => answer.arrayBuffer(),
        () => undefined,
      );
    await wait(tickMs);
  }
}

/** Resolves when a window that ended after `ms` is closed in every partition. */
async function judgedAfter(log: Log, ms: number): Promise<void> {
  const untilMs = Date.now() + limitMs;
  const ends: number[] = [];
  for (let partition = 0; partition < partitions; partition++)
    ends.push((await log.offsets(topics.closed, partition)).end);
  for (let [partition, fromOffset] of ends.entries()) {
    for (let isJudged = false; !isJudged; ) {
      if (Date.now() > untilMs)
        throw new Error(`partition ${partition} was not judged within ${limitMs / 1000} s`);
      const request = { topic: topics.closed, partition, fromOffset, maxBytes: 1 << 20 };
      for (const { offset, value } of await log.read({ ...request, waitMs: 250 })) {
        fromOffset = offset + 1;
        const { windowStartMs, windowMs } = decodeWindow(value);
        if (windowStartMs + windowMs > ms) isJudged = true;
      }
    }
  }
}
