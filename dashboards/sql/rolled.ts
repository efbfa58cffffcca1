/**
 * Rows over any range, from the coarsest table that gives the same answer. Windows and verdicts are kept as they are (5 s), added up over
 * a minute and over an hour, with the same columns. A question takes whole hours from the hours, whole minutes beside them from the
 * minutes, and what is left (the edges of the range, what is not added up yet) from the windows themselves. Steps that are no
 * whole minutes or hours leave those tables out. The engine knows all bounds before it reads, so a branch that is empty costs nothing.
 */
import { outcomes } from "../../services/contracts/outcomes.ts";

export type RolledTable = "windows" | "verdicts";

interface RolledQuery {
  readonly table: RolledTable;
  /** Which cells; the range comes from `from` and the dashboard's end. */
  readonly where: string;
  /** What is asked of the rows, `expression AS name`. */
  readonly values: readonly string[];
  /** More expressions for the WITH clause. */
  readonly given?: string;
  /** Behind the rows, such as ARRAY JOIN. */
  readonly joined?: string;
  /** Behind that, such as GROUP BY. */
  readonly rest?: string;
  /** Whether rows are grouped by the dashboard's steps; else any time is as good as another. */
  readonly isByStep?: boolean;
  /** Begin of the range, SQL. */
  readonly from?: string;
}

/** Columns of a cell's key and time, which all tables have. */
const common = ["window_start", "kind", "provider", "model", "region", "operation"];
const sketches = ["duration", "ttft", "tpot", "output_tokens", "input_tokens"];

/** Columns that mean the same in a row of any length. */
const columns: Readonly<Record<RolledTable, readonly string[]>> = {
  windows: [
    ...common,
    ...["window_count", "requests", "spans", "streamed"],
    ...["input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"],
    ...["retries", "empty", "truncated", "refused", "substituted"],
    ...["finish_stop", "finish_tool", "finish_other", "finish_missing"],
    ...outcomes.map((outcome) => `outcome_${outcome}`),
    ...["tenants_sum", "tenants_failed_sum", "tenants_limited_sum"],
    ...sketches.flatMap((sketch) => [`${sketch}_buckets`, `${sketch}_counts`]),
  ],
  verdicts: [
    ...common,
    ...["window_count", "warming", "normal", "watching", "anomalous", "signals", "score"],
    ...["seen", "low", "high", "times"].flatMap((name) => [`${name}_sum`, `${name}_weight`]),
  ],
};

/** A whole statement over rows of the dashboard's range. */
export function rolledQuery(query: RolledQuery): string {
  const { table, where, values, given, joined, rest, isByStep, from = "$__fromTime" } = query;
  const text = [...values, joined ?? "", isByStep === true ? "window_start" : ""].join(" ");
  const read = columns[table].filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  const branch = (name: string, bounds: string) => `  SELECT ${read.join(", ")}
  FROM ${name}
  WHERE ${where.replaceAll("\n", "\n  ")}
    AND ${bounds}`;
  const tier = (seconds: number, place: 1 | 2, name: string) => {
    const start = `toStartOfInterval(${from} + ${seconds - 1}, INTERVAL ${seconds} second)`;
    const end = `least(toStartOfInterval($__toTime, INTERVAL ${seconds} second), rolled.${place})`;
    const usable =
      isByStep === true ? `if($__interval_s % ${seconds} = 0, ${end}, ${name}_from)` : end;
    return `${start} AS ${name}_from,\n  greatest(${name}_from, ${usable}) AS ${name}_to`;
  };
  const within = (low: string, high: string) => `window_start >= ${low} AND window_start < ${high}`;
  const minutes = within("minutes_from", "minutes_to");
  const hours = within("hours_from", "hours_to");
  return `WITH
  ${given === undefined ? "" : `${given},\n  `}(SELECT (${table}_minute, ${table}_hour) FROM rolled_until) AS rolled,
  ${tier(60, 1, "minutes")},
  ${tier(3_600, 2, "hours")}
SELECT
  ${values.join(",\n  ")}
FROM
(
${branch(table, `${within(from, "$__toTime")} AND NOT (${minutes})`)}
  UNION ALL
${branch(`${table}_minute`, `minutes_from < minutes_to AND ${minutes} AND NOT (${hours})`)}
  UNION ALL
${branch(`${table}_hour`, `hours_from < hours_to AND ${hours}`)}
)${joined === undefined ? "" : `\n${joined}`}${rest === undefined ? "" : `\n${rest}`}`;
}
