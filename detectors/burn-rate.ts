import { blindVerdict, calmVerdict, type Detector } from "./detector.ts";
import { betaBinomialSurprise } from "./tail.ts";

/** A rule: both windows must burn the budget `burn` times faster than it lasts. */
interface BurnRule {
  readonly long: "1h" | "6h";
  readonly short: "5m" | "30m";
  readonly burn: number;
}

/**
 * The paging rules of the SRE Workbook, chapter 5, table "Recommended parameters", as in Sloth's google-30d file. Its ticket
 * rules (1 d and 3 d) are left to the history of the objective: they say nothing early.
 */
const burnRules: readonly BurnRule[] = [
  { long: "1h", short: "5m", burn: 14.4 },
  { long: "6h", short: "30m", burn: 6 },
];

/** Pairs (bad, of) of 5 minutes (13 for an hour and the one that fills) and of 30 minutes (13 for six hours). */
export interface BurnRateState {
  windowMs: number;
  /** Windows pushed. */
  pushed: number;
  fives: number[];
  thirties: number[];
  /** Decayed bad and of, over about the last 5 windows. */
  recentBad: number;
  recentOf: number;
}

/** Error budget that is assumed: 99.5 %. */
const budget = 0.005;
const slots = 13;
const fiveMs = 300_000;
const thirtyMs = 1_800_000;
/** Requests that a rule needs: a single failure in a quiet hour is no trend. */
const fewestRequests = 100;
/** A rule falls silent when the last windows no longer burn: five minutes are long for "it is over". */
const recentWeight = 1 / 5;
/** A service just within its budget does not fail evenly: 1/ρ of its failures. */
const concentration = 1 / 0.005;

/** Multi-window multi-burn-rate rules on a ratio of failing requests. Learns nothing, so it knows no warm-up and no freeze. */
export const burnRate: Detector<BurnRateState> = {
  id: "burn-rate",
  stateVersion: 1,
  accepts: ["ratio"],
  about: {
    formula:
      "speaks when bad/of > burn · 0.005 over a rule's long and its short window, and lately; then P(X ≥ bad), X ~ BetaBinomial(of, 0.005, 200) over the long window × 2 rules",
    source: "Beyer et al., The Site Reliability Workbook, ch. 5; slok/sloth google-30d",
    cost: "≈ 0.4 µs a window on a busy machine, a few ns in silence; 56 numbers of state",
    falseAlarm:
      "probability that a service just within its objective of 99.5 % shows this many failures in the long window",
  },
  initialState: (windowMs) => ({
    windowMs,
    pushed: 0,
    fives: new Array<number>(2 * slots).fill(0),
    thirties: new Array<number>(2 * slots).fill(0),
    recentBad: 0,
    recentOf: 0,
  }),
  step(state, observation) {
    if (observation.kind !== "ratio") return { state, verdict: blindVerdict };
    const isBlind = !(observation.of > 0 && observation.bad >= 0);
    const bad = isBlind ? 0 : observation.bad;
    const of = isBlind ? 0 : observation.of;
    const { windowMs, pushed } = state;
    push(state.fives, blockOf(pushed, windowMs, fiveMs), bad, of);
    push(state.thirties, blockOf(pushed, windowMs, thirtyMs), bad, of);
    state.pushed = pushed + 1;
    state.recentBad += recentWeight * (bad - state.recentBad);
    state.recentOf += recentWeight * (of - state.recentOf);
    if (isBlind) return { state, verdict: blindVerdict };
    let surprise = 0;
    for (const rule of burnRules) surprise = Math.max(surprise, judge(state, rule));
    surprise = Math.max(0, surprise - Math.log10(burnRules.length));
    if (surprise === 0) return { state, verdict: calmVerdict(false, false) };
    return {
      state,
      verdict: {
        state: "judging",
        surprise,
        direction: "up",
        expected: undefined,
        low: undefined,
        high: undefined,
      },
    };
  },
  skip(state, { windows }) {
    const { windowMs } = state;
    const fives = lengthOf(windowMs, fiveMs);
    const thirties = lengthOf(windowMs, thirtyMs);
    const end = state.pushed + windows;
    for (let pushed = state.pushed; pushed < end; pushed++) {
      if (pushed % fives === 0) open(state.fives, Math.floor(pushed / fives) % slots);
      if (pushed % thirties === 0) open(state.thirties, Math.floor(pushed / thirties) % slots);
      state.recentBad += recentWeight * (0 - state.recentBad);
      state.recentOf += recentWeight * (0 - state.recentOf);
    }
    state.pushed = end;
  },
};

function lengthOf(windowMs: number, blockMs: number): number {
  return Math.max(1, Math.round(blockMs / windowMs));
}

function open(pairs: number[], slot: number): void {
  pairs[2 * slot] = 0;
  pairs[2 * slot + 1] = 0;
}

/** Which block a window belongs to, and whether it opens it. */
function blockOf(pushed: number, windowMs: number, blockMs: number) {
  const length = lengthOf(windowMs, blockMs);
  return { slot: Math.floor(pushed / length) % slots, isFirst: pushed % length === 0 };
}

function push(
  pairs: number[],
  { slot, isFirst }: { readonly slot: number; readonly isFirst: boolean },
  bad: number,
  of: number,
): void {
  const at = 2 * slot;
  pairs[at] = (isFirst ? 0 : (pairs[at] as number)) + bad;
  pairs[at + 1] = (isFirst ? 0 : (pairs[at + 1] as number)) + of;
}

function judge(state: BurnRateState, { long, burn }: BurnRule): number {
  const limit = burn * budget;
  if (state.recentBad <= limit * state.recentOf) return 0;
  const isHour = long === "1h";
  const pairs = isHour ? state.fives : state.thirties;
  const blockMs = isHour ? fiveMs : thirtyMs;
  const current = 2 * blockOf(state.pushed - 1, state.windowMs, blockMs).slot;
  const before = (current + 2 * (slots - 1)) % (2 * slots);
  // The block that fills and the one before: the short window is between one and two blocks long.
  const shortBad = (pairs[current] as number) + (pairs[before] as number);
  const shortOf = (pairs[current + 1] as number) + (pairs[before + 1] as number);
  if (shortBad <= limit * shortOf) return 0;
  let bad = 0;
  let of = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    bad += pairs[i] as number;
    of += pairs[i + 1] as number;
  }
  if (of < fewestRequests || bad <= limit * of) return 0;
  return betaBinomialSurprise(bad, of, budget, concentration);
}
