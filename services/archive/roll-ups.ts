/**
 * Windows and verdicts of a minute and of an hour, out of stored ones: written when a boundary is passed, never before, so that every
 * row is final. A boundary's rows are one insert into one table partition, so they are stored whole or not at all, and what was stored last says
 * where to go on after any kill. Counts and sketches add up exactly; tenants, which are estimates, are the most of any window. How far
 * a table is, `rolled_up` says, behind the rows: whoever reads takes a roll-up up to there, and what it was made from after that. Why
 * the archive does this, and why it is exact: docs/decisions/0016-roll-ups-by-the-archive.md.
 */
import type { History } from "../history/history.ts";
import { type Addition, additions } from "./roll-up-columns.ts";

type Family = keyof typeof additions;

interface Tier {
  readonly table: string;
  readonly source: string;
  readonly bucketMs: number;
  /** Most that one insert covers while what was missed is made up; at most a day and divides it, so no insert spans two months. */
  readonly chunkMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const tiersOf = (family: Family, minutesAtOnceMs: number): readonly Tier[] => [
  { table: `${family}_minute`, source: family, bucketMs: minuteMs, chunkMs: minutesAtOnceMs },
  { table: `${family}_hour`, source: `${family}_minute`, bucketMs: hourMs, chunkMs: dayMs },
];

/** Inserts a tier and call at most: a history that was never rolled up is made up beside what comes in. */
const chunksEach = 4;

/** Whose rows: those of a partition of closed windows, or of a task that writes verdicts. */
export interface RolledSource {
  readonly family: Family;
  readonly id: string;
}

export interface RollUps {
  /** All rows of the source whose windows start before `completeMs` are stored: rolls up what lies before it. */
  advance(source: RolledSource, completeMs: number, signal: AbortSignal): Promise<void>;
}

/** `minutesAtOnceMs`: how much of what was missed becomes minutes in one insert; a day of many cells takes gigabytes. */
export function createRollUps(
  history: History,
  { minutesAtOnceMs = hourMs }: { readonly minutesAtOnceMs?: number } = {},
): RollUps {
  /** End of what is rolled up, by table and source; undefined: not looked up yet. */
  const rolled = new Map<string, number>();

  async function advanceTier(
    job: Job,
    completeMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly untilMs: number; readonly isNews: boolean }> {
    const { tier } = job;
    const name = `${tier.table}/${job.id}`;
    const until = Math.floor(completeMs / tier.bucketMs) * tier.bucketMs;
    const known = rolled.get(name);
    let from = known ?? (await startOf(history, job, until, signal));
    for (let chunk = 0; chunk < chunksEach && from < until; chunk++) {
      const to = Math.min(until, (Math.floor(from / tier.chunkMs) + 1) * tier.chunkMs);
      await history.command(rollUpSql(job, { from, to }), signal);
      from = to;
    }
    rolled.set(name, from);
    return { untilMs: from, isNews: from !== known };
  }

  return {
    async advance({ family, id }, completeMs, signal) {
      let complete = completeMs;
      const news: string[] = [];
      for (const tier of tiersOf(family, minutesAtOnceMs)) {
        const { untilMs, isNews } = await advanceTier({ family, id, tier }, complete, signal);
        complete = untilMs;
        if (isNews) news.push(`('${tier.table}', ${quoted(id)}, ${Math.max(0, untilMs / 1000)})`);
      }
      if (news.length > 0)
        await history.command(`INSERT INTO rolled_up VALUES ${news.join(", ")}`, signal);
    },
  };
}

interface Job extends RolledSource {
  readonly tier: Tier;
}

const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;

/** A condition on a tier's rows and on those that it is made from. */
const ofSource = ({ family, id }: RolledSource) =>
  `${additions[family].source} = ${family === "windows" ? Number(id) : quoted(id)}`;

/** Where to go on: behind the last bucket that is stored, else at the first window that there is. */
async function startOf(
  history: History,
  job: Job,
  until: number,
  signal: AbortSignal,
): Promise<number> {
  const { table, source, bucketMs } = job.tier;
  const [row] = await history.query<{ rolled: string; last: string; known: string; first: string }>(
    `SELECT
       (SELECT count() FROM ${table} WHERE ${ofSource(job)}) AS rolled,
       (SELECT toUnixTimestamp64Milli(max(window_start)) FROM ${table} WHERE ${ofSource(job)}) AS last,
       count() AS known, toUnixTimestamp64Milli(min(window_start)) AS first
     FROM ${source} WHERE ${ofSource(job)}`,
    {},
    signal,
  );
  if (row === undefined || Number(row.known) === 0) return until;
  if (Number(row.rolled) > 0) return Number(row.last) + bucketMs;
  return Math.floor(Number(row.first) / bucketMs) * bucketMs;
}

const cell = "kind, provider, model, region, operation";

/**
 * The same statement for the same buckets, under the same token: sent again it changes nothing. Who was taken for gone, and has since been
 * overtaken, finds buckets there under whatever token, and adds only those behind them.
 */
function rollUpSql(job: Job, { from, to }: { readonly from: number; readonly to: number }): string {
  const { table, source, bucketMs } = job.tier;
  const { source: whose, columns }: Addition = additions[job.family];
  const names = [whose, "window_start", "window_ms", cell, ...columns.map(({ name }) => name)];
  const values = [
    whose,
    `toDateTime64(toStartOfInterval(window_start, toIntervalSecond(${bucketMs / 1000})), 3) AS bucket`,
    String(bucketMs),
    cell,
    ...columns.map(({ value }) => value),
  ];
  // The 2: rows of the first kind, without counts of rows, were taken under tokens of the same ranges.
  return `INSERT INTO ${table} (${names.join(", ")})
    SETTINGS insert_deduplication_token = ${quoted(`2/${job.id}/${from}-${to}`)}, max_insert_threads = 1,
      min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 0
    SELECT ${values.join(", ")}
    FROM ${source}
    WHERE ${ofSource(job)}
      AND window_start >= fromUnixTimestamp64Milli(${from}) AND window_start < fromUnixTimestamp64Milli(${to})
      AND window_start >= (
        SELECT max(window_start) + toIntervalMillisecond(${bucketMs}) FROM ${table}
        WHERE ${ofSource(job)} AND window_start >= fromUnixTimestamp64Milli(${from}) AND window_start < fromUnixTimestamp64Milli(${to})
      )
    GROUP BY ${whose}, bucket, ${cell}`;
}
