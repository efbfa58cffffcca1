import type { Database, RootDatabase } from "lmdb";
import { ForeshockError } from "../contracts/errors.ts";
import type { LogRecord } from "./log.ts";
import {
  corrupt,
  decodeAppendMs,
  decodeRecord,
  encodedRecordBytes,
  encodeRecordInto,
  isValueApart,
} from "./record-codec.ts";
import type { RecordStore, StoreRange, StoreWrite } from "./record-store.ts";

const firstScratchBytes = 2 * 1024 * 1024;
/** Offset, and which part of the record: all of it (part 0), or its long value (part 1). */
const keyBytes = 9;
const wholePart = 0;
const valuePart = 1;
/** Longer values go to LMDB from where they lie, and times are looked up without reading them. */
const apartFromBytes = 8 * 1024;

type Slot = Database<Buffer, Buffer>;

/** Records in an LMDB environment: a database a slot, keyed by offset, and one of metadata. */
export function createLmdbStore(root: RootDatabase<Buffer, Buffer>): RecordStore {
  const metadata: Slot = root.openDB({
    name: "metadata",
    encoding: "binary",
    keyEncoding: "binary",
  });
  const slots: Slot[] = [];
  /** Bytes by slot, and the slots where they are out of date. */
  const occupied: number[] = [];
  const changed = new Set<number>();
  const scratchKey = Buffer.alloc(keyBytes);
  /** Encoded records of the write under way; used again for the next one. */
  let scratch = Buffer.allocUnsafeSlow(firstScratchBytes);

  function slotOf(slot: number): Slot {
    let database = slots[slot];
    if (database === undefined) {
      database = root.openDB({ name: `slot-${slot}`, encoding: "binary", keyEncoding: "binary" });
      slots[slot] = database;
      changed.add(slot);
    }
    return database;
  }

  /** The reused key buffer: LMDB copies it before the call returns. */
  function keyOf(offset: number, part: number): Buffer {
    scratchKey.writeUInt32BE(Math.floor(offset / 2 ** 32), 0);
    scratchKey.writeUInt32BE(offset >>> 0, 4);
    scratchKey[8] = part;
    return scratchKey;
  }

  function read({ topic, partition, slot, from, to, maxBytes }: StoreRange): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    const start = Buffer.from(keyOf(from, wholePart));
    const end = Buffer.from(keyOf(to, wholePart));
    let awaitsValue: LogRecord | undefined;
    for (const { key, value } of slotOf(slot).getRange({ start, end })) {
      const position = { topic, partition, offset: offsetOf(key) };
      bytes += value.length;
      if (key[8] === valuePart) {
        if (awaitsValue?.offset !== position.offset) throw corrupt(position, "only a value");
        records.push({ ...awaitsValue, value });
        awaitsValue = undefined;
      } else {
        if (awaitsValue !== undefined) break;
        const record = decodeRecord(value, position);
        if (isValueApart(value)) awaitsValue = record;
        else records.push(record);
      }
      if (bytes >= maxBytes && awaitsValue === undefined) break;
    }
    if (awaitsValue !== undefined) throw corrupt(awaitsValue, "without its value");
    return records;
  }

  function appendMsAt(slot: number, offset: number): number | undefined {
    const bytes = slotOf(slot).getBinaryFast(keyOf(offset, wholePart));
    return bytes === undefined ? undefined : decodeAppendMs(bytes);
  }

  function putRecords(batch: StoreWrite, written: Promise<boolean>[]): void {
    let bytes = 0;
    for (const { record } of batch.puts) {
      bytes += encodedRecordBytes(record);
      if (record.value.length >= apartFromBytes) bytes -= record.value.length;
    }
    if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const { slot, offset, appendMs, record } of batch.puts) {
      const isApart = record.value.length >= apartFromBytes;
      const end = encodeRecordInto(scratch, at, { record, appendMs, isValueApart: isApart });
      changed.add(slot);
      const database = slotOf(slot) as unknown as AppendingDatabase;
      // Offsets only grow, so pages are filled to the end: a third less disk for small records.
      written.push(database.put(keyOf(offset, wholePart), scratch.subarray(at, end), appending));
      if (isApart) {
        const key = keyOf(offset, valuePart);
        written.push(database.put(key, record.value, appending));
      }
      at = end;
    }
  }

  function remove({ slot, from, to }: StoreWrite["removals"][number]): Promise<boolean>[] {
    changed.add(slot);
    const removed: Promise<boolean>[] = [];
    for (let offset = from; offset < to; offset++) {
      removed.push(slotOf(slot).remove(keyOf(offset, wholePart)));
      removed.push(slotOf(slot).remove(keyOf(offset, valuePart)));
    }
    return removed;
  }

  async function write(batch: StoreWrite): Promise<void> {
    const written: Promise<boolean>[] = [];
    let puts = 0;
    // One batch is one transaction.
    const committed = root.batch(() => {
      putRecords(batch, written);
      puts = written.length;
      for (const range of batch.removals) written.push(...remove(range));
      for (const [key, text] of batch.metadata) {
        if (text === undefined) written.push(metadata.remove(Buffer.from(key)));
        else written.push(metadata.put(Buffer.from(key), Buffer.from(text)));
      }
    });
    try {
      const [outcomes] = await Promise.all([Promise.all(written), committed]);
      if (outcomes.slice(0, puts).includes(false)) {
        throw new Error("a record lies beyond the end of its partition");
      }
    } catch (error) {
      throw await writeError(error);
    }
  }

  return {
    *metadata() {
      for (const { key, value } of metadata.getRange()) yield [key.toString(), value.toString()];
    },
    lastRecord(slot) {
      for (const key of slotOf(slot).getKeys({ reverse: true, limit: 1 })) {
        const offset = offsetOf(key);
        return { offset, appendMs: appendMsAt(slot, offset) ?? 0 };
      }
      return undefined;
    },
    read,
    appendMsAt,
    write,
    usedBytes() {
      for (const slot of changed) occupied[slot] = treeBytes(slotOf(slot));
      changed.clear();
      return occupied.reduce((sum, bytes) => sum + bytes, 0);
    },
    close: () => root.close(),
  };
}

function offsetOf(key: Buffer): number {
  return key.readUInt32BE(0) * 2 ** 32 + key.readUInt32BE(4);
}

interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/** Bytes of the pages that a database's tree takes. */
function treeBytes(database: Slot): number {
  const stats = database.getStats() as TreeStats;
  return (
    (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages) * stats.pageSize
  );
}

/** LMDB rejects each write with one text and says why in a promise beside it. */
async function writeError(error: unknown): Promise<ForeshockError> {
  let cause = error;
  if (error instanceof Error && "commitError" in error) {
    try {
      await error.commitError;
    } catch (why) {
      cause = why;
    }
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ForeshockError("unavailable", `writing the log failed: ${text}`, {
    retryable: true,
    cause,
  });
}

/** What `put` takes besides what its types say. */
interface AppendingDatabase {
  put(key: Buffer, value: Uint8Array, options: { readonly append: true }): Promise<boolean>;
}
const appending = { append: true } as const;
