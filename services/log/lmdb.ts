import { closeSync, existsSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import {
  acquireDirectoryLock,
  type DirectoryLock,
  refuseSecondOwnerHere,
} from "./directory-lock.ts";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded-log.ts";
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

export type LmdbLog = EmbeddedLog;

export interface LmdbLogOptions {
  /** Made if missing; one process owns it at a time. */
  readonly directory: string;
  readonly clock: Clock;
  readonly limits: LmdbLogLimits;
}

export interface LmdbLogLimits {
  /** Records may take so many bytes on disk: `pressure` refuses from 90 % on, `append` throws `log_full` at 100 %. */
  readonly maxDiskBytes: number;
  /** A transaction takes so many bytes of waiting appends. Default 16 MiB. */
  readonly maxBatchBytes?: number;
  /** Retention runs so often. Default 1000. */
  readonly maintenanceIntervalMs?: number;
  /** Closing waits so long for writes under way. Default 10000. */
  readonly closeTimeoutMs?: number;
}

const mebibyte = 1024 * 1024;
/** One database a partition, besides the metadata. */
const maxDatabases = 4096;
/** Offset, and which part of the record: all of it (part 0), or its long value (part 1). */
const keyBytes = 9;
const wholePart = 0;
const valuePart = 1;
/** Longer values go to LMDB from where they lie, and times are looked up without reading them. */
const apartFromBytes = 8 * 1024;

/**
 * The log on disk, durable when it acknowledges: LMDB, one database a partition, keyed by offset.
 * Throws `log_owned` when another process has the directory, `log_corrupt` when it does not read as a log.
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
  const { directory, clock, limits } = options;
  mkdirSync(directory, { recursive: true });
  refuseSecondOwnerHere(directory);
  const root = openEnvironment(directory);
  let lock: DirectoryLock | undefined;
  try {
    // LMDB's write lock is a mutex over processes that outlives a killed holder.
    lock = root.transactionSync(() => acquireDirectoryLock(directory));
    return await openEmbeddedLog({
      store: createLmdbStore(root),
      clock,
      appendTime: () => clock.nowMs(),
      retentionNow: () => clock.nowMs(),
      limits: {
        maxBytes: limits.maxDiskBytes,
        maxBatchBytes: limits.maxBatchBytes ?? 16 * mebibyte,
        maintenanceIntervalMs: limits.maintenanceIntervalMs ?? 1000,
        closeTimeoutMs: limits.closeTimeoutMs ?? 10_000,
      },
      onClosed: lock.release,
    });
  } catch (error) {
    lock?.release();
    await root.close();
    throw error;
  }
}

function openEnvironment(path: string): RootDatabase<Buffer, Buffer> {
  checkDataFile(path);
  try {
    return open({
      path,
      noSubdir: false,
      maxDbs: maxDatabases,
      encoding: "binary",
      keyEncoding: "binary",
      // LMDB's own order: data, fdatasync, then the page that makes it count. Overlapping would write that
      // page before the sync, and gains nothing with one write at a time.
      overlappingSync: false,
      // Batches are explicit: those that LMDB makes of an event turn leave a rejection without a handler.
      eventTurnBatching: false,
      // `noMemInit` stays off: it would leave bits of this process's memory in the file.
    });
  } catch (error) {
    throw new ForeshockError("log_corrupt", `log directory ${path} does not open as one`, {
      cause: error,
    });
  }
}

const dataMagic = 0xbeefc0de;
const dataMagicAt = 24;

/** Throws `log_corrupt` for a data file that is not LMDB's: the library would crash on it. */
function checkDataFile(directory: string): void {
  const path = join(directory, "data.mdb");
  if (!existsSync(path)) return;
  const start = Buffer.alloc(dataMagicAt + 4);
  const file = openSync(path, "r");
  try {
    const bytes = readSync(file, start, 0, start.length, 0);
    if (bytes === 0 || start.readUInt32LE(dataMagicAt) === dataMagic) return;
  } finally {
    closeSync(file);
  }
  throw new ForeshockError("log_corrupt", `${path} is not the data file of a log`);
}

type Slot = Database<Buffer, Buffer>;

function createLmdbStore(root: RootDatabase<Buffer, Buffer>): RecordStore {
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
  let scratch = Buffer.allocUnsafeSlow(2 * mebibyte);

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
