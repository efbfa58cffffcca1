import { closeSync, existsSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import {
  acquireDirectoryLock,
  type DirectoryLock,
  refuseSecondOwnerHere,
} from "./directory-lock.ts";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded-log.ts";
import { createLmdbStore } from "./lmdb-store.ts";

export type LmdbLog = EmbeddedLog;

export interface LmdbLogOptions {
  /** Made if missing; one process owns it at a time. */
  readonly directory: string;
  readonly clock: Clock;
  readonly limits: LmdbLogLimits;
}

interface LmdbLogLimits {
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
