/**
 * What a span costs from admission to the incident stage, with few partitions and with many: a task each, all in one process.
 * The load is 25,000 spans a second of the bench's own time, which waits and heartbeats follow; it passes as fast as the machine can.
 */
import { configSchema } from "../../services/contracts/config.ts";
import { topics } from "../../services/contracts/topics.ts";
import { counter } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { createGatheredAppend } from "../../services/ingest/gathered-append.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { ownCpuSeconds } from "./support/cpu.ts";
import { makePayloads, readPayloads, writePayloads } from "./support/payloads.ts";
import { waitingClock } from "./support/waiting-clock.ts";

export interface PartitionsJob {
  readonly kind: "partitions";
  readonly partitions: number;
  /** Sent before anything is measured, then those that are. */
  readonly warmUpRequests: number;
  readonly requests: number;
  /** Written by `writeLoad`: at least so many requests. */
  readonly payloadsFile: string;
  readonly startMs: number;
  readonly directory: string;
}

export interface PartitionsResult {
  readonly partitions: number;
  readonly spans: number;
  /** From the first request after the warm-up until every span is in a closed window. */
  readonly cpuSeconds: number;
}

/** What two runs of different lengths say: what a span more costs, and what a run costs besides. */
export interface PartitionsCost {
  readonly perSpanUs: number;
  /** Code that gets compiled, first windows, and the heartbeats and windows after the last request. */
  readonly fixedSeconds: number;
  /** Of the longer run, all of it. */
  readonly allSeconds: number;
}

export function costOf(short: PartitionsResult, long: PartitionsResult): PartitionsCost {
  const perSpan = (long.cpuSeconds - short.cpuSeconds) / (long.spans - short.spans);
  return {
    perSpanUs: perSpan * 1e6,
    fixedSeconds: short.cpuSeconds - perSpan * short.spans,
    allSeconds: long.cpuSeconds,
  };
}

const spansEach = 500;
/** What was sent before the measurement is read in this time. */
const settleMs = 1_000;
/** A request of 500 spans so often: about what one core takes. */
const requestEveryMs = 20;
/** Requests under way at a time, as of a few dozen senders. */
const inFlight = 16;

/** Makes the requests of a run: those of shorter runs are the first of them. */
export function writeLoad(file: string, count: number, seed: number): { startMs: number } {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  const spanMs = count * requestEveryMs;
  writePayloads(file, makePayloads({ count, spansEach, startMs, spanMs, seed }));
  return { startMs };
}

export async function runPartitions(job: PartitionsJob): Promise<PartitionsResult> {
  const { partitions, startMs, warmUpRequests: warmUp } = job;
  const count = warmUp + job.requests;
  const { requests } = readPayloads(job.payloadsFile, spansEach);
  const config = configSchema.parse({
    dataDir: job.directory,
    log: { partitions },
    history: { engine: "none" },
    metrics: { port: 0 },
  });
  const clock = waitingClock(startMs);
  await using app = await startApp({
    config,
    clock,
    report: () => {},
    stages: ["aggregate", "detect", "incident"],
  });
  const { log } = app;
  const admit = createAdmission({
    ...config.ingest,
    maxAttributes: config.ingest.maxAttributesPerSpan,
    partitions,
  });
  const append = createGatheredAppend(log);
  const offsets = new Array<number>(partitions).fill(0);
  let counted = 0;
  /** Adds up the requests of windows that were closed since the last call. */
  const countClosed = async () => {
    for (let partition = 0; partition < partitions; partition++) {
      const fromOffset = offsets[partition] as number;
      const request = { topic: topics.closed, partition, fromOffset, maxBytes: 1 << 22, waitMs: 0 };
      for (const { value, offset } of await log.read(request)) {
        offsets[partition] = offset + 1;
        for (const cell of decodeWindow(value).cells) counted += counter(cell, "requests");
      }
    }
  };
  const send = async (from: number, to: number) => {
    const open = new Set<Promise<unknown>>();
    for (let index = from; index < to; index++) {
      clock.set(startMs + requestEveryMs * index + 1_000);
      const { records } = admit("traces", requests[index] as Uint8Array);
      const placed = records.map((record) => ({ topic: topics.traces, ...record }));
      const appended: Promise<unknown> = append(placed).then(() => open.delete(appended));
      open.add(appended);
      if (open.size >= inFlight) await Promise.race(open);
    }
    await Promise.all(open);
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
  return {
    partitions,
    spans: job.requests * spansEach,
    cpuSeconds: ownCpuSeconds() - before,
  };
}
