/** Sums of series as counters, and what PromQL reads off them at a scrape: increases, ratios, quantiles. */
import {
  type RequestSeries,
  type SeriesCell,
  scrapeMs,
  seriesWidth,
  ttftBounds,
} from "./request-series.ts";

/** One label set's counters, a row a scrape: the row of scrape 0 is the state before anything was counted. */
export interface Counters {
  /** Empty for the whole fleet. */
  readonly labels: Readonly<Record<string, string>>;
  readonly rows: Float64Array;
}

/** Adds up cells with equal labels; the rate of a sum is the sum of rates, since all series have the same scrapes. */
export function countersBy(
  series: RequestSeries,
  labelsOf: (cell: SeriesCell) => Readonly<Record<string, string>> | undefined,
): readonly Counters[] {
  const { cells, scrapes, values } = series;
  const byName = new Map<string, { counters: Counters; members: number[] }>();
  cells.forEach((cell, index) => {
    const labels = labelsOf(cell);
    if (labels === undefined) return;
    const name = JSON.stringify(labels);
    const known = byName.get(name) ?? {
      counters: { labels, rows: new Float64Array((scrapes + 1) * seriesWidth) },
      members: [],
    };
    byName.set(name, known);
    known.members.push(index);
  });
  for (const { counters, members } of byName.values()) {
    const { rows } = counters;
    // Plain loops: a day has 5,760 scrapes of some fifty cells.
    for (const cell of members)
      for (let scrape = 0; scrape < scrapes; scrape++) {
        const to = (scrape + 1) * seriesWidth;
        const from = (scrape * cells.length + cell) * seriesWidth;
        for (let column = 0; column < seriesWidth; column++)
          rows[to + column] = (rows[to + column] as number) + (values[from + column] as number);
      }
    for (let at = seriesWidth; at < rows.length; at++)
      rows[at] = (rows[at] as number) + (rows[at - seriesWidth] as number);
  }
  return [...byName.values()].map(({ counters }) => counters);
}

/** Increase of a column over the last `windowMs`, or since the beginning. */
export function increase(of: Counters, at: number, windowMs: number, column: number): number {
  const from = Math.max(0, at - windowMs / scrapeMs);
  const { rows } = of;
  return (
    (rows[at * seriesWidth + column] as number) - (rows[from * seriesWidth + column] as number)
  );
}

/** `errors / requests`; NaN without requests. */
export function errorRatio(of: Counters, at: number, windowMs: number): number {
  return increase(of, at, windowMs, 1) / increase(of, at, windowMs, 0);
}

/** Share of first tokens that took longer than a bound (one of `ttftBounds`). */
export function slowRatio(of: Counters, at: number, windowMs: number, bound: number): number {
  let all = 0;
  let slow = 0;
  for (let bucket = 0; bucket <= ttftBounds.length; bucket++) {
    const count = increase(of, at, windowMs, 2 + bucket);
    all += count;
    if ((ttftBounds[bucket] ?? Number.POSITIVE_INFINITY) > bound) slow += count;
  }
  return slow / all;
}

/** `histogram_quantile` over classic buckets: linear within a bucket, the last bound beyond all. NaN without values. */
export function ttftQuantile(of: Counters, at: number, windowMs: number, q: number): number {
  let all = 0;
  const counts: number[] = [];
  for (let bucket = 0; bucket <= ttftBounds.length; bucket++) {
    const count = increase(of, at, windowMs, 2 + bucket);
    counts.push(count);
    all += count;
  }
  if (all === 0) return Number.NaN;
  const rank = q * all;
  let below = 0;
  for (let bucket = 0; bucket < ttftBounds.length; bucket++) {
    const count = counts[bucket] as number;
    if (below + count >= rank) {
      const low = bucket === 0 ? 0 : (ttftBounds[bucket - 1] as number);
      return low + ((ttftBounds[bucket] as number) - low) * ((rank - below) / count);
    }
    below += count;
  }
  return ttftBounds[ttftBounds.length - 1] as number;
}
