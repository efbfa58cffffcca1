/** What detect remembers of a cell. All of it is plain data. */
import { type DriversState, initialDrivers } from "../../detectors/drivers.ts";
import { type AnyDetector, defaultSets } from "../../detectors/registry.ts";
import { type Denominator, signalSources } from "./signal-sources.ts";

export interface CellState {
  /** Windows with requests. */
  seen: number;
  /** Windows with gauges; absent in older checkpoints. */
  levels?: number;
  /** Windows since the last request. */
  quiet: number;
  /** Decayed requests and windows: their ratio is the cell's usual traffic. */
  usualRequests: number;
  usualWindows: number;
  /** Requests a window, over about the last 24. */
  recentRequests: number;
  /** Logarithms of median input tokens, over about the last 24 windows with requests and over a day; null: none seen. */
  recentInput: number | null;
  usualInput: number | null;
  drivers: DriversState;
  /**
   * States of ratio detectors of signals that never had a bad request, one for each denominator: as long as all have seen
   * the same zeros they are equal, so they are kept, and stepped, once.
   */
  spotless: Partial<Record<Denominator, unknown[]>>;
  /** Whether a visible or precursor signal keeps the baselines of the whole cell from learning. */
  isFrozen: boolean;
  /** Windows without any evidence that signals other than traffic have not been stepped over yet (see cell-silence.ts). */
  silent: number;
  /** `spotless` and all signals but traffic as bytes, while the cell sleeps (see cell-sleep.ts): then they are empty here. */
  asleep: Uint8Array | null;
  /** By position in `signalSources`; null until the signal has evidence (ratios: a bad request). */
  signals: (SignalState | null)[];
}

export interface SignalState {
  /** By position in the signal's set of detectors. */
  detectors: unknown[];
  /** Windows since it was last anomalous; capped, and at the cap from the start. */
  sinceAnomalous: number;
  /** Windows that it has been anomalous, or nearly, without a pause. */
  frozenFor: number;
  /** True once it has been so for too long: the new level is taken for real and learned until it is calm. */
  isAdapting: boolean;
}

export const longAgo = 1_000_000;

export function initialCell(windowMs: number): CellState {
  return {
    seen: 0,
    quiet: 0,
    usualRequests: 0,
    usualWindows: 0,
    recentRequests: 0,
    recentInput: null,
    usualInput: null,
    drivers: initialDrivers(windowMs),
    spotless: {},
    isFrozen: false,
    silent: 0,
    asleep: null,
    signals: signalSources.map(() => null),
  };
}

export function initialSignal(set: readonly AnyDetector[], windowMs: number): SignalState {
  return {
    detectors: set.map((detector) => detector.initialState(windowMs)),
    sinceAnomalous: longAgo,
    frozenFor: 0,
    isAdapting: false,
  };
}

/** States of the spotless signals of a denominator, made when first asked for. */
export function spotlessStates(cell: CellState, of: Denominator, windowMs: number): unknown[] {
  const known = cell.spotless[of];
  if (known !== undefined) return known;
  const made = defaultSets.ratio.map((detector) => detector.initialState(windowMs));
  cell.spotless[of] = made;
  return made;
}

/**
 * A copy of a state. Lists of numbers stay lists of plain doubles, which `structuredClone` does not keep: it leaves a box for each number, and
 * wherever such a list is written to, all others become like it.
 */
export function copyState(state: unknown): unknown {
  if (Array.isArray(state))
    return state.every((each) => typeof each === "number") ? state.slice() : state.map(copyState);
  if (state === null || typeof state !== "object") return state;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(state)) copy[key] = copyState(value);
  return copy;
}
