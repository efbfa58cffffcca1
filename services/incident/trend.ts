/** Robust trends over equally spaced points. */
import { medianSorted } from "simple-statistics";

export interface Trend {
  /** Change per step: median of all pairwise slopes (Theil 1950, Sen 1968). */
  readonly slope: number;
  /** Bounds of the slope at the coverage asked for, from Kendall's variance (Sen 1968). */
  readonly slopeLow: number;
  readonly slopeHigh: number;
  /** Value of the line at the last point. */
  readonly last: number;
  /** Standard deviation of a point around the line: 1.4826 × the median absolute residual. */
  readonly scatter: number;
}

/**
 * Theil–Sen line through (0, y₀), (1, y₁), …; undefined points are left out. Undefined with fewer than 4 points.
 * `z` is the normal quantile of the bounds: 1.28 for 80 %, 2.33 for 98 %. Cost O(n²) with n ≤ 60.
 */
export function fitTrend(values: readonly (number | undefined)[], z: number): Trend | undefined {
  const { xs, ys } = pointsOf(values);
  const n = xs.length;
  if (n < 4) return undefined;
  const slopes: number[] = [];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++)
      slopes.push(
        ((ys[j] as number) - (ys[i] as number)) / ((xs[j] as number) - (xs[i] as number)),
      );
  slopes.sort((a, b) => a - b);
  const slope = medianSorted(slopes);
  const spread = z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const lowRank = Math.max(0, Math.floor((slopes.length - spread) / 2));
  const highRank = Math.min(slopes.length - 1, Math.ceil((slopes.length + spread) / 2));
  const offsets = xs.map((x, i) => (ys[i] as number) - slope * x).sort((a, b) => a - b);
  const middle = medianSorted(offsets);
  const residuals = offsets.map((offset) => Math.abs(offset - middle)).sort((a, b) => a - b);
  return {
    slope,
    slopeLow: slopes[lowRank] as number,
    slopeHigh: slopes[highRank] as number,
    last: middle + slope * (values.length - 1),
    scatter: 1.4826 * medianSorted(residuals),
  };
}

function pointsOf(values: readonly (number | undefined)[]) {
  const xs: number[] = [];
  const ys: number[] = [];
  values.forEach((value, index) => {
    if (value === undefined) return;
    xs.push(index);
    ys.push(value);
  });
  return { xs, ys };
}

/** By how much a line must explain more than a step does, as a ratio of squares that both leave. */
const clearly = 1.5;

/**
 * Whether a line that sets in after a level explains the values clearly better than one step between two levels does: by the least
 * squares of both, over every place where the bend or the step may be. Undefined points are left out. Cost O(n²) with n ≤ 60.
 */
export function isBend(values: readonly (number | undefined)[]): boolean {
  const { xs, ys } = pointsOf(values);
  let step = Number.POSITIVE_INFINITY;
  let bend = Number.POSITIVE_INFINITY;
  for (let i = 1; i < ys.length; i++) {
    step = Math.min(step, squaresAround(ys.slice(0, i)) + squaresAround(ys.slice(i)));
    const from = xs[i - 1] as number;
    const beyond = xs.map((x) => Math.max(0, x - from));
    bend = Math.min(bend, squaresAroundLine(beyond, ys));
  }
  return step > clearly * bend;
}

function squaresAround(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

/** Of the least-squares line. */
function squaresAroundLine(xs: readonly number[], ys: readonly number[]): number {
  const meanX = meanOf(xs);
  const meanY = meanOf(ys);
  let covariance = 0;
  let variance = 0;
  xs.forEach((x, i) => {
    covariance += (x - meanX) * ((ys[i] as number) - meanY);
    variance += (x - meanX) ** 2;
  });
  const slope = variance > 0 ? covariance / variance : 0;
  return xs.reduce((sum, x, i) => sum + ((ys[i] as number) - meanY - slope * (x - meanX)) ** 2, 0);
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
