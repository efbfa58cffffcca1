import { decayWithHalfLife } from "./decay.ts";
import { blindVerdict, type Detector, type Observation } from "./detector.ts";
import { bonferroni, studentSurprise } from "./tail.ts";

export interface EwmaChartState {
  windowMs: number;
  seen: number;
  /** Mean of the log value, and its scale for a window with many requests. */
  mean: number;
  variance: number;
  /** EWMAs of clipped, standardized residuals over about 6 and 48 windows, with their own variances. */
  fast: number;
  fastVariance: number;
  slow: number;
  slowVariance: number;
}

const decayOf = decayWithHalfLife(3_600_000);
const scaleDecayOf = decayWithHalfLife(3 * 3_600_000);
const warmUpWindows = 40;
/** Residuals are clipped here, in standard deviations, before they update mean and scale. */
const clipDeviations = 6;
/** The scale is at least 3 % of the value: below that nobody cares. */
const scaleFloor = 0.03;
/** Variance of a window's value is (1 + countSpread/n) times that of a large window. */
const countSpread = 8;
const fastWeight = 1 / 6;
const slowWeight = 1 / 48;

/**
 * Robust EWMA control chart on log values: one mean, one scale; the window itself and two EWMAs of its residuals are held
 * against scales that they learn from the series, so that autocorrelation widens them by itself.
 */
export const ewmaChart: Detector<EwmaChartState> = {
  id: "ewma-chart",
  stateVersion: 1,
  accepts: ["level", "count"],
  about: {
    formula:
      "y = ln(value/factor) (count: ln(1 + n)); z = (y − μ)/√(σ²·(1 + 8/n)); μ half-life 1 h, σ² half-life 3 h, residuals clipped at 6σ, σ ≥ 0.03; likewise EWMAs of z with weights 1/6 and 1/48 against their own scale; P(T₈ > |z|) two-sided × 3",
    source: "Roberts 1959; Lucas & Saccucci 1990; clipping after Huber 1964",
    cost: "≈ 0.6 µs a window on a busy machine; 9 numbers of state",
    falseAlarm: "two-sided probability under Student's t with 8 degrees of freedom",
  },
  initialState: (windowMs) => ({
    windowMs,
    seen: 0,
    mean: 0,
    variance: 0,
    fast: 0,
    fastVariance: 0,
    slow: 0,
    slowVariance: 0,
  }),
  step(state, observation, { isFrozen, isBandWanted = true }) {
    const y = logValue(observation);
    if (y === undefined) return { state, verdict: blindVerdict };
    const isWarming = state.seen < warmUpWindows;
    const spread = spreadOf(observation);
    const sigma = Math.sqrt(Math.max(state.variance, scaleFloor ** 2) * spread);
    const z = state.seen === 0 ? 0 : (y - state.mean) / sigma;
    const clipped = Math.max(-clipDeviations, Math.min(clipDeviations, z));
    // The EWMAs of residuals are what is judged, so they go on while the baseline is frozen.
    state.fast += fastWeight * (clipped - state.fast);
    state.slow += slowWeight * (clipped - state.slow);
    const fast = state.fast / Math.sqrt(Math.max(state.fastVariance, fastWeight / 2));
    const slow = state.slow / Math.sqrt(Math.max(state.slowVariance, slowWeight / 2));
    const up = strongest(z, fast, slow);
    const down = strongest(-z, -fast, -slow);
    // Two directions and three looks are paid for.
    const surprise = isWarming ? 0 : bonferroni(Math.max(up, down), 6);
    if (!isFrozen || isWarming) learn(state, { y, residual: sigma * clipped, spread });
    const hasBand = isBandWanted && !isWarming;
    return {
      state,
      verdict: {
        state: isWarming ? "warming" : isFrozen ? "frozen" : "judging",
        surprise,
        direction: surprise === 0 ? "none" : up >= down ? "up" : "down",
        expected: isBandWanted && state.seen > 0 ? valueAt(state.mean, observation) : undefined,
        low: hasBand ? valueAt(state.mean - 3 * sigma, observation) : undefined,
        high: hasBand ? valueAt(state.mean + 3 * sigma, observation) : undefined,
      },
    };
  },
  /** Nothing was seen, nothing changes. */
  skip() {},
  silentRow: {
    length: 8,
    write(state, row, at) {
      row[at] = state.windowMs;
      row[at + 1] = state.seen;
      row[at + 2] = state.mean;
      row[at + 3] = state.variance;
      row[at + 4] = state.fast;
      row[at + 5] = state.fastVariance;
      row[at + 6] = state.slow;
      row[at + 7] = state.slowVariance;
    },
    read(row, at, state) {
      state.windowMs = (row[at] as number) | 0;
      state.seen = (row[at + 1] as number) | 0;
      state.mean = row[at + 2] as number;
      state.variance = row[at + 3] as number;
      state.fast = row[at + 4] as number;
      state.fastVariance = row[at + 5] as number;
      state.slow = row[at + 6] as number;
      state.slowVariance = row[at + 7] as number;
    },
  },
};

function learn(
  state: EwmaChartState,
  window: { readonly y: number; readonly residual: number; readonly spread: number },
): void {
  const { y, residual, spread } = window;
  // An average of everything until half-life takes over, so that the first hour is used fully.
  const age = state.seen + 1;
  const meanWeight = Math.max(1 / age, 1 - decayOf(state.windowMs));
  const scaleWeight = Math.max(1 / age, 1 - scaleDecayOf(state.windowMs));
  if (state.seen === 0) state.mean = y;
  else {
    const seenVariance = state.seen < 10 ? (y - state.mean) ** 2 : residual ** 2;
    state.mean += meanWeight * (state.seen < 10 ? y - state.mean : residual);
    state.variance += scaleWeight * (seenVariance / spread - state.variance);
    state.fastVariance += scaleWeight * (state.fast ** 2 - state.fastVariance);
    state.slowVariance += scaleWeight * (state.slow ** 2 - state.slowVariance);
  }
  state.seen++;
}

/** The value that has this logarithm, in the observation's unit. */
function valueAt(log: number, observation: Observation): number {
  if (observation.kind === "count") return Math.max(0, Math.exp(log) - 1);
  return Math.exp(log) * (observation.kind === "level" ? (observation.factor ?? 1) : 1);
}

function strongest(z: number, fast: number, slow: number): number {
  const largest = Math.max(z, fast, slow);
  // One tail for all three: it falls with z, and up to here it is one formula.
  if (largest <= 12) return studentSurprise(largest);
  return Math.max(studentSurprise(z), studentSurprise(fast), studentSurprise(slow));
}

/** Undefined where there is nothing to take a logarithm of: no requests, NaN, a value of 0 or less. */
function logValue(observation: Observation): number | undefined {
  if (observation.kind === "count")
    return observation.count >= 0 ? Math.log(1 + observation.count) : undefined;
  if (observation.kind !== "level") return undefined;
  const { value, factor = 1 } = observation;
  return value !== undefined && value > 0 && value < Number.POSITIVE_INFINITY && factor > 0
    ? Math.log(value / factor)
    : undefined;
}

function spreadOf(observation: Observation): number {
  return observation.kind === "level" ? 1 + countSpread / Math.max(1, observation.count) : 1;
}
