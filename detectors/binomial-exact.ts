import { decayWithHalfLife } from "./decay.ts";
import { blindVerdict, calmVerdict, type Detector, type Verdict } from "./detector.ts";
import { type Dispersion, emptyDispersion, learnDispersion, rhoForHorizon } from "./dispersion.ts";
import { emptyHorizons, type HorizonSums, pushHorizons, skipHorizons } from "./horizons.ts";
import { ratioPrior, testedRatio } from "./learned-ratio.ts";
import { ratioBand, surpriseOverHorizons } from "./ratio-horizons.ts";

export interface BinomialExactState {
  windowMs: number;
  /** Windows with requests. */
  seen: number;
  /** Decayed sums that the expected ratio is made of. */
  bad: number;
  of: number;
  sums: HorizonSums;
  dispersion: Dispersion;
}

const decayOf = decayWithHalfLife(6 * 3_600_000);
const warmUpWindows = 30;
/** What a single window may add to the baseline, in standard deviations above its expectation; all that it has while warming. */
const learnDeviations = 4;

/**
 * Exact test of a ratio against its own learned value, for the few requests of small cells and the many of large ones alike.
 * Chosen over an anytime-valid e-process: that needs an alternative to bet on and keeps what it won after a fault is over, while
 * this says of each window how likely it is, which is what evidence over cells is combined from.
 */
export const binomialExact: Detector<BinomialExactState> = {
  id: "binomial-exact",
  stateVersion: 1,
  accepts: ["ratio"],
  about: {
    formula:
      "P(X ≥ bad), X ~ BetaBinomial(of, p·s, (1−p)·s) over the last 1, 6, 24 and 120 windows; p = decayed (bad + ½)/(of + 100), or what was seen less two standard deviations where that is more, half-life 6 h; 1/s = 1/(decayed of + 100) + ρ, ρ the intra-class correlation of blocks; smallest p-value × 4",
    source: "Skellam 1948 (beta-binomial); Williams 1982 (ρ by moments); Bonferroni",
    cost: "≈ 1.4 µs a window of 12 requests on a busy machine, next to nothing in silence; 50 numbers of state",
    falseAlarm:
      "probability that a healthy window's horizons hold at least this many bad requests, for ratios whose roughness is that of the blocks seen",
  },
  initialState: (windowMs) => ({
    windowMs,
    seen: 0,
    bad: 0,
    of: 0,
    sums: emptyHorizons(),
    dispersion: emptyDispersion(),
  }),
  step(state, observation, { isFrozen, isBandWanted = true }) {
    if (observation.kind !== "ratio") return { state, verdict: blindVerdict };
    const { bad, of } = observation;
    if (!(of > 0 && bad >= 0)) {
      pushHorizons(state.sums, 0, 0);
      return { state, verdict: blindVerdict };
    }
    pushHorizons(state.sums, bad, of);
    const weight = state.of + ratioPrior.of;
    const p = testedRatio(state.bad, state.of);
    const isWarming = state.seen < warmUpWindows;
    const surprise = isWarming ? 0 : surpriseOverHorizons(state.sums, p, weight, state.dispersion);
    const verdict =
      isBandWanted || surprise > 0
        ? judge(state, { of, p, weight, surprise }, isFrozen)
        : calmVerdict(isWarming, isFrozen);
    if (!isFrozen || isWarming) learn(state, { bad, of, p, surprise });
    return { state, verdict };
  },
  skip: (state, { windows }) => skipHorizons(state.sums, windows),
};

function judge(
  state: BinomialExactState,
  window: {
    readonly of: number;
    readonly p: number;
    readonly weight: number;
    readonly surprise: number;
  },
  isFrozen: boolean,
): Verdict {
  const { of, p, surprise } = window;
  const band = ratioBand(of, window, rhoForHorizon(state.dispersion, 0, p));
  const isWarming = state.seen < warmUpWindows;
  return {
    state: isWarming ? "warming" : isFrozen ? "frozen" : "judging",
    surprise,
    direction: surprise > 0 ? "up" : "none",
    expected: p,
    low: Math.max(0, p - band),
    high: Math.min(1, p + band),
  };
}

function learn(
  state: BinomialExactState,
  window: {
    readonly bad: number;
    readonly of: number;
    readonly p: number;
    readonly surprise: number;
  },
): void {
  const { bad, of, p } = window;
  const decay = decayOf(state.windowMs);
  // What one may add is above 1 whatever was expected.
  const isWarming = state.seen < warmUpWindows;
  const learned =
    isWarming || bad <= 1
      ? bad
      : Math.min(bad, of * p + learnDeviations * Math.sqrt(of * p * (1 - p)) + 1);
  state.bad = state.bad * decay + learned;
  state.of = state.of * decay + of;
  learnDispersion(state.dispersion, state.sums, { ...window, decay });
  state.seen++;
}
