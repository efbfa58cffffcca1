/**
 * Robust EWMA control chart of a series of values: z = |x − μ| / max(σ, floor), with residuals clipped before they update
 * μ and σ, so that an incident does not become normal in a few rows, yet a level shift does in a few dozen.
 * Source: Roberts 1959; Lucas & Saccucci 1990; clipping after Huber 1964. Cost: 7 numbers of state, some ns a row.
 */
import { weightOf } from "./averages.ts";

export interface RobustChart {
  /** Weights of the newest row in mean and scale. */
  meanWeight: number;
  scaleWeight: number;
  seen: number;
  mean: number;
  /** Mean absolute residual × √(π/2): σ where residuals are normal. */
  scale: number;
  low: number;
  high: number;
}

const clipDeviations = 6;
/** Of the range seen: what is smaller than that nobody looks at. */
const floorShare = 0.02;
const warmUpRows = 30;
const constantRows = 150;
const absoluteToDeviation = Math.sqrt(Math.PI / 2);

/** Half lives in rows. */
export const emptyChart = (meanRows = 70, scaleRows = 200): RobustChart => ({
  meanWeight: weightOf(meanRows),
  scaleWeight: weightOf(scaleRows),
  seen: 0,
  mean: 0,
  scale: 0,
  low: Number.POSITIVE_INFINITY,
  high: Number.NEGATIVE_INFINITY,
});

/** What was expected of the row: mean and standard deviation, undefined while warming up. */
export interface Expected {
  readonly mean: number;
  readonly deviation: number;
}

export function expectedOf(chart: RobustChart): Expected | undefined {
  if (isWarming(chart)) return undefined;
  return { mean: chart.mean, deviation: deviationOf(chart) };
}

/** Where all rows were the same nothing is known of how far they go. */
const isWarming = ({ seen, low, high }: RobustChart): boolean => seen < warmUpRows || high <= low;

/** Whether so many rows were all the same that another value says something. */
export const isConstant = ({ seen, low, high }: RobustChart): boolean =>
  seen >= constantRows && high === low;

/** Largest residual that is learnt from. */
export const clipOf = (chart: RobustChart): number =>
  isWarming(chart) ? Number.POSITIVE_INFINITY : clipDeviations * deviationOf(chart);

const deviationOf = ({ scale, low, high }: RobustChart): number =>
  Math.max(scale, floorShare * (high - low), Number.MIN_VALUE);

/** Learns a row, in place. */
export function addToChart(chart: RobustChart, value: number): void {
  if (chart.seen === 0) chart.mean = value;
  const residual = value - chart.mean;
  const limit = clipOf(chart);
  const clipped = Math.max(-limit, Math.min(limit, residual));
  chart.seen++;
  chart.mean += Math.max(chart.meanWeight, 1 / chart.seen) * clipped;
  chart.scale +=
    Math.max(chart.scaleWeight, 1 / chart.seen) *
    (Math.abs(clipped) * absoluteToDeviation - chart.scale);
  if (value < chart.low) chart.low = value;
  if (value > chart.high) chart.high = value;
}
