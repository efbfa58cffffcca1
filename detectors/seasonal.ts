import { blindVerdict, type Detector, type Observation, type Verdict } from "./detector.ts";
import { bonferroni, studentSurprise } from "./tail.ts";

export interface SeasonalState {
  windowMs: number;
  /** Blocks of 5 minutes learned from. */
  seen: number;
  /** The block that is being filled: its number since 1970, sum and weight. */
  block: number;
  sum: number;
  weight: number;
  /** Log values by half hour of the day (UTC); null where none was seen. */
  profile: (number | null)[];
  /** What a day of the week adds to the profile. */
  days: number[];
  /** How far the level lies above the profile now. */
  offset: number;
  /** The rival: an EWMA of the log value. */
  level: number;
  /** Decayed absolute errors of profile and rival, and variance of the profile's. */
  profileError: number;
  levelError: number;
  variance: number;
  /** Verdict on the last whole block. */
  surprise: number;
  isUp: boolean;
  expected: number | null;
}

const blockMs = 300_000;
const slotMs = 1_800_000;
const dayMs = 24 * 3_600_000;
const slots = dayMs / slotMs;
/** A slot is learned from 6 blocks a day: a third of what is new each day. */
const slotWeight = 0.065;
const dayWeight = 0.002;
/** The rival's half-life is about an hour, like that of the control chart. */
const levelWeight = 1 / 18;
const offsetWeight = 1 / 36;
const errorWeight = 1 / 288;
const warmUpMs = dayMs;
/** The profile judges only where its error is this much smaller than the rival's. */
const better = 0.95;
const clipDeviations = 4;
const scaleFloor = 0.03;

/**
 * What is usual at this time of the day and of the week. The level may wander (offset), only its shape is remembered; where a plain
 * EWMA predicts as well, the profile keeps silent.
 */
export const seasonal: Detector<SeasonalState> = {
  id: "seasonal",
  stateVersion: 1,
  accepts: ["count", "level"],
  about: {
    formula:
      "blocks of 5 min, y = ln(1 + mean); ŷ = profile[half hour of the day] + day of the week + offset; judged while the decayed |y − ŷ| < 0.95 × that of an EWMA of half-life 1 h; P(T₈ > |y − ŷ|/σ) two-sided; residuals clipped at 4σ",
    source: "Winters 1960 without spectral search; choice of expert by decayed error",
    cost: "≈ 0.3 µs a window of a minute on a busy machine; 70 numbers of state",
    falseAlarm: "two-sided probability under Student's t with 8 degrees of freedom of a block",
  },
  initialState: (windowMs) => ({
    windowMs,
    seen: 0,
    block: -1,
    sum: 0,
    weight: 0,
    profile: new Array<number | null>(slots).fill(null),
    days: new Array<number>(7).fill(0),
    offset: 0,
    level: 0,
    profileError: 0,
    levelError: 0,
    variance: 0,
    surprise: 0,
    isUp: false,
    expected: null,
  }),
  step(state, observation, { isFrozen, isBandWanted = true }) {
    const value = levelOf(observation);
    const block = Math.floor(observation.windowStartMs / blockMs);
    if (block !== state.block) {
      if (state.weight > 0) takeBlock(state, isFrozen);
      state.block = block;
      state.sum = 0;
      state.weight = 0;
    }
    if (value === undefined) return { state, verdict: blindVerdict };
    state.sum += value;
    state.weight++;
    return { state, verdict: conclude(state, isFrozen, isBandWanted) };
  },
  silentRow: {
    length: 9,
    write(state, row, at) {
      row[at] = state.windowMs;
      row[at + 1] = state.seen;
      row[at + 2] = state.block;
      row[at + 3] = state.sum;
      row[at + 4] = state.weight;
      row[at + 5] = state.variance;
      row[at + 6] = state.surprise;
      row[at + 7] = state.isUp ? 1 : 0;
      row[at + 8] = state.expected ?? Number.NaN;
    },
    read(row, at, state) {
      state.windowMs = (row[at] as number) | 0;
      state.seen = (row[at + 1] as number) | 0;
      state.block = row[at + 2] as number;
      state.sum = row[at + 3] as number;
      state.weight = (row[at + 4] as number) | 0;
      state.variance = row[at + 5] as number;
      state.surprise = row[at + 6] as number;
      state.isUp = row[at + 7] === 1;
      state.expected = orNull(row[at + 8] as number);
    },
    // At the end of a block the profile is asked for, too.
    isEnough: (row, at, windowStartMs) => row[at + 2] === Math.floor(windowStartMs / blockMs),
  },
};

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function levelOf(observation: Observation): number | undefined {
  if (observation.kind === "count") return observation.count >= 0 ? observation.count : undefined;
  if (observation.kind !== "level" || observation.value === undefined) return undefined;
  const value = observation.value / (observation.factor ?? 1);
  return value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined;
}

function isWarmingUp(state: SeasonalState): boolean {
  return state.seen * blockMs < warmUpMs;
}

function conclude(state: SeasonalState, isFrozen: boolean, isBandWanted: boolean): Verdict {
  const isWarming = isWarmingUp(state);
  const { expected, low, high } = isBandWanted && !isWarming ? bandOf(state) : blindVerdict;
  return {
    state: isWarming ? "warming" : isFrozen ? "frozen" : "judging",
    surprise: state.surprise,
    direction: state.surprise === 0 ? "none" : state.isUp ? "up" : "down",
    expected,
    low,
    high,
  };
}

function bandOf({ expected, variance }: SeasonalState): Pick<Verdict, "expected" | "low" | "high"> {
  if (expected === null) return blindVerdict;
  const width = 3 * Math.sqrt(Math.max(variance, scaleFloor ** 2));
  return {
    expected: Math.exp(expected) - 1,
    low: Math.max(0, Math.exp(expected - width) - 1),
    high: Math.max(0, Math.exp(expected + width) - 1),
  };
}

function takeBlock(state: SeasonalState, isFrozen: boolean): void {
  const y = Math.log(1 + state.sum / state.weight);
  const startMs = state.block * blockMs;
  const slot = Math.floor((startMs % dayMs) / slotMs);
  const day = Math.floor(startMs / dayMs) % 7;
  const known = state.profile[slot] ?? null;
  const daily = state.days[day] as number;
  const isWarming = isWarmingUp(state);
  state.surprise = 0;
  state.expected = known === null ? null : known + daily + state.offset;
  let residual = 0;
  if (state.expected !== null) {
    const sigma = Math.sqrt(Math.max(state.variance, scaleFloor ** 2));
    const error = y - state.expected;
    // While warming there is no scale to clip by.
    residual = isWarming
      ? error
      : Math.max(-clipDeviations * sigma, Math.min(clipDeviations * sigma, error));
    if (!isWarming && state.profileError < better * state.levelError) {
      state.surprise = bonferroni(studentSurprise(Math.abs(error) / sigma), 2);
      state.isUp = error > 0;
    }
  }
  if (isFrozen && !isWarming) return;
  learn(state, { y, slot, day, known, residual });
}

function learn(
  state: SeasonalState,
  block: {
    readonly y: number;
    readonly slot: number;
    readonly day: number;
    readonly known: number | null;
    readonly residual: number;
  },
): void {
  const { y, slot, day, known, residual } = block;
  if (state.seen === 0) state.level = y;
  if (known === null) state.profile[slot] = y - state.offset;
  else {
    state.profileError += errorWeight * (Math.abs(residual) - state.profileError);
    state.levelError += errorWeight * (Math.abs(y - state.level) - state.levelError);
    state.variance +=
      Math.max(errorWeight, 1 / (state.seen + 1)) * (residual ** 2 - state.variance);
    state.profile[slot] = known + slotWeight * residual;
    state.days[day] = (state.days[day] as number) + dayWeight * residual;
    state.offset += offsetWeight * residual;
  }
  state.level += levelWeight * (y - state.level);
  state.seen++;
}
