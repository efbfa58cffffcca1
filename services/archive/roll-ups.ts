/**
 * Windows of a minute and of an hour, out of stored ones: written when a boundary is passed, never before, so that every row is
 * final. A boundary's rows are one insert into one table partition, so they are stored whole or not at all, and what was stored last says where to go on
 * after any kill. Counts and sketches add up exactly; tenants, which are estimates, are the most of any window.
 */
import type { History } from "../history/history.ts";

interface Tier {
  readonly table: "windows_minute" | "windows_hour";
  readonly source: "windows" | "windows_minute";
  readonly bucketMs: number;
  /** Most that one insert covers while what was missed is made up; divides a day, so no insert spans two months. */
  readonly chunkMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const tiers: readonly Tier[] = [
  { table: "windows_minute", source: "windows", bucketMs: minuteMs, chunkMs: hourMs },
  { table: "windows_hour", source: "windows_minute", bucketMs: hourMs, chunkMs: 24 * hourMs },
];

/** Inserts a tier and call at most: a history that was never rolled up is made up beside what comes in. */
const chunksEach = 4;

export interface RollUps {
  /** All windows of the partition that start before `completeMs` are stored: rolls up what lies before it. */
  advance(partition: number, completeMs: number, signal: AbortSignal): Promise<void>;
}

export function createRollUps(history: History): RollUps {
  /** End of what is rolled up, by table and partition; undefined: not looked up yet. */
  const rolled = new Map<string, number>();

  async function advanceTier(
    tier: Tier,
    { partition, completeMs }: { readonly partition: number; readonly completeMs: number },
    signal: AbortSignal,
  ): Promise<number> {
    const name = `${tier.table}/${partition}`;
    const until = Math.floor(completeMs / tier.bucketMs) * tier.bucketMs;
    let from = rolled.get(name) ?? (await startOf(history, tier, { partition, until }, signal));
    for (let chunk = 0; chunk < chunksEach && from < until; chunk++) {
      const to = Math.min(until, (Math.floor(from / tier.chunkMs) + 1) * tier.chunkMs);
      await history.command(rollUpSql(tier, partition, { from, to }), signal);
      from = to;
    }
    rolled.set(name, from);
    return from;
  }

  return {
    async advance(partition, completeMs, signal) {
      let complete = completeMs;
      for (const tier of tiers)
        complete = await advanceTier(tier, { partition, completeMs: complete }, signal);
    },
  };
}

/** Where to go on: behind the last bucket that is stored, else at the first window that there is. */
async function startOf(
  history: History,
  { table, source, bucketMs }: Tier,
  { partition, until }: { readonly partition: number; readonly until: number },
  signal: AbortSignal,
): Promise<number> {
  const [row] = await history.query<{ rolled: string; last: string; known: string; first: string }>(
    `SELECT
       (SELECT count() FROM ${table} WHERE source_partition = {partition:UInt32}) AS rolled,
       (SELECT toUnixTimestamp64Milli(max(window_start)) FROM ${table} WHERE source_partition = {partition:UInt32}) AS last,
       count() AS known, toUnixTimestamp64Milli(min(window_start)) AS first
     FROM ${source} WHERE source_partition = {partition:UInt32}`,
    { partition },
    signal,
  );
  if (row === undefined || Number(row.known) === 0) return until;
  if (Number(row.rolled) > 0) return Number(row.last) + bucketMs;
  return Math.floor(Number(row.first) / bucketMs) * bucketMs;
}

const counts = [
  ...["requests", "spans", "streamed", "input_tokens", "output_tokens", "cached_input_tokens"],
  ...["reasoning_tokens", "retries", "empty", "truncated", "refused", "substituted"],
  ...["finish_stop", "finish_tool", "finish_other", "finish_missing"],
  ...["outcome_ok", "outcome_rate_limit", "outcome_overloaded", "outcome_server_error"],
  ...["outcome_unavailable", "outcome_timeout", "outcome_connection_error"],
  ...["outcome_stream_error", "outcome_invalid_request", "outcome_auth"],
  ...["outcome_client_cancelled", "outcome_other"],
] as const;
const estimates = ["tenants", "tenants_failed", "tenants_limited"] as const;
const sketches = ["duration", "ttft", "tpot", "output_tokens", "input_tokens"] as const;
const cell = "kind, provider, model, region, operation";

/** The same statement for the same buckets, under the same token: sent again it changes nothing. */
function rollUpSql(
  { table, source, bucketMs }: Tier,
  partition: number,
  { from, to }: { readonly from: number; readonly to: number },
): string {
  const columns = [
    "source_partition",
    "window_start",
    "window_ms",
    cell,
    ...counts,
    ...estimates,
    ...sketches.flatMap((sketch) => [`${sketch}_buckets`, `${sketch}_counts`]),
  ];
  const values = [
    "source_partition",
    `toDateTime64(toStartOfInterval(window_start, toIntervalSecond(${bucketMs / 1000})), 3) AS bucket`,
    String(bucketMs),
    cell,
    ...counts.map((name) => `sum(${name})`),
    ...estimates.map((name) => `max(${name})`),
    ...sketches.flatMap((sketch) => [
      `sumMap(${sketch}_buckets, ${sketch}_counts).1`,
      `sumMap(${sketch}_buckets, ${sketch}_counts).2`,
    ]),
  ];
  return `INSERT INTO ${table} (${columns.join(", ")})
    SETTINGS insert_deduplication_token = '${partition}/${from}-${to}', max_insert_threads = 1,
      min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 0
    SELECT ${values.join(", ")}
    FROM ${source}
    WHERE source_partition = ${partition}
      AND window_start >= fromUnixTimestamp64Milli(${from}) AND window_start < fromUnixTimestamp64Milli(${to})
    GROUP BY source_partition, bucket, ${cell}`;
}
