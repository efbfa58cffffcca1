import type { AppendRecord, LogRecord } from "./log.ts";

/**
 * What an embedded log keeps its data in: numbered slots (one a partition) of records by offset, and
 * small metadata texts by key. `embedded-log.ts` makes the log port of it; a store knows no semantics.
 */
export interface RecordStore {
  metadata(): Iterable<readonly [key: string, text: string]>;
  /** Where a slot's stored records end, or undefined when it has none. Makes the slot if it is missing. */
  lastRecord(slot: number): { readonly offset: number; readonly appendMs: number } | undefined;
  /** Records of [from, to) in offset order, at least one if there is one, then up to about `maxBytes`. */
  read(range: StoreRange): readonly LogRecord[];
  /** Append time of the record at an offset, or undefined where there is none. */
  appendMsAt(slot: number, offset: number): number | undefined;
  /** All of it or nothing, durable when it resolves; puts before removals. One write at a time. */
  write(batch: StoreWrite): Promise<void>;
  /** Bytes that live records occupy, with the store's own overhead. */
  usedBytes(): number;
  close(): Promise<void>;
}

export interface StoreRange {
  readonly topic: string;
  readonly partition: number;
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  readonly maxBytes: number;
}

interface StorePut {
  readonly slot: number;
  readonly offset: number;
  readonly appendMs: number;
  readonly record: AppendRecord;
}

export interface StoreWrite {
  readonly puts: StorePut[];
  /** Half-open ranges of offsets; offsets that are not there are passed over. */
  readonly removals: { readonly slot: number; readonly from: number; readonly to: number }[];
  /** Later entries win; undefined removes the key. */
  readonly metadata: (readonly [key: string, text: string | undefined])[];
}

export const emptyWrite = (): StoreWrite => ({ puts: [], removals: [], metadata: [] });
