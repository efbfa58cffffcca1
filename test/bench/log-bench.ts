/** Durable appends: the embedded log against a plain file that is written with one writev and made durable with fdatasync. */
import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { AppendRecord } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { median, ratioFigures } from "./support/report.ts";

const recordBytes = 64 * 1024;
const recordsPerCommit = 16;
const topic = "bench";

export interface LogBenchResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Commits of 16 × 64 KiB, one at a time, each durable before the next. The two take turns commit by commit, so that a disk that
 * is busy with something else slows both.
 */
export async function benchLog(options: {
  readonly rounds: number;
  readonly commits: number;
  readonly onRound: (done: number) => void;
}): Promise<LogBenchResult> {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-bench-log-"));
  try {
    await using log = await openLmdbLog({
      directory: join(directory, "log"),
      clock: systemClock,
      limits: { maxDiskBytes: 1e11 },
    });
    await log.ensureTopics([
      { name: topic, partitions: 1, cleanup: "delete", retentionMs: 86_400_000 },
    ]);
    await using file = await open(join(directory, "plain"), "a");
    const values = Array.from({ length: recordsPerCommit }, (_, index) =>
      Uint8Array.from({ length: recordBytes }, (_, at) => (at * 31 + index * 7 + (at >>> 8)) & 255),
    );
    const records: AppendRecord[] = values.map((value) => ({ topic, partition: 0, value }));
    const ratios: number[] = [];
    const rows: Record<string, unknown>[] = [];
    for (let round = -1; round < options.rounds; round++) {
      const ownMs: number[] = [];
      const rivalMs: number[] = [];
      for (let commit = 0; commit < options.commits; commit++) {
        ownMs.push(await timed(() => log.append(records)));
        rivalMs.push(await timed(() => writeDurably(file, values)));
      }
      // The first fills caches and makes both files grow to a usual size.
      if (round < 0) continue;
      ratios.push(sum(rivalMs) / sum(ownMs));
      rows.push({
        part: "log",
        round,
        own_mb_per_s: megabytesPerSecond(ownMs),
        fdatasync_mb_per_s: megabytesPerSecond(rivalMs),
        own_p50_ms: median(ownMs),
        fdatasync_p50_ms: median(rivalMs),
      });
      options.onRound(round + 1);
    }
    return { figures: ratioFigures("log_ratio_fdatasync", ratios), rows };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeDurably(file: FileHandle, values: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev([...values]);
  if (bytesWritten !== recordBytes * recordsPerCommit)
    throw new Error(`writev took ${bytesWritten} bytes`);
  await file.datasync();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const megabytesPerSecond = (commitsMs: readonly number[]) =>
  Math.round((commitsMs.length * recordsPerCommit * recordBytes) / (sum(commitsMs) * 1000));
