/**
 * How unusual each row of a series of timestamps and values is: the default detection for any metric that one has as numbers. One
 * pass, causal, one fixed configuration for all series; state survives JSON.
 *
 * Formula: the largest of five weighted novelties (`remembered.ts`), each the distance of one view of the row to the nearest that was
 * seen before, as a share of that view's range: the value; its residual to an EWMA of 5 rows; an EWMA of 100 rows; the log of the
 * standard deviation of the last 50 rows; the residual to the profile of day or week where that says more. It counts only where it is
 * a record of the last 115 rows, and in proportion to how much of the first day was seen. A row alerts by another rule: it is 4.5
 * deviations off (`deviations.ts`), or new by 10 % of the range (less, in proportion, in the first week), and more where the series
 * often is (`alert-budget.ts`).
 * score: from 0.5 on new, n/(n + 0.03), so that 0.5 stands for 3 % of the range; from 0.25 on an alert that is not that new.
 * Source: nearest-neighbour novelty; `deviations.ts`. Weights and lengths of the novelty were chosen on the Numenta benchmark's
 * corpus, the rule of alerts on labelled telemetry of web services, once for all series: docs/scoring.md.
 * Cost: about 3 µs a row; at most some 4,500 numbers of state.
 * False alarms: docs/scoring.md gives the measured rate on series without any anomaly.
 */
import { type AlertBudget, fullBudget, spend } from "./alert-budget.ts";
import { type Average, addTo, emptyAverage, weightOf } from "./averages.ts";
import { type Deviations, deviationsOf, levelOf, noDeviations } from "./deviations.ts";
import { noRecords, type Records, recordOf } from "./records.ts";
import { nothingRemembered, noveltyOf, type Remembered } from "./remembered.ts";
import { addToSeason, dayMs, emptySeason, type Season, seasonalResidual } from "./season.ts";

const views = ["value", "near", "slow", "spread", "season"] as const;
type View = (typeof views)[number];

const weights: Readonly<Record<View, number>> = {
  value: 1,
  near: 0.5,
  slow: 0.4,
  spread: 0.35,
  season: 0.25,
};

export interface SeriesState {
  rows: number;
  /** The last `spreadRows` values, the oldest first. */
  last: number[];
  memory: Record<View, Remembered>;
  near: Average;
  slow: Average;
  /** Means that a seasonal profile has to beat. */
  plain: Average[];
  season: Season;
  records: Records;
  deviations: Deviations;
  budget: AlertBudget;
  firstMs: number | undefined;
}

export interface SeriesRow {
  readonly timeMs: number;
  /** Not finite: the row is missing; it scores 0 and teaches nothing. */
  readonly value: number;
}

export interface SeriesVerdict {
  /** [0, 1]; from 0.5 on it is new, from 0.25 on an alert or new. */
  readonly score: number;
  readonly isAlert: boolean;
  /** Level before the row and 4.5 deviations to either side. Undefined while it warms up. */
  readonly expected: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** Smallest and largest value of the series, where they are known beforehand; only a benchmark knows them. */
export interface KnownRange {
  readonly low: number;
  readonly high: number;
}

/** New from here on. */
export const newScore = 0.5;
/** Every alert has at least this. */
export const alertScore = 0.25;

const nearWeight = weightOf(5);
const slowRows = 100;
const slowWeight = weightOf(slowRows);
const spreadRows = 50;
/** Smaller deviations, as a share of the range, are taken for no difference. */
const spreadFloor = 0.005;
const plainWeights = [weightOf(2), weightOf(8), weightOf(40)];
const recordRows = 115;
/** Novelty that scores 0.5: a share of the range. */
const halfScore = 0.03;
const alertDeviations = 4.5;
/** Novelty, as a share of the range, that alerts. */
const alertNovelty = 0.1;
/** The range is hardly known before. */
const newFromRow = 150;
const rangeKnownMs = 7 * dayMs;
const minuteMs = 60_000;

export function initialSeriesState(): SeriesState {
  const memory = Object.fromEntries(views.map((view) => [view, nothingRemembered()]));
  return {
    rows: 0,
    last: [],
    memory: memory as Record<View, Remembered>,
    near: emptyAverage(),
    slow: emptyAverage(),
    plain: plainWeights.map(emptyAverage),
    season: emptySeason(),
    records: noRecords(),
    deviations: noDeviations(),
    budget: fullBudget(),
    firstMs: undefined,
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
  state.firstMs ??= timeMs;
  // Of faster rows as many teach as much.
  const seenMs = Math.max(timeMs - state.firstMs, row * minuteMs);
  const novelty = Math.min(1, seenMs / dayMs) * largestNovelty(state, row, timeMs, value, known);
  const record = recordOf(state.records, row, novelty, recordRows);
  const expected = levelOf(state.deviations);
  const deviations = deviationsOf(state.deviations, timeMs, value);
  const newness = row < newFromRow ? 0 : Math.min(1, seenMs / rangeKnownMs) * record;
  const strength = Math.max(deviations / alertDeviations, newness / alertNovelty);
  const share = spend(state.budget, timeMs, strength);
  const isAlert = share >= 1;
  const score = scoreOf(record, share);
  if (expected === undefined) return { ...missing, score, isAlert };
  const reach = alertDeviations * expected.deviation;
  return {
    score,
    isAlert,
    expected: expected.mean,
    low: expected.mean - reach,
    high: expected.mean + reach,
  };
}

/** What is new comes before what only alerts, and that before all else. */
function scoreOf(novelty: number, share: number): number {
  const score = novelty / (novelty + halfScore);
  if (score >= newScore) return score;
  const strong = (newScore * share) / (share + 1);
  return Math.max(strong, (score * alertScore) / newScore);
}

function largestNovelty(
  state: SeriesState,
  row: number,
  timeMs: number,
  value: number,
  known: KnownRange | undefined,
): number {
  const { memory, near, slow, season, plain, last } = state;
  // Residuals have ranges of their own.
  const range = known === undefined ? undefined : known.high - known.low;
  const novelty = (view: View, seen: number, within?: number) =>
    weights[view] * noveltyOf(memory[view], seen, within);
  let largest = novelty("value", value, range);
  if (row > 0) largest = Math.max(largest, novelty("near", value - near.mean));
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
  addTo(slow, value, slowWeight);
  if (row > slowRows) largest = Math.max(largest, novelty("slow", slow.mean, range));
  if (last.length === spreadRows) last.shift();
  last.push(value);
  if (last.length === spreadRows) {
    const { low, high } = memory.value;
    const smallest = spreadFloor * (high - low) + Number.MIN_VALUE;
    largest = Math.max(largest, novelty("spread", Math.log(deviationOf(last) + smallest)));
  }
  return largest;
}

function deviationOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}
