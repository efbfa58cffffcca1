/** Series over time, with a row for every step of the range: where nothing is known stands NULL, so that a gap is a gap. */
import { type RolledTable, rolledQuery } from "./rolled.ts";

const firstStep = "toStartOfInterval($__fromTime, INTERVAL $__interval_s second)";
export const fillSteps = `WITH FILL FROM ${firstStep} TO $__toTime STEP toIntervalSecond($__interval_s)`;

export interface SeriesQuery {
  readonly table: RolledTable;
  /** Which cells. */
  readonly where: string;
  /** Behind the rows, such as ARRAY JOIN. */
  readonly joined?: string;
  /** `expression AS name`; an expression must be able to be NULL. */
  readonly values: readonly string[];
  /** For a WITH clause, such as the last window known. */
  readonly given?: string;
}

/** The step that a row lies in. */
export const stepTime = "$__timeInterval(window_start) AS time";

/** Columns `time` and one a value. */
export const wideSeries = ({ values, ...query }: SeriesQuery): string =>
  rolledQuery({
    ...query,
    values: [stepTime, ...values.map(nullable)],
    rest: `GROUP BY time\nORDER BY time ${fillSteps}`,
    isByStep: true,
  });

/**
 * Columns `time`, `series` and `value`, which Grafana makes a line a series of. Where there is nothing at all, filling makes rows
 * of a series without a name, which are left out: the panel then says that it has no data.
 */
export function longSeries(
  query: Omit<SeriesQuery, "values"> & { readonly series: string; readonly value: string },
): string {
  const { series, value, ...rows } = query;
  const inner = rolledQuery({
    ...rows,
    values: [stepTime, `${series} AS series`, `toNullable(${value}) AS value`],
    rest: `GROUP BY time, series\nORDER BY series, time ${fillSteps}`,
    isByStep: true,
  });
  return `SELECT time, series, value
FROM
(
  ${inner.replaceAll("\n", "\n  ")}
)
WHERE series != ''
ORDER BY time, series`;
}

/** Whether a query is one of `longSeries`: its lines are called what `series` says. */
export const isLongSeries = (sql: string) => sql.includes("SELECT time, series, value\n");

function nullable(value: string): string {
  const at = value.lastIndexOf(" AS ");
  return `toNullable(${value.slice(0, at)})${value.slice(at)}`;
}

/**
 * Seconds of a step that lie in the range and are known: the first and last steps are cut, and windows come some 15 s late, so that a
 * rate would seem to fall at the right edge. `known` must be given by `knownUntil`.
 */
export const knownSeconds = `greatest(1, least(toUnixTimestamp(time) + $__interval_s, known) - greatest(toUnixTimestamp(time), toUnixTimestamp($__fromTime)))`;

/** End of the newest window of the last hour of the range, for a WITH clause; the range's own end where there is none. */
export const knownUntil = `(
  SELECT if(count() = 0, toUnixTimestamp($__toTime), least(toUnixTimestamp($__toTime), max(toUnixTimestamp(window_start) + intDiv(window_ms, 1000))))
  FROM windows
  WHERE window_start >= greatest($__fromTime, $__toTime - INTERVAL 1 HOUR) AND window_start < $__toTime
) AS known`;
