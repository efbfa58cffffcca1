/**
 * Robust EWMA control chart of a series of values: z = |x − μ| / max(σ, floor), with residuals clipped before they update
 * μ and σ, so that an incident does not become normal in a few rows, yet a level shift does in a few dozen.
 * Source: Roberts 1959; Lucas & Saccucci 1990; clipping after Huber 1964. Cost: 6 numbers of state, some ns a row.
 */
import { weightOf } from "./averages.ts";

export interface RobustChart {
  seen: number;
  mean: number;
  /** Mean absolute residual × √(π/2): σ where residuals are normal. */
  scale: number;
  low: number;
  high: number;
}

const meanWeight = weightOf(70);
const scaleWeight = weightOf(200);
const clipDeviations = 6;
/** Of the range seen: what is smaller than that nobody looks at. */
const floorShare = 0.02;
const warmUpRows = 30;
const absoluteToDeviation = Math.sqrt(Math.PI / 2);

export const emptyChart = (): RobustChart => ({
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
  if (chart.seen < warmUpRows || chart.high <= chart.low) return undefined;
  return { mean: chart.mean, deviation: deviationOf(chart) };
}

const deviationOf = ({ scale, low, high }: RobustChart): number =>
  Math.max(scale, floorShare * (high - low), Number.MIN_VALUE);

/** Learns a row, in place. */
export function addToChart(chart: RobustChart, value: number): void {
  if (chart.seen === 0) chart.mean = value;
  const isWarming = chart.seen < warmUpRows || chart.high <= chart.low;
  const residual = value - chart.mean;
  const limit = isWarming ? Number.POSITIVE_INFINITY : clipDeviations * deviationOf(chart);
  const clipped = Math.max(-limit, Math.min(limit, residual));
  chart.seen++;
  chart.mean += Math.max(meanWeight, 1 / chart.seen) * clipped;
  chart.scale +=
    Math.max(scaleWeight, 1 / chart.seen) * (Math.abs(clipped) * absoluteToDeviation - chart.scale);
  if (value < chart.low) chart.low = value;
  if (value > chart.high) chart.high = value;
}
