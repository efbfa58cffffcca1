import { decayWithHalfLife } from "./decay.ts";
import { blindVerdict, calmVerdict, type Detector, type Verdict } from "./detector.ts";
import { testedRatio } from "./learned-ratio.ts";
import { clampSurprise } from "./tail.ts";

export interface CusumState {
  windowMs: number;
  /** Blocks learned from. */
  seen: number;
  /** The block that is being filled: windows, then (bad, of) or (sum of count · ln value, count). */
  windows: number;
  first: number;
  second: number;
  /** Decayed baseline: ratio: sums of bad and of; level: weight and mean of ln value. */
  baseFirst: number;
  baseSecond: number;
  /** Scale: ratio: decayed squared deviations and their expectation; level: variance of a block's mean, for many requests. */
  scaleFirst: number;
  scaleSecond: number;
  /** What recent blocks look like: the alternative that is bet on. Ratio: bad and of; level: mean of z. */
  recentFirst: number;
  recentSecond: number;
  /** Level: z of the last block, and decayed mean of z times the z before: the correlation of neighbours. */
  last: number;
  lagProduct: number;
  /** Page's sum, in nats, and its highest value since it left 0. */
  sum: number;
  peak: number;
}

const blockWindows = 6;
const decayOf = decayWithHalfLife(6 * 3_600_000);
const warmUpBlocks = 20;
/**
 * Smallest change that is looked for: this factor on the odds of a ratio; of a level, so many standard deviations of a
 * block's mean, but at least 12 %: real levels wander by a few percent with load, and nobody is to be told of that.
 */
const smallestOdds = 1.8;
const smallestShift = 1;
const smallestLogShift = Math.log(1.12);
const clipDeviations = 3;
/** Variance of a block's mean is (1 + countSpread/n) times that of a block with many requests. */
const countSpread = 24;
const scaleFloor = 0.02;
/** Correlation of neighbouring blocks that is allowed for at most. */
const mostCorrelation = 0.8;
const recentWeight = 1 / 8;
/** Evidence of 20 : 1 that it is over ends it. */
const overNats = Math.log(20);
const highestSum = 30 * Math.LN10;

/**
 * Page's cumulative sum for slow drift, over blocks of 6 windows: S ← max(0, S + log-likelihood ratio of "changed" against "as learned").
 * The change that is bet on is the larger of the smallest interesting one and what recent blocks show, fixed before the
 * block is seen. When the sum has fallen by ln 20 from its peak, the change is over and the sum starts anew.
 */
export const cusum: Detector<CusumState> = {
  id: "cusum",
  stateVersion: 1,
  accepts: ["ratio", "level"],
  about: {
    formula:
      "ratio: Λ = (k·ln(p₁/p₀) + (n−k)·ln(q₁/q₀))/φ, p₁ = max(odds(p₀)·1.8, recent), φ the dispersion of blocks; level: z of the block's mean ln value (clipped at 3), Λ = δ·(z − δ/2)·(1−r)/(1+r), δ = max(1, ln 1.12/σ, recent), r the correlation of neighbouring blocks; S ← max(0, S + Λ); surprise = S/ln 10",
    source: "Page 1954; Lorden 1971 (estimated alternatives); Lundberg's bound P(S ≥ h) ≤ e^−h",
    cost: "≈ 0.2 µs a window on a busy machine, nothing in silence; 15 numbers of state",
    falseAlarm:
      "Lundberg's bound on the stationary distribution of S: a healthy window shows S ≥ h with probability ≤ e^−h, were blocks independent; the scale that is learned from blocks makes up for what they are not",
  },
  initialState: (windowMs) => ({
    windowMs,
    seen: 0,
    windows: 0,
    first: 0,
    second: 0,
    baseFirst: 0,
    baseSecond: 0,
    scaleFirst: 0,
    scaleSecond: 0,
    recentFirst: 0,
    recentSecond: 0,
    last: 0,
    lagProduct: 0,
    sum: 0,
    peak: 0,
  }),
  step(state, observation, { isFrozen }) {
    let hasEvidence = false;
    if (observation.kind === "ratio" && observation.of > 0 && observation.bad >= 0) {
      hasEvidence = true;
      state.first += observation.bad;
      state.second += observation.of;
    } else if (observation.kind === "level") {
      const { value, count, factor = 1 } = observation;
      // Written so that undefined, NaN, 0 and infinity are all no evidence.
      if (value !== undefined && value > 0 && value < Number.POSITIVE_INFINITY && count > 0) {
        hasEvidence = true;
        state.first += count * Math.log(value / factor);
        state.second += count;
      }
    }
    state.windows++;
    if (state.windows === blockWindows) endBlock(state, observation.kind === "ratio", isFrozen);
    return { state, verdict: hasEvidence ? conclude(state, isFrozen) : blindVerdict };
  },
  skip(state, { kind, windows }, { isFrozen }) {
    const filled = state.windows + windows;
    if (filled >= blockWindows) endBlock(state, kind === "ratio", isFrozen);
    state.windows = filled % blockWindows;
  },
};

/** Takes the block in, if it has evidence, and begins another. */
function endBlock(state: CusumState, isRatio: boolean, isFrozen: boolean): void {
  if (state.second > 0) {
    if (isRatio) takeRatioBlock(state, isFrozen);
    else takeLevelBlock(state, isFrozen);
  }
  state.windows = 0;
  state.first = 0;
  state.second = 0;
}

function conclude(state: CusumState, isFrozen: boolean): Verdict {
  const isWarming = state.seen < warmUpBlocks;
  const surprise = isWarming ? 0 : clampSurprise(state.sum / Math.LN10);
  if (surprise === 0) return calmVerdict(isWarming, isFrozen);
  return {
    state: isFrozen ? "frozen" : "judging",
    surprise,
    direction: "up",
    expected: undefined,
    low: undefined,
    high: undefined,
  };
}

function takeRatioBlock(state: CusumState, isFrozen: boolean): void {
  const { first: k, second: n } = state;
  const p0 = testedRatio(state.baseFirst, state.baseSecond);
  const isWarming = state.seen < warmUpBlocks;
  if (!isWarming) {
    const odds = (smallestOdds * p0) / (1 - p0);
    const recent = (state.recentFirst + p0) / (state.recentSecond + 1);
    const p1 = Math.min(0.98, Math.max(odds / (1 + odds), recent));
    const dispersion = Math.max(1, (state.scaleFirst + 40 * 1.5) / (state.scaleSecond + 40));
    const ratio = k * Math.log(p1 / p0) + (n - k) * Math.log((1 - p1) / (1 - p0));
    add(state, ratio / dispersion);
  }
  state.recentFirst += recentWeight * (k - state.recentFirst);
  state.recentSecond += recentWeight * (n - state.recentSecond);
  if (isFrozen && !isWarming) return;
  const decay = blockDecay(state);
  const variance = n * p0 * (1 - p0);
  const squared = Math.min((k - n * p0) ** 2 / variance, 36);
  state.scaleFirst = state.scaleFirst * decay + squared;
  state.scaleSecond = state.scaleSecond * decay + 1;
  const learned = isWarming ? k : Math.min(k, n * p0 + 4 * Math.sqrt(variance) + 1);
  state.baseFirst = state.baseFirst * decay + learned;
  state.baseSecond = state.baseSecond * decay + n;
  state.seen++;
}

function takeLevelBlock(state: CusumState, isFrozen: boolean): void {
  const mean = state.first / state.second;
  const spread = 1 + countSpread / state.second;
  const sigma = Math.sqrt(Math.max(state.scaleFirst, scaleFloor ** 2) * spread);
  const z = state.seen === 0 ? 0 : (mean - state.baseSecond) / sigma;
  // What is learned from is clipped; what is judged must be able to reach the smallest shift.
  const clipped = Math.max(-clipDeviations, Math.min(clipDeviations, z));
  const isWarming = state.seen < warmUpBlocks;
  if (!isWarming) {
    const shift = Math.max(smallestShift, smallestLogShift / sigma, state.recentFirst);
    const correlation = Math.max(0, Math.min(mostCorrelation, state.lagProduct));
    const judged = Math.max(-shift, Math.min(Math.max(clipDeviations, shift), z));
    add(state, (shift * (judged - shift / 2) * (1 - correlation)) / (1 + correlation));
  }
  state.recentFirst += recentWeight * (clipped - state.recentFirst);
  const last = state.last;
  state.last = clipped;
  if (isFrozen && !isWarming) return;
  const age = state.seen + 1;
  const weight = Math.max(1 / age, 1 - blockDecay(state));
  const residual = state.seen < 5 ? mean - state.baseSecond : clipped * sigma;
  if (state.seen === 0) state.baseSecond = mean;
  else {
    state.baseSecond += weight * residual;
    state.scaleFirst += weight * (residual ** 2 / spread - state.scaleFirst);
    state.lagProduct += weight * (clipped * last - state.lagProduct);
  }
  state.seen++;
}

function add(state: CusumState, logLikelihoodRatio: number): void {
  state.sum = Math.min(highestSum, Math.max(0, state.sum + logLikelihoodRatio));
  state.peak = state.sum === 0 ? 0 : Math.max(state.peak, state.sum);
  if (state.peak - state.sum < overNats) return;
  state.sum = 0;
  state.peak = 0;
}

function blockDecay(state: CusumState): number {
  return decayOf(state.windowMs * blockWindows);
}
