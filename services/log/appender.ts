import { ForeshockError } from "../contracts/errors.ts";
import type { Appended, AppendRecord } from "./log.ts";
import { newestOffsets } from "./log-reader.ts";
import type { PartitionState } from "./partition-state.ts";
import { wakeReaders } from "./read-waiters.ts";
import { encodedRecordBytes } from "./record-codec.ts";
import type { RecordStore, StoreWrite } from "./record-store.ts";
import type { WriteJob, WriteQueue } from "./write-queue.ts";

/** When a record is appended, Unix ms; the log makes whole and never falling times of it. */
export type AppendTime = (record: AppendRecord) => number;

interface AppendContext {
  /** Where each record goes, in the order of the records. */
  readonly states: readonly PartitionState[];
  /** Counts the bytes, or throws `log_full`. */
  admit(bytes: number): void;
  readonly signal: AbortSignal | undefined;
}

export interface Appender {
  append(records: readonly AppendRecord[], context: AppendContext): Promise<readonly Appended[]>;
}

/** Hands out offsets and append times at the moment of the write, and removes what compaction replaces. */
export function createAppender(options: {
  readonly queue: WriteQueue;
  readonly store: RecordStore;
  readonly appendTime: AppendTime;
}): Appender {
  const { queue, store, appendTime } = options;

  function stage(batch: StoreWrite, record: AppendRecord, place: StagePlace): Appended {
    const { state, timeMs } = place;
    const offset = state.nextOffset++;
    if (timeMs > state.maxAppendMs) state.maxAppendMs = timeMs;
    const appendMs = state.maxAppendMs;
    batch.puts.push({ slot: state.slot, offset, appendMs, record });
    if (state.topic.spec.cleanup === "compact" && record.key !== undefined) {
      const newest = newestOffsets(state, store);
      const replaced = newest.get(record.key);
      if (replaced !== undefined) {
        batch.removals.push({ slot: state.slot, from: replaced, to: replaced + 1 });
      }
      newest.set(record.key, offset);
      if (record.value.length === 0) state.tombstones.add(record.key);
      else state.tombstones.delete(record.key);
    }
    return { offset, appendMs };
  }

  return {
    async append(records, { states, admit, signal }) {
      if (records.length === 0) return [];
      let bytes = 0;
      for (const [i, record] of records.entries()) {
        if (states[i]?.topic.spec.cleanup === "compact" && record.key === undefined) {
          throw new ForeshockError(
            "record_invalid",
            `records of compacted topic ${record.topic} must have a key`,
          );
        }
        bytes += encodedRecordBytes(record);
      }
      admit(bytes);
      return new Promise((resolve, reject) => {
        let appended: Appended[] = [];
        const settle = (action: () => void) => {
          signal?.removeEventListener("abort", onAbort);
          action();
        };
        const job: WriteJob = {
          bytes,
          stage(batch) {
            // Whatever may throw comes before anything is staged.
            for (const state of states) {
              if (state.topic.spec.cleanup === "compact") newestOffsets(state, store);
            }
            const times = records.map((record) => wholeTime(appendTime(record), record));
            appended = records.map((record, i) => {
              const state = states[i];
              if (state === undefined) throw new Error("a record without a partition");
              return stage(batch, record, { state, timeMs: times[i] ?? 0 });
            });
          },
          done() {
            for (const [i, state] of states.entries()) {
              const offset = appended[i]?.offset;
              if (offset !== undefined && offset >= state.end) state.end = offset + 1;
            }
            for (const state of new Set(states)) wakeReaders(state);
            settle(() => resolve(appended));
          },
          fail: (error) => settle(() => reject(error)),
        };
        const onAbort = () => {
          queue.remove(job);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        queue.push(job);
      });
    },
  };
}

interface StagePlace {
  readonly state: PartitionState;
  readonly timeMs: number;
}

function wholeTime(timeMs: number, record: AppendRecord): number {
  if (Number.isFinite(timeMs)) return Math.floor(timeMs);
  throw new ForeshockError(
    "record_invalid",
    `append time for ${record.topic}/${record.partition} must be a finite number of ms, got ${timeMs}`,
  );
}
