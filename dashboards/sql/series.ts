/** Series over time, with a row for every step of the range: where nothing is known stands NULL, so that a gap is a gap. */

const firstStep = "toStartOfInterval($__fromTime, INTERVAL $__interval_s second)";
const fill = `WITH FILL FROM ${firstStep} TO $__toTime STEP toIntervalSecond($__interval_s)`;

export interface SeriesQuery {
  readonly table: string;
  readonly where: string;
  /** `expression AS name`; an expression must be able to be NULL. */
  readonly values: readonly string[];
  /** For a WITH clause, such as the last window known. */
  readonly given?: string;
}

/** Columns `time` and one a value. */
export function wideSeries({ table, where, values, given }: SeriesQuery): string {
  return `${given === undefined ? "" : `WITH ${given}\n`}SELECT
  $__timeInterval(window_start) AS time,
  ${values.map(nullable).join(",\n  ")}
FROM ${table}
WHERE ${where}
GROUP BY time
ORDER BY time ${fill}`;
}

/**
 * Columns `time`, `series` and `value`, which Grafana makes a line a series of. Where there is nothing at all, filling makes rows
 * of a series without a name, which are left out: the panel then says that it has no data.
 */
export function longSeries(
  query: Omit<SeriesQuery, "values"> & { readonly series: string; readonly value: string },
): string {
  const { table, where, series, value, given } = query;
  return `${given === undefined ? "" : `WITH ${given}\n`}SELECT time, series, value
FROM
(
  SELECT
    $__timeInterval(window_start) AS time,
    ${series} AS series,
    toNullable(${value}) AS value
  FROM ${table}
  WHERE ${where}
  GROUP BY time, series
  ORDER BY series, time ${fill}
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
