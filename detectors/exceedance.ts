import {
  boundaryAt,
  boundaryValue,
  type CoarseHistogram,
  countFrom,
  emptyHistogram,
  learnHistogram,
  sketchCountFrom,
} from "./coarse-histogram.ts";
import { decayWithHalfLife } from "./decay.ts";
import { blindVerdict, calmVerdict, type Detector, type Verdict } from "./detector.ts";
import { type Dispersion, emptyDispersion, learnDispersion } from "./dispersion.ts";
import { emptyHorizons, type HorizonSums, pushHorizons, skipHorizons } from "./horizons.ts";
import { surpriseOverHorizons } from "./ratio-horizons.ts";
import { type SparseSketch, sketchCount } from "./sketch.ts";
import { bonferroni } from "./tail.ts";

/** One threshold of the learned distribution and how many requests lie beyond it, lately and usually. */
interface Watch {
  /** First sketch bucket above the threshold. */
  boundary: number;
  /** Decayed requests beyond it. */
  beyond: number;
  /** Of the last window. */
  surprise: number;
  sums: HorizonSums;
  dispersion: Dispersion;
}

export interface ExceedanceState {
  windowMs: number;
  /** Windows with requests that were learned from. */
  seen: number;
  usual: CoarseHistogram;
  /** By threshold, in the order of `quantiles`; empty until warm-up ends. */
  watches: Watch[];
  /** Boundaries at `markQuantiles`, renewed with the thresholds; empty until warm-up ends. */
  marks: number[];
}

const decayOf = decayWithHalfLife(4 * 3_600_000);
const warmUpWindows = 30;
const warmUpRequests = 60;
/** Thresholds are looked at this often, in windows that were learned from. */
const renewEvery = 60;
/** A threshold stays until the share beyond it is this factor off: moving it costs the evidence counted against the old one. */
const tolerance = 1.6;

/** Quantiles of the bulk, which a shift of everything moves first, and of the tail, which a few slow replicas do. */
const quantiles = { up: [0.75, 0.95], down: [0.25, 0.05] } as const;

/** Percentiles of single requests that are kept for readers; a verdict's band is the first three. */
export const markQuantiles = [0.05, 0.5, 0.95, 0.99] as const;

function createExceedance(id: string, direction: "up" | "down"): Detector<ExceedanceState> {
  const isUp = direction === "up";
  /** Requests beyond each watch's threshold in this window: read again while it is learned from. */
  const beyond = quantiles[direction].map(() => 0);

  const renew = (state: ExceedanceState) => {
    state.marks = markQuantiles.map((q) => boundaryAt(state.usual, q));
    quantiles[direction].forEach((q, index) => {
      const watch = state.watches[index];
      if (watch !== undefined) {
        const offBy = watch.beyond / state.usual.total / (direction === "up" ? 1 - q : q);
        if (offBy < tolerance && offBy > 1 / tolerance) return;
      }
      const boundary = boundaryAt(state.usual, q);
      if (watch?.boundary === boundary) return;
      const above = countFrom(state.usual, boundary);
      state.watches[index] = {
        boundary,
        beyond: direction === "up" ? above : state.usual.total - above,
        surprise: 0,
        sums: emptyHorizons(),
        dispersion: watch?.dispersion ?? emptyDispersion(),
      };
    });
  };

  return {
    id,
    stateVersion: 1,
    accepts: ["distribution"],
    about: {
      formula: `share of requests ${direction === "up" ? "above the usual 75th and 95th" : "below the usual 25th and 5th"} percentile: k of n over the last 1, 6, 24 and 120 windows, X ~ BetaBinomial(n, p·s, (1−p)·s), 1/s = 1/weight + ρ; smallest p-value × 8. Percentiles of a histogram with half-life 4 h, values divided by the factor that known causes explain`,
      source:
        "Exceedance (Mosteller 1948's test of slippage) with the beta-binomial of binomial-exact",
      cost: "≈ 3.5 µs a window of 12 requests on a busy machine, next to nothing in silence; 140 numbers of state",
      falseAlarm:
        "probability that a healthy window's horizons hold at least this many requests beyond the threshold, for series as rough as the blocks seen",
    },
    initialState: (windowMs) => ({
      windowMs,
      seen: 0,
      usual: emptyHistogram(),
      watches: [],
      marks: [],
    }),
    step(state, observation, { isFrozen, isBandWanted = true }) {
      if (observation.kind !== "distribution") return { state, verdict: blindVerdict };
      const { sketch, factor = 1 } = observation;
      const n = sketchCount(sketch);
      if (!(n > 0)) {
        for (const watch of state.watches) pushHorizons(watch.sums, 0, 0);
        return { state, verdict: blindVerdict };
      }
      const isWarming = state.seen < warmUpWindows || state.usual.total < warmUpRequests;
      if (!isWarming && state.watches.length === 0) renew(state);
      const { total } = state.usual;
      let surprise = 0;
      for (let i = 0; i < state.watches.length; i++) {
        const watch = state.watches[i] as Watch;
        const above = sketchCountFrom(sketch, watch.boundary, factor);
        const bad = isUp ? above : n - above;
        beyond[i] = bad;
        pushHorizons(watch.sums, bad, n);
        const p = expectedRatio(watch, total);
        watch.surprise = surpriseOverHorizons(watch.sums, p, total + 1, watch.dispersion);
        if (watch.surprise > surprise) surprise = watch.surprise;
      }
      surprise = bonferroni(surprise, quantiles[direction].length);
      const verdict: Verdict =
        surprise === 0 && !isBandWanted
          ? calmVerdict(isWarming, isFrozen)
          : {
              state: isWarming ? "warming" : isFrozen ? "frozen" : "judging",
              surprise,
              direction: surprise > 0 ? direction : "none",
              expected: isBandWanted ? usualQuantile(state, 0.5, factor) : undefined,
              low: isBandWanted ? usualQuantile(state, 0.05, factor) : undefined,
              high: isBandWanted ? usualQuantile(state, 0.95, factor) : undefined,
            };
      if (!isFrozen || isWarming) learn(state, sketch, n, factor);
      return { state, verdict };
    },
    skip(state, { windows }) {
      for (const watch of state.watches) skipHorizons(watch.sums, windows);
    },
  };

  function learn(state: ExceedanceState, sketch: SparseSketch, n: number, factor: number): void {
    const decay = decayOf(state.windowMs);
    for (let i = 0; i < state.watches.length; i++) {
      const watch = state.watches[i] as Watch;
      const bad = beyond[i] as number;
      const p = expectedRatio(watch, state.usual.total);
      const { surprise } = watch;
      learnDispersion(watch.dispersion, watch.sums, { bad, of: n, p, decay, surprise });
      watch.beyond = watch.beyond * decay + bad;
    }
    learnHistogram(state.usual, sketch, factor, decay);
    state.seen++;
    if (state.watches.length > 0 && state.seen % renewEvery === 0) renew(state);
  }
}

function expectedRatio(watch: Watch, total: number): number {
  return (watch.beyond + 0.5) / (total + 1);
}

/** Values above what is usual: slow first tokens, long answers. */
export const exceedance = createExceedance("exceedance", "up");
/** Values below what is usual: answers that come out short. */
export const shortfall = createExceedance("shortfall", "down");

/** The histogram boundary at a quantile of `markQuantiles`; undefined while warming. */
export function usualBoundary(
  state: ExceedanceState,
  q: (typeof markQuantiles)[number],
): number | undefined {
  // Compared one by one: a table by q would have to turn each q into text.
  const { marks } = state;
  if (q === 0.05) return marks[0];
  if (q === 0.5) return marks[1];
  return q === 0.95 ? marks[2] : marks[3];
}

/** What single requests usually take at a quantile of `markQuantiles`, times `factor`; undefined while warming. */
export function usualQuantile(
  state: ExceedanceState,
  q: (typeof markQuantiles)[number],
  factor = 1,
): number | undefined {
  const boundary = usualBoundary(state, q);
  return boundary === undefined ? undefined : boundaryValue(boundary) * factor;
}
