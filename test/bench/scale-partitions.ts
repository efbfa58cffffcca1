/** What a span costs from the log to the incident stage, with few partitions and with many: a task each, all in one process. */
import { storyClock } from "../../services/command/demo-story.ts";
import { configSchema } from "../../services/contracts/config.ts";
import { topics } from "../../services/contracts/topics.ts";
import { counter } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { ownCpuSeconds } from "./support/cpu.ts";
import { makePayloads } from "./support/payloads.ts";

export interface PartitionsJob {
  readonly kind: "partitions";
  readonly partitions: number;
  readonly requests: number;
  readonly directory: string;
  readonly seed: number;
}

export interface PartitionsResult {
  readonly partitions: number;
  readonly spans: number;
  readonly cpuMicrosecondsPerSpan: number;
}

const spansEach = 500;
/** What was sent before the measurement is read in this time. */
const settleMs = 1_000;
/** In event time: about what one core takes. */
const spansPerSecond = 25_000;

export async function runPartitions(job: PartitionsJob): Promise<PartitionsResult> {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  const warmUp = Math.ceil(job.requests / 4);
  const count = warmUp + job.requests;
  const spanMs = (count * spansEach * 1000) / spansPerSecond;
  const payloads = makePayloads({ count, spansEach, startMs, spanMs, seed: job.seed });
  const config = configSchema.parse({
    dataDir: job.directory,
    log: { partitions: job.partitions },
    history: { engine: "none" },
    metrics: { port: 0 },
  });
  const clock = storyClock(startMs);
  await using app = await startApp({
    config,
    clock,
    report: () => {},
    readWaitMs: 50,
    stages: ["aggregate", "detect", "incident"],
  });
  const { log } = app;
  const admit = createAdmission({
    ...config.ingest,
    maxAttributes: config.ingest.maxAttributesPerSpan,
    partitions: config.log.partitions,
  });
  const offsets = new Array<number>(job.partitions).fill(0);
  let counted = 0;
  /** Adds up the requests of windows that were closed since the last call. */
  const countClosed = async () => {
    for (let partition = 0; partition < job.partitions; partition++) {
      const fromOffset = offsets[partition] as number;
      const request = { topic: topics.closed, partition, fromOffset, maxBytes: 1 << 22, waitMs: 0 };
      for (const { value, offset } of await log.read(request)) {
        offsets[partition] = offset + 1;
        for (const cell of decodeWindow(value).cells) counted += counter(cell, "requests");
      }
    }
  };
  const send = async (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      clock.set(startMs + (spanMs * index) / count + 1_000);
      const { records } = admit("traces", payloads.requests[index] as Uint8Array);
      await log.append(
        records.map(({ partition, value }) => ({ topic: topics.traces, partition, value })),
      );
    }
  };
  await send(0, warmUp);
  await systemClock.sleep(settleMs);
  const before = ownCpuSeconds();
  await send(warmUp, count);
  // Past the lateness of the last window; silent partitions say so by heartbeats.
  while (counted < count * spansEach) {
    await systemClock.sleep(100);
    clock.set(clock.nowMs() + 1_000);
    await countClosed();
  }
  const spans = job.requests * spansEach;
  return {
    partitions: job.partitions,
    spans,
    cpuMicrosecondsPerSpan: ((ownCpuSeconds() - before) * 1e6) / spans,
  };
}
