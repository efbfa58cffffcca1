import { decayWithHalfLife } from "./decay.ts";
import { blindVerdict, type Detector } from "./detector.ts";
import { clampSurprise } from "./tail.ts";

export interface AbsenceState {
  windowMs: number;
  seen: number;
  /** Decayed windows and events: their ratio is the long rate. */
  windows: number;
  events: number;
  /** Events a window lately, before the present gap. */
  recent: number;
  /** Block of 12 windows that is being filled, and decayed moments of whole ones. */
  blockWindows: number;
  blockEvents: number;
  blocks: number;
  blockSum: number;
  blockSquares: number;
  /** Windows without events up to now, and the longest such gap, fading over days. */
  gap: number;
  longestGap: number;
}

const decayOf = decayWithHalfLife(6 * 3_600_000);
const gapDecayOf = decayWithHalfLife(3 * 24 * 3_600_000);
const recentWeight = 1 / 180;
const blockLength = 12;
const warmUpWindows = 120;
/** A gap is news only when it is this much longer than the longest one remembered. */
const longerThan = 1.5;
const smallestDispersion = 1.05;

/** No traffic where there always is some. */
export const absence: Detector<AbsenceState> = {
  id: "absence",
  stateVersion: 1,
  accepts: ["count"],
  about: {
    formula:
      "P(no event in g windows) = D^(−λ·g/(D−1)), the zero class of a negative binomial with mean λ·g and dispersion D = variance/mean of blocks of 12 windows; λ the smaller of the long rate (half-life 6 h) and the recent one; 0 unless g > 1.5 × the longest gap remembered (half-life 3 days)",
    source: "Gamma-mixed Poisson (Greenwood & Yule 1920)",
    cost: "≈ 0.12 µs a window on a busy machine; 12 numbers of state",
    falseAlarm: "probability that healthy traffic of that burstiness pauses for at least as long",
  },
  initialState: (windowMs) => ({
    windowMs,
    seen: 0,
    windows: 0,
    events: 0,
    recent: 0,
    blockWindows: 0,
    blockEvents: 0,
    blocks: 0,
    blockSum: 0,
    blockSquares: 0,
    gap: 0,
    longestGap: 0,
  }),
  step(state, observation, { isFrozen }) {
    // NaN is not a count: no evidence.
    if (observation.kind !== "count" || !(observation.count >= 0))
      return { state, verdict: blindVerdict };
    const { count } = observation;
    const isWarming = state.seen < warmUpWindows;
    const longRate = state.windows === 0 ? 0 : state.events / state.windows;
    const rate = Math.min(longRate, state.recent);
    if (count === 0) state.gap++;
    const isNews = count === 0 && state.gap > longerThan * state.longestGap;
    const dispersion = dispersionOf(state);
    const surprise =
      isWarming || !isNews
        ? 0
        : clampSurprise((rate * state.gap * Math.log10(dispersion)) / (dispersion - 1));
    if (!isFrozen || isWarming) learn(state, count);
    if (count > 0) state.gap = 0;
    return {
      state,
      verdict: {
        state: isWarming ? "warming" : isFrozen ? "frozen" : "judging",
        surprise,
        direction: surprise > 0 ? "down" : "none",
        expected: isWarming ? undefined : longRate,
        low: undefined,
        high: undefined,
      },
    };
  },
  silentRow: {
    length: 12,
    write(state, row, at) {
      row[at] = state.windowMs;
      row[at + 1] = state.seen;
      row[at + 2] = state.windows;
      row[at + 3] = state.events;
      row[at + 4] = state.recent;
      row[at + 5] = state.blockWindows;
      row[at + 6] = state.blockEvents;
      row[at + 7] = state.blocks;
      row[at + 8] = state.blockSum;
      row[at + 9] = state.blockSquares;
      row[at + 10] = state.gap;
      row[at + 11] = state.longestGap;
    },
    read(row, at, state) {
      state.windowMs = (row[at] as number) | 0;
      state.seen = (row[at + 1] as number) | 0;
      state.windows = row[at + 2] as number;
      state.events = row[at + 3] as number;
      state.recent = row[at + 4] as number;
      state.blockWindows = (row[at + 5] as number) | 0;
      state.blockEvents = row[at + 6] as number;
      state.blocks = row[at + 7] as number;
      state.blockSum = row[at + 8] as number;
      state.blockSquares = row[at + 9] as number;
      state.gap = (row[at + 10] as number) | 0;
      state.longestGap = row[at + 11] as number;
    },
  },
};

function dispersionOf({ blocks, blockSum, blockSquares }: AbsenceState): number {
  if (blocks < 2 || blockSum === 0) return 2;
  const mean = blockSum / blocks;
  const variance = Math.max(0, blockSquares / blocks - mean * mean);
  return Math.max(smallestDispersion, variance / mean);
}

function learn(state: AbsenceState, count: number): void {
  const decay = decayOf(state.windowMs);
  state.windows = state.windows * decay + 1;
  state.events = state.events * decay + count;
  // The recent rate stands still in a gap: it says what there was before.
  if (count > 0 || state.gap === 1)
    state.recent += Math.max(1 / (state.seen + 1), recentWeight) * (count - state.recent);
  if (count > 0) {
    const fading = state.longestGap * gapDecayOf(state.windowMs);
    state.longestGap = Math.max(state.gap, fading);
  }
  state.blockWindows++;
  state.blockEvents += count;
  if (state.blockWindows === blockLength) {
    const blockDecay = decay ** blockLength;
    state.blocks = state.blocks * blockDecay + 1;
    state.blockSum = state.blockSum * blockDecay + state.blockEvents;
    state.blockSquares = state.blockSquares * blockDecay + state.blockEvents ** 2;
    state.blockWindows = 0;
    state.blockEvents = 0;
  }
  state.seen++;
}
