/**
 * How unusual each row of a series of timestamps and values is: the default detection for any metric that one has as numbers. One
 * pass, causal, one fixed configuration for all series; state survives JSON.
 *
 * Formula: the largest of seven weighted novelties (`remembered.ts`), each the distance of one view of the row to the nearest that was
 * seen before, as a share of that view's range: the value; its residuals to EWMAs of 5 and 100 rows; its step; the mean of the last
 * 30 rows; the residual to the profile of day or week where that says more; the log of the mean step. It counts only where it is a
 * record of the last 115 rows. score = n/(n + 0.0415), so that 0.5 stands for 4.15 % of the range. A row alerts where the score is at
 * least 0.5 and a robust chart (`robust-chart.ts`) sees 1.5 deviations, too.
 * Source: nearest-neighbour novelty; Lucas & Saccucci 1990 for the chart. Weights and lengths were chosen on the Numenta benchmark's
 * corpus and on generated telemetry, once for all series: docs/scoring.md.
 * Cost: about 3 µs a row; at most some 4,500 numbers of state.
 * False alarms: docs/scoring.md gives the measured rate on series without any anomaly.
 */
import { type Average, addTo, emptyAverage, weightOf } from "./averages.ts";
import { noRecords, type Records, recordOf } from "./records.ts";
import { nothingRemembered, noveltyOf, type Remembered } from "./remembered.ts";
import { addToChart, emptyChart, expectedOf, type RobustChart } from "./robust-chart.ts";
import { addToSeason, emptySeason, type Season, seasonalResidual } from "./season.ts";

const views = ["value", "near", "far", "step", "slow", "season", "stir"] as const;
type View = (typeof views)[number];

const weights: Readonly<Record<View, number>> = {
  value: 1,
  near: 0.8,
  far: 1.2,
  step: 0.3,
  slow: 1.25,
  season: 0.35,
  stir: 0.3,
};

export interface SeriesState {
  rows: number;
  previous: number;
  memory: Record<View, Remembered>;
  near: Average;
  far: Average;
  slow: Average;
  stir: Average;
  /** Means that a seasonal profile has to beat. */
  plain: Average[];
  season: Season;
  chart: RobustChart;
  records: Records;
}

export interface SeriesRow {
  readonly timeMs: number;
  /** Not finite: the row is missing; it scores 0 and teaches nothing. */
  readonly value: number;
}

export interface SeriesVerdict {
  /** [0, 1]; from 0.5 on it is unusual. */
  readonly score: number;
  readonly isAlert: boolean;
  /** What the chart expected before the row: mean and ± 1.5 deviations. Undefined while it warms up. */
  readonly expected: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** Smallest and largest value of the series, where they are known beforehand; only a benchmark knows them. */
export interface KnownRange {
  readonly low: number;
  readonly high: number;
}

export const alertScore = 0.5;

const nearWeight = weightOf(5);
const farWeight = weightOf(100);
const slowWeight = weightOf(30);
const stirWeight = weightOf(8);
const plainWeights = [weightOf(2), weightOf(8), weightOf(40)];
const recordRows = 115;
/** Novelty that scores 0.5: a share of the range. */
const halfScore = 0.0415;
const alertDeviations = 1.5;
/** The range is hardly known before. */
const alertFromRow = 150;
/** Rows before means of many rows say anything. */
const stirFromRow = 12;
const slowFromRow = 30;

export function initialSeriesState(): SeriesState {
  const memory = Object.fromEntries(views.map((view) => [view, nothingRemembered()]));
  return {
    rows: 0,
    previous: 0,
    memory: memory as Record<View, Remembered>,
    near: emptyAverage(),
    far: emptyAverage(),
    slow: emptyAverage(),
    stir: emptyAverage(),
    plain: plainWeights.map(emptyAverage),
    season: emptySeason(),
    chart: emptyChart(),
    records: noRecords(),
  };
}

const missing: SeriesVerdict = {
  score: 0,
  isAlert: false,
  expected: undefined,
  low: undefined,
  high: undefined,
};

/** Judges a row and learns it, in place. Rows come in the order of their time. */
export function stepSeries(
  state: SeriesState,
  { timeMs, value }: SeriesRow,
  known?: KnownRange,
): SeriesVerdict {
  if (!Number.isFinite(value)) return missing;
  const row = state.rows++;
  const novelty = largestNovelty(state, row, timeMs, value, known);
  const record = recordOf(state.records, row, novelty, recordRows);
  const expected = expectedOf(state.chart);
  addToChart(state.chart, value);
  const score = record / (record + halfScore);
  if (expected === undefined) return { ...missing, score };
  const { mean, deviation } = expected;
  const reach = alertDeviations * deviation;
  const isFar = Math.abs(value - mean) >= reach;
  return {
    score,
    isAlert: isFar && score >= alertScore && row >= alertFromRow,
    expected: mean,
    low: mean - reach,
    high: mean + reach,
  };
}

function largestNovelty(
  state: SeriesState,
  row: number,
  timeMs: number,
  value: number,
  known: KnownRange | undefined,
): number {
  const { memory, near, far, slow, stir, season, plain } = state;
  // Residuals have ranges of their own.
  const range = known === undefined ? undefined : known.high - known.low;
  const novelty = (view: View, seen: number, within?: number) =>
    weights[view] * noveltyOf(memory[view], seen, within);
  let largest = novelty("value", value, range);
  const step = row === 0 ? 0 : value - state.previous;
  if (row > 0) {
    largest = Math.max(
      largest,
      novelty("near", value - near.mean),
      novelty("far", value - far.mean),
    );
    if (row > 1) largest = Math.max(largest, novelty("step", step));
  }
  const seasonal = seasonalResidual(season, timeMs, value);
  if (seasonal !== undefined) {
    const seen = novelty("season", seasonal.residual);
    if (seasonal.isUsed) largest = Math.max(largest, seen);
  }
  addToSeason(
    season,
    timeMs,
    value,
    plain.map(({ mean }) => mean),
  );
  for (const [index, average] of plain.entries())
    addTo(average, value, plainWeights[index] as number);
  addTo(near, value, nearWeight);
  addTo(far, value, farWeight);
  addTo(slow, value, slowWeight);
  addTo(stir, Math.abs(step), stirWeight);
  if (row > slowFromRow) largest = Math.max(largest, novelty("slow", slow.mean, range));
  if (row > stirFromRow) {
    const smallest = 1e-9 * (1 + Math.abs(value));
    largest = Math.max(largest, novelty("stir", Math.log(stir.mean + smallest)));
  }
  state.previous = value;
  return largest;
}
