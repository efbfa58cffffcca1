/** What every runner is given by the composition root. */
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import type { Metrics } from "../contracts/metrics.ts";
import { deadLetterRecord } from "../contracts/records.ts";
import { signalOfTopic, topics } from "../contracts/topics.ts";
import type { AppendRecord, Log, LogRecord } from "../log/log.ts";
import type { Rejection } from "../stage.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import type { ControlFacts } from "./control.ts";

export interface RunnerDeps {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly checkpoints: CheckpointStore;
  readonly control: ControlFacts;
  /** Instead of `readWaitMs`: shorter where simulated time runs faster than the wall's. */
  readonly readWaitMs?: number;
  readonly report: (level: "debug" | "info" | "warn" | "error", message: string) => void;
}

/** Records read and stepped in one turn of the event loop, bytes: some 10 ms. */
export const readBytes = 1024 * 1024;
/** After reading fewer bytes than this a task waits before it reads again, for so long that 20 reads a second are the most. */
export const fewBytes = 256 * 1024;
export const gatherMs = 50;
/** Longest wait for a record; also how soon a silent source partition gets its heartbeat, ms. */
export const readWaitMs = 1_000;

/**
 * A record for the dead letters. Of telemetry only the place is kept: what cannot be read cannot be freed of content
 * either, and the record itself stays in its topic for as long as the topic keeps it.
 */
export function deadLetter(stage: string, record: LogRecord, rejection: Rejection): AppendRecord {
  const { topic, partition, offset, appendMs } = record;
  return {
    topic: topics.deadletter,
    partition: 0,
    key: `${topic}/${partition}/${offset}`,
    value: deadLetterRecord.encode({
      stage,
      topic,
      partition,
      offset,
      appendMs,
      code: rejection.code,
      reason: rejection.reason,
      value: signalOfTopic[topic] === undefined ? Buffer.from(record.value).toString("base64") : "",
    }),
  };
}

/** Repeats a call while it fails in a way that may pass: 100 ms, doubled up to 5 s, until the signal ends it. */
export async function untilDone<T>(
  deps: Pick<RunnerDeps, "clock" | "report">,
  what: string,
  call: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ForeshockError && error.retryable)) throw error;
      deps.report("warn", `${what}: ${error.message}; next try in ${waitMs / 1000} s`);
      await deps.clock.sleep(waitMs, signal);
    }
  }
}
