/**
 * What known causes explain of a latency: longer prompts and more load. A decayed ridge regression of y = ln(mean latency) on
 * x₁ = ln(median input tokens) and x₂ = ln(recent requests a window); both slopes are limited to what is physical.
 * Not a detector: its factor goes into observations, so that detectors judge what is left unexplained.
 * Source: Hoerl & Kennard 1970 (ridge); exponentially weighted least squares. Cost: ≈ 40 ns a window, 13 numbers.
 */
import { decayWithHalfLife } from "./decay.ts";

export interface DriversState {
  windowMs: number;
  seen: number;
  /** Decayed weight, means and central second moments of (x₁, x₂, y). */
  weight: number;
  mean: number[];
  /** c₁₁, c₁₂, c₂₂, c₁y, c₂y. */
  moments: number[];
  /** Highest x₂ seen (decayed towards the mean): load beyond it is not explained away. */
  highestLoad: number;
}

export interface DriverSample {
  /** Undefined where the telemetry has no token counts or nothing ended. */
  readonly inputTokens: number | undefined;
  /** Requests a window lately, > 0. */
  readonly load: number;
}

const decayOf = decayWithHalfLife(12 * 3_600_000);
const warmUpWindows = 60;
/** The load slope needs an hour: within minutes, everything that drifts looks like a cause. */
const loadWarmUpMs = 3_600_000;
/** The regression's slopes are shrunk as if this many windows had shown none. */
const shrinkWindows = 120;
const steepestInput = 1;
const steepestLoad = 1;
/** Known causes explain at most this factor, and its inverse. */
const mostExplained = Math.log(3);
const mostExplainedByLoad = Math.log(1.6);

export function initialDrivers(windowMs: number): DriversState {
  return {
    windowMs,
    seen: 0,
    weight: 0,
    mean: [0, 0, 0],
    moments: [0, 0, 0, 0, 0],
    highestLoad: 0,
  };
}

/** Factor on the latency that the window's prompts and load explain; 1 while nothing is known. */
export function explainedFactor(state: DriversState, sample: DriverSample): number {
  if (state.seen < warmUpWindows) return 1;
  const { mean, moments } = state;
  const c12 = moments[1] as number;
  const c1y = moments[3] as number;
  const ridge = 1 + shrinkWindows / state.weight;
  const a = (moments[0] as number) * ridge + 1e-4 * state.weight;
  const b = (moments[2] as number) * ridge + 1e-4 * state.weight;
  const determinant = a * b - c12 * c12;
  const knowsLoad = state.seen * state.windowMs >= loadWarmUpMs;
  const loadSlope = knowsLoad
    ? limit((a * (moments[4] as number) - c12 * c1y) / determinant, 0, steepestLoad)
    : 0;
  // Given the load slope that is used, the best input slope: a limit on one must not distort the other.
  const inputSlope = limit((c1y - loadSlope * c12) / a, 0, steepestInput);
  const input =
    sample.inputTokens === undefined || !(sample.inputTokens > 0)
      ? 0
      : inputSlope * (Math.log(sample.inputTokens) - (mean[0] as number));
  const load =
    loadSlope * (Math.min(Math.log(sample.load), state.highestLoad) - (mean[1] as number));
  return Math.exp(
    limit(
      input + limit(load, -mostExplainedByLoad, mostExplainedByLoad),
      -mostExplained,
      mostExplained,
    ),
  );
}

/** Learns from a window's mean latency, in place; `level` undefined: nothing to learn. */
export function learnDrivers(
  state: DriversState,
  sample: DriverSample,
  level: number | undefined,
): void {
  if (level === undefined || !(level > 0) || !(sample.load > 0)) return;
  const decay = decayOf(state.windowMs);
  const { mean, moments } = state;
  const hasInput = sample.inputTokens !== undefined && sample.inputTokens > 0;
  const x1 = hasInput ? Math.log(sample.inputTokens as number) : (mean[0] as number);
  const x2 = Math.log(sample.load);
  const y = Math.log(level);
  state.weight = state.weight * decay + 1;
  const share = 1 / state.weight;
  const d1 = x1 - (mean[0] as number);
  const d2 = x2 - (mean[1] as number);
  const dy = y - (mean[2] as number);
  mean[0] = (mean[0] as number) + share * d1;
  mean[1] = (mean[1] as number) + share * d2;
  mean[2] = (mean[2] as number) + share * dy;
  const keep = 1 - share;
  moments[0] = (moments[0] as number) * decay + keep * d1 * d1;
  moments[1] = (moments[1] as number) * decay + keep * d1 * d2;
  moments[2] = (moments[2] as number) * decay + keep * d2 * d2;
  moments[3] = (moments[3] as number) * decay + keep * d1 * dy;
  moments[4] = (moments[4] as number) * decay + keep * d2 * dy;
  const fading = (mean[1] as number) + decay * (state.highestLoad - (mean[1] as number));
  state.highestLoad = state.seen === 0 ? x2 : Math.max(fading, x2);
  state.seen++;
}

function limit(value: number, low: number, high: number): number {
  return value > high ? high : Math.max(value, low);
}
