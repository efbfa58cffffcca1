/** What the signals of a cell share while one window is judged, and how a signal's verdict joins the frame. */
import { defaultSets } from "../../detectors/registry.ts";
import type { Judgement } from "../contracts/config.ts";
import { type SignalVerdict, signalCatalog } from "../contracts/frame.ts";
import type { CellWindow } from "../contracts/window.ts";
import { short } from "./cell-context.ts";
import { type CellState, initialSignal, type SignalState } from "./cell-state.ts";
import { isSignalFrozen, updateFreeze } from "./freeze.ts";
import type { Denominator, Known, SignalSource } from "./signal-sources.ts";
import { type Combined, classify } from "./signal-verdict.ts";

export interface WindowTime {
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** Only traces with errors are kept: ratios cannot be known. */
  readonly isErrorsOnly?: boolean;
}

/** What is the same for all signals of a cell in a window. */
export interface Step extends Known {
  readonly cell: CellState;
  readonly window: CellWindow;
  readonly time: WindowTime;
  readonly isCellFrozen: boolean;
  readonly isWarming: boolean;
  /** Spans that stand behind a request, see `span-evidence.ts`. */
  readonly perRequest: number;
  /** Factor on latencies that prompts and load explain. */
  readonly factor: number;
  readonly detect: Judgement["detect"];
  /** Signals to be shown, in the order of `signalSources`. */
  readonly shown: SignalVerdict[];
  /** Denominators whose spotless signals were stepped in this window; undefined where none are to be. */
  readonly spotless: Record<Denominator, boolean> | undefined;
}

export function isFrozen(step: Step, signal: SignalState): boolean {
  return (step.isCellFrozen && !signal.isAdapting) || isSignalFrozen(signal);
}

export function signalState(step: Step, source: SignalSource, index: number): SignalState {
  const known = step.cell.signals[index];
  if (known !== null && known !== undefined) return known;
  const made = initialSignal(defaultSets[source.set], step.time.windowMs);
  step.cell.signals[index] = made;
  return made;
}

function orNull(value: number | undefined): number | null {
  return value === undefined ? null : short(value);
}

/** Surprise from which a signal that is otherwise left out is shown. */
const shownFrom = 1;

/** Whether a sampler of traces has a say in it. */
function isOfRequests(source: SignalSource): boolean {
  return source.kind === "ratio" && source.of !== "windows" && source.of !== "log_records";
}

/** Settles the signal's state and takes it into its freeze; whether the frame shows it. Changes `combined`. */
export function settle(
  step: Step,
  source: SignalSource,
  signal: SignalState,
  combined: Combined,
): boolean {
  const isUnknown = step.time.isErrorsOnly === true && isOfRequests(source);
  combined.state = isUnknown ? "sampled" : classify(combined, step.isWarming, step.detect);
  updateFreeze(signal, combined.state, signalCatalog[source.signal].role, step.time.windowMs);
  if (combined.state === "warming" || combined.state === "sampled") combined.surprise = 0;
  return combined.surprise >= shownFrom;
}

/** Adds a settled signal to the frame. */
export function show(
  step: Step,
  source: SignalSource,
  combined: Combined,
  evidence: {
    readonly seen: number | undefined;
    readonly bad: number;
    readonly of: number;
    readonly wasFrozen: boolean;
  },
): void {
  const { surprise } = combined;
  step.shown.push({
    signal: source.signal,
    state: combined.state,
    isFrozen: evidence.wasFrozen,
    seen: orNull(evidence.seen),
    expected: orNull(combined.expected),
    low: orNull(combined.low),
    high: orNull(combined.high),
    bad: evidence.bad,
    of: evidence.of,
    direction: surprise > 0 ? combined.direction : "none",
    surprise: short(surprise),
    reasons: surprise === 0 ? [] : shownReasons(combined.reasons),
  });
}

/** Strongest first. They are of this window alone, so they are changed, not copied: a silent cell has some in every window. */
function shownReasons(reasons: Combined["reasons"]): Combined["reasons"] {
  for (let i = 0; i < reasons.length; i++) {
    const reason = reasons[i] as Combined["reasons"][number];
    reason.surprise = short(reason.surprise);
  }
  if (reasons.length > 1)
    reasons.sort((a, b) => b.surprise - a.surprise || (a.detector < b.detector ? -1 : 1));
  return reasons;
}
