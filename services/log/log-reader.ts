import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LogRecord, ReadRequest } from "./log.ts";
import type { PartitionState } from "./partition-state.ts";
import { waitForRecords } from "./read-waiters.ts";
import type { RecordStore } from "./record-store.ts";

const defaultReadBytes = 1024 * 1024;

/** `read` of the log port, on a partition's state. Throws `data_lost` outside what the log holds. */
export async function readRecords(
  state: PartitionState,
  request: ReadRequest,
  means: {
    readonly store: RecordStore;
    readonly clock: Clock;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly LogRecord[]> {
  const { topic, partition, fromOffset, maxBytes = defaultReadBytes, waitMs = 0 } = request;

  function readNow(): readonly LogRecord[] {
    if (!(fromOffset >= state.start && fromOffset <= state.end)) {
      throw new ForeshockError(
        "data_lost",
        `offset ${fromOffset} of ${topic}/${partition} is outside the log, which holds ${state.start}–${state.end}`,
      );
    }
    if (fromOffset === state.end) return [];
    const { slot, end: to } = state;
    return means.store.read({ topic, partition, slot, from: fromOffset, to, maxBytes });
  }

  const records = readNow();
  if (records.length > 0 || waitMs <= 0) return records;
  await waitForRecords(state, { clock: means.clock, waitMs, signal: means.signal });
  return readNow();
}

/** All records of a partition, in offset order. */
function* allRecords(state: PartitionState, store: RecordStore): Iterable<LogRecord> {
  const { slot, partition, topic, end: to } = state;
  const place = { topic: topic.spec.name, partition, slot, to, maxBytes: defaultReadBytes };
  for (let from = state.start; from < to; ) {
    const records = store.read({ ...place, from });
    yield* records;
    from = (records.at(-1)?.offset ?? to) + 1;
  }
}

/** Newest record of each key, in offset order, without tombstones. */
export function latestRecords(state: PartitionState, store: RecordStore): readonly LogRecord[] {
  const newest = new Map<string, LogRecord>();
  for (const record of allRecords(state, store)) {
    if (record.key === undefined) continue;
    // Out and in again, so that the map's order is that of the newest offsets.
    newest.delete(record.key);
    newest.set(record.key, record);
  }
  return [...newest.values()].filter((record) => record.value.length > 0);
}

/** Offset of the newest record of each key in a compacted partition; read from the store when first needed. */
export function newestOffsets(state: PartitionState, store: RecordStore): Map<string, number> {
  if (state.newest !== undefined) return state.newest;
  const newest = new Map<string, number>();
  for (const { key, offset, value } of allRecords(state, store)) {
    if (key === undefined) continue;
    newest.set(key, offset);
    if (value.length === 0) state.tombstones.add(key);
    else state.tombstones.delete(key);
  }
  state.newest = newest;
  return newest;
}
