/**
 * The detector contract. A detector is pure: state in, observation in, state and verdict out; no clock, no randomness,
 * state that survives JSON. One algorithm a file; `registry.ts` lists them; the shared contract tests find them there.
 */
import type { SparseSketch } from "./sketch.ts";

/**
 * What a detector sees of one signal in one window.
 * - `ratio`: `bad` of `of` requests (integers ≥ 0); `of` = 0 means no evidence, not health.
 * - `level`: a value (a mean in µs, a rate) that rests on `count` requests; undefined when there were none.
 * - `count`: events in the window, integer ≥ 0; 0 is an observation (absence detectors live on it).
 * - `distribution`: values of single requests as a sketch; an empty one means no evidence.
 * `factor` (default 1): how much higher than usual the value is expected to be from known causes such as longer prompts or
 * more load; detectors judge value ÷ factor.
 */
export type Observation =
  | {
      readonly kind: "ratio";
      readonly bad: number;
      readonly of: number;
      readonly windowStartMs: number;
    }
  | {
      readonly kind: "level";
      readonly value: number | undefined;
      readonly count: number;
      readonly factor?: number;
      readonly windowStartMs: number;
    }
  | { readonly kind: "count"; readonly count: number; readonly windowStartMs: number }
  | {
      readonly kind: "distribution";
      readonly sketch: SparseSketch;
      readonly factor?: number;
      readonly windowStartMs: number;
    };

export type ObservationKind = Observation["kind"];

/**
 * What it concluded. `surprise` is −log10 of the stated false-alarm probability of a window at least this unusual in the bad direction,
 * on a healthy series: 0 nothing, 3 one window in a thousand; capped at 30. Expected values are in the observation's unit
 * (ratio: 0 … 1).
 */
export interface Verdict {
  /** `warming`: not enough seen to judge. `frozen`: judged against a baseline that does not learn now. `blind`: no evidence in this window. */
  readonly state: "warming" | "judging" | "frozen" | "blind";
  readonly surprise: number;
  readonly direction: "up" | "down" | "none";
  readonly expected: number | undefined;
  /** Band in which a healthy window lies with the detector's stated probability. */
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** Windows in a row without evidence. */
export interface Gap {
  readonly kind: "ratio" | "level" | "distribution";
  readonly windows: number;
}

interface StepOptions {
  /** True while an incident is open on the series: judge, but do not learn. */
  readonly isFrozen: boolean;
  /** False where nobody reads `expected`, `low` and `high` unless there is a surprise: those may then be left undefined. */
  readonly isBandWanted?: boolean;
}

/**
 * The part of a state that windows with a count of 0 read or change, as numbers in a row. States lie all over the memory, and of many
 * cells nearly all are silent: those are stepped in rows that lie side by side (services/detect/silent-rows.ts).
 */
export interface RowForm<State> {
  /** Numbers that it takes. */
  readonly length: number;
  /** Lays the state into `row`, from `at` on. */
  write(state: State, row: Float64Array, at: number): void;
  /** Takes it out again, into any state of this detector, in place. */
  read(row: Float64Array, at: number, state: State): void;
}

export interface Detector<State> {
  /** Kebab-case, as in the file's name; part of checkpoints and reasons. */
  readonly id: string;
  /** Grows when the state's shape or meaning changes. */
  readonly stateVersion: number;
  readonly accepts: readonly ObservationKind[];
  /** For people: formula, source, cost and what its false-alarm figure means. */
  readonly about: {
    readonly formula: string;
    readonly source: string;
    readonly cost: string;
    readonly falseAlarm: string;
  };
  initialState(windowMs: number): State;
  /** May change `state` in place and return it. */
  step(
    state: State,
    observation: Observation,
    options: StepOptions,
  ): { readonly state: State; readonly verdict: Verdict };
  /**
   * Steps over windows that tell nothing of this kind, in place: the same, bit for bit, as that many calls of `step` with an
   * observation without evidence. A detector that single requests are judged by must have it, so that silent cells cost nothing.
   */
  skip?(state: State, gap: Gap, options: StepOptions): void;
  /** For detectors of counts; without it, silent cells cost more. */
  readonly silentRow?: RowForm<State>;
  /** Takes the state of an earlier version over; without it, the detector learns again. */
  migrate?(state: unknown, fromVersion: number): State | undefined;
}

export const surpriseCap = 30;

/** Nothing unusual, and no expectation told: shared, because that is what nearly every step of nearly every detector finds. */
const calm = (state: Verdict["state"]): Verdict => ({
  state,
  surprise: 0,
  direction: "none",
  expected: undefined,
  low: undefined,
  high: undefined,
});
const calmVerdicts = {
  warming: calm("warming"),
  judging: calm("judging"),
  frozen: calm("frozen"),
} as const;

export function calmVerdict(isWarming: boolean, isFrozen: boolean): Verdict {
  return isWarming ? calmVerdicts.warming : isFrozen ? calmVerdicts.frozen : calmVerdicts.judging;
}

export const blindVerdict: Verdict = calm("blind");
