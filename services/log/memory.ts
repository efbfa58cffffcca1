import type { Clock } from "../runtime/clock.ts";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded-log.ts";
import type { AppendRecord, LogRecord } from "./log.ts";
import { encodedRecordBytes } from "./record-codec.ts";
import type { RecordStore, StoreRange, StoreWrite } from "./record-store.ts";

export type MemoryLog = EmbeddedLog;

export interface MemoryLogOptions {
  readonly clock: Clock;
  /**
   * Append time of a record, Unix ms, for replay: made never falling per partition, and the newest of them is
   * "now" for retention and back-pressure. Without it, both are the clock's.
   */
  readonly appendTimeMs?: (record: AppendRecord) => number;
  /** `pressure` refuses from 90 % on, `append` throws `log_full` at 100 %. Default without bound. */
  readonly maxBytes?: number;
  /** Retention runs so often. Default 1000. */
  readonly maintenanceIntervalMs?: number;
}

/** The log without a disk, for replay at full speed and for tests. It is gone when closed. */
export function openMemoryLog(options: MemoryLogOptions): Promise<MemoryLog> {
  return openEmbeddedLog({ store: createMemoryStore(), ...memoryLogSettings(options) });
}

/** Everything but the store, so that a test can open a store again. */
export function memoryLogSettings(options: MemoryLogOptions) {
  const { clock, appendTimeMs } = options;
  let newestMs = Number.NEGATIVE_INFINITY;
  const replayTime = (record: AppendRecord) => {
    const timeMs = appendTimeMs?.(record) ?? clock.nowMs();
    if (timeMs > newestMs) newestMs = timeMs;
    return timeMs;
  };
  return {
    clock,
    appendTime: replayTime,
    retentionNow: () => (appendTimeMs === undefined ? clock.nowMs() : newestMs),
    limits: {
      maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
      maxBatchBytes: 16 * 1024 * 1024,
      maintenanceIntervalMs: options.maintenanceIntervalMs ?? 1000,
      closeTimeoutMs: 10_000,
    },
  };
}

/** Records of a slot in offset order; `first` of them at the front are removed but not yet cut off. */
interface MemorySlot {
  records: LogRecord[];
  first: number;
}

export function createMemoryStore(): RecordStore {
  const metadata = new Map<string, string>();
  const slots: MemorySlot[] = [];
  let usedBytes = 0;

  function slotOf(slot: number): MemorySlot {
    let found = slots[slot];
    if (found === undefined) {
      found = { records: [], first: 0 };
      slots[slot] = found;
    }
    return found;
  }

  /** Index of the first record at or after an offset. */
  function indexOf({ records, first }: MemorySlot, offset: number): number {
    const base = records[first]?.offset;
    if (base === undefined) return records.length;
    // Dense slots, which are most, answer at once.
    const direct = first + offset - base;
    if (records[direct]?.offset === offset) return direct;
    let low = first;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((records[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function remove(slot: MemorySlot, from: number, to: number): void {
    const start = indexOf(slot, from);
    const end = indexOf(slot, to);
    for (let i = start; i < end; i++) usedBytes -= sizeOf(slot.records[i]);
    if (start !== slot.first) {
      slot.records.splice(start, end - start);
      return;
    }
    slot.records.fill(removed, start, end);
    slot.first = end;
    if (slot.first * 2 < slot.records.length) return;
    slot.records = slot.records.slice(slot.first);
    slot.first = 0;
  }

  async function write(batch: StoreWrite): Promise<void> {
    for (const { slot, offset, appendMs, record } of batch.puts) {
      const { topic, partition, key, value, headers = {} } = record;
      // A copy: the caller may use its buffer again.
      const stored = {
        topic,
        partition,
        offset,
        appendMs,
        key,
        value: Buffer.from(value),
        headers,
      };
      slotOf(slot).records.push(stored);
      usedBytes += sizeOf(stored);
    }
    for (const { slot, from, to } of batch.removals) remove(slotOf(slot), from, to);
    for (const [key, text] of batch.metadata) {
      if (text === undefined) metadata.delete(key);
      else metadata.set(key, text);
    }
  }

  function read({ slot, from, to, maxBytes }: StoreRange): LogRecord[] {
    const stored = slotOf(slot);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let i = indexOf(stored, from); i < stored.records.length && bytes < maxBytes; i++) {
      const record = stored.records[i];
      if (record === undefined || record.offset >= to) break;
      records.push(record);
      bytes += record.value.length;
    }
    return records;
  }

  return {
    metadata: () => [...metadata],
    lastRecord(slot) {
      const { records, first } = slotOf(slot);
      return first < records.length ? records[records.length - 1] : undefined;
    },
    read,
    appendMsAt(slot, offset) {
      const stored = slotOf(slot);
      const record = stored.records[indexOf(stored, offset)];
      return record?.offset === offset ? record.appendMs : undefined;
    },
    write,
    usedBytes: () => usedBytes,
    close: async () => {},
  };
}

/** Stands where a record was, so that its memory is free before the list is cut. */
const removed: LogRecord = {
  topic: "",
  partition: 0,
  offset: -1,
  appendMs: 0,
  key: undefined,
  value: new Uint8Array(0),
  headers: {},
};

function sizeOf(record: LogRecord | undefined): number {
  if (record === undefined) return 0;
  const { key, ...rest } = record;
  return encodedRecordBytes(key === undefined ? rest : { ...rest, key });
}
