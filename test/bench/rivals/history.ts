/**
 * What the rivals' long windows look back on. A run has an hour or so of quiet traffic before its fault; a rule over six hours would see
 * a fault six times as large in it. So the quiet time is put before the run again, until six hours are full.
 */
import { type RequestSeries, scrapeMs, seriesWidth } from "./request-series.ts";

const hourMs = 3_600_000;
const historyHours = 6;
/** The first minutes have too few requests: answers that began before the run are missing. */
const settledScrapes = 20;

/** The series with earlier scrapes, which are the quiet time over and over; as it is where there is none. */
export function withHistory(series: RequestSeries, quietHours: number): RequestSeries {
  const quiet = Math.floor((quietHours * hourMs) / scrapeMs) - settledScrapes;
  if (quiet < 40 || series.scrapes < quiet + settledScrapes) return series;
  const more = Math.ceil((historyHours * hourMs) / scrapeMs / quiet) * quiet;
  const row = series.cells.length * seriesWidth;
  const values = new Uint32Array((more + series.scrapes) * row);
  for (let scrape = 0; scrape < more; scrape++) {
    const from = (settledScrapes + (scrape % quiet)) * row;
    values.set(series.values.subarray(from, from + row), scrape * row);
  }
  values.set(series.values, more * row);
  return {
    ...series,
    startMs: series.startMs - more * scrapeMs,
    scrapes: more + series.scrapes,
    values,
  };
}
