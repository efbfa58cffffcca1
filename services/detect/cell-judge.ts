/** Judges one cell's window: steps the detectors of its signals and assembles its part of the frame. */
import { sketchCountFrom } from "../../detectors/coarse-histogram.ts";
import { explainedFactor, learnDrivers } from "../../detectors/drivers.ts";
import { type ExceedanceState, usualBoundary, usualQuantile } from "../../detectors/exceedance.ts";
import { defaultSets } from "../../detectors/registry.ts";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import type { Judgement } from "../contracts/config.ts";
import { type CellFrame, type SignalVerdict, signalCatalog } from "../contracts/frame.ts";
import { type CellWindow, counter, estimateBreadth, sketch } from "../contracts/window.ts";
import { contextOf, short, updateContext, usualRequests } from "./cell-context.ts";
import { type CellState, initialSignal, type SignalState, spotlessStates } from "./cell-state.ts";
import { frameDimensions } from "./frame-dimensions.ts";
import { isSignalFrozen, updateFreeze } from "./freeze.ts";
import {
  denominatorOf,
  failuresOf,
  geometricMean,
  inFlightOf,
  type SignalSource,
  signalSources,
} from "./signal-sources.ts";
import { type Combined, classify, stepDetectors } from "./signal-verdict.ts";

export interface WindowTime {
  readonly windowStartMs: number;
  readonly windowMs: number;
}

/** What is the same for all signals of a cell in a window. */
interface Step {
  readonly cell: CellState;
  readonly window: CellWindow;
  readonly time: WindowTime;
  readonly isCellFrozen: boolean;
  readonly isWarming: boolean;
  /** Factor on latencies that prompts and load explain. */
  readonly factor: number;
  readonly detect: Judgement["detect"];
  /** Signals to be shown, in the order of `signalSources`. */
  readonly shown: SignalVerdict[];
}

/** Steps a cell's state (in place) over its window; a silent cell gets a window without requests. */
export function judgeCell(
  cell: CellState,
  window: CellWindow,
  time: WindowTime,
  detect: Judgement["detect"],
): CellFrame {
  const isCellFrozen = cell.signals.some(
    (signal, index) => signal !== null && isSignalFrozen(signal) && roleOf(index) !== "context",
  );
  const sample = updateContext(cell, window, { isFrozen: isCellFrozen, windowMs: time.windowMs });
  const factor = explainedFactor(cell.drivers, sample);
  const step: Step = {
    cell,
    window,
    time,
    isCellFrozen,
    isWarming: cell.seen < detect.warmUpWindows,
    factor,
    detect,
    shown: [],
  };
  partFromSpotless(step);
  const spotless = new Set<string>();
  signalSources.forEach((source, index) => {
    if (source.kind === "ratio") judgeRatio(step, source, index, spotless);
    else if (source.kind === "distribution") judgeDistribution(step, source, index);
    else if (source.kind === "traffic") judgeTraffic(step, source, index);
    else judgeGauge(step, source, index);
  });
  if (!isCellFrozen)
    learnDrivers(cell.drivers, sample, geometricMean(sketch(window, latencySketch(window))));
  return assemble(step);
}

function latencySketch(window: CellWindow): "timeToFirstToken" | "duration" {
  return sketch(window, "timeToFirstToken").buckets.length > 0 ? "timeToFirstToken" : "duration";
}

function roleOf(index: number) {
  return signalCatalog[(signalSources[index] as SignalSource).signal].role;
}

function isFrozen(step: Step, signal: SignalState): boolean {
  return (step.isCellFrozen && !signal.isAdapting) || isSignalFrozen(signal);
}

function signalState(step: Step, source: SignalSource, index: number): SignalState {
  const known = step.cell.signals[index];
  if (known !== null && known !== undefined) return known;
  const made = initialSignal(defaultSets[source.set], step.time.windowMs);
  step.cell.signals[index] = made;
  return made;
}

/** Gives a ratio signal whose first bad request this is a state of its own: that of the spotless ones, before this window. */
function partFromSpotless({ cell, window, time }: Step): void {
  signalSources.forEach((source, index) => {
    if (source.kind !== "ratio" || source.set !== "ratio" || cell.signals[index] !== null) return;
    if (source.bad(window) === 0) return;
    cell.signals[index] = {
      ...initialSignal([], time.windowMs),
      detectors: structuredClone(spotlessStates(cell, source.of, time.windowMs)),
    };
  });
}

function judgeRatio(
  step: Step,
  source: Extract<SignalSource, { kind: "ratio" }>,
  index: number,
  spotless: Set<string>,
): void {
  const { cell, window, time } = step;
  const of = denominatorOf(window, source.of);
  const bad = Math.min(source.bad(window), of);
  const observations = [{ kind: "ratio", bad, of, windowStartMs: time.windowStartMs } as const];
  if (source.set === "ratio" && cell.signals[index] === null) {
    // All spotless signals of a denominator are one, stepped by the first of them. It has nothing to say.
    if (spotless.has(source.of)) return;
    spotless.add(source.of);
    const states = spotlessStates(cell, source.of, time.windowMs);
    stepDetectors(defaultSets.ratio, states, {
      observations,
      bad: "up",
      isFrozen: step.isCellFrozen,
    });
    return;
  }
  if (cell.signals[index] === null && of === 0) return;
  const signal = signalState(step, source, index);
  const combined = stepDetectors(defaultSets[source.set], signal.detectors, {
    observations,
    bad: "up",
    isFrozen: isFrozen(step, signal),
  });
  conclude(step, source, signal, combined, {
    seen: of > 0 ? bad / of : undefined,
    bad,
    of,
    isAlwaysShown: bad > 0 || (source.signal === "failures" && of > 0),
  });
}

function judgeDistribution(
  step: Step,
  source: Extract<SignalSource, { kind: "distribution" }>,
  index: number,
): void {
  const { cell, window, time } = step;
  const values = sketch(window, source.sketch);
  const of = sketchCount(values);
  if (cell.signals[index] === null && of === 0) return;
  const signal = signalState(step, source, index);
  const factor = source.hasDrivers ? step.factor : 1;
  const { windowStartMs } = time;
  const combined = stepDetectors(defaultSets[source.set], signal.detectors, {
    observations: [
      { kind: "distribution", sketch: values, factor, windowStartMs },
      { kind: "level", value: geometricMean(values), count: of, factor, windowStartMs },
    ],
    bad: signalCatalog[source.signal].bad,
    isFrozen: isFrozen(step, signal),
  });
  const usual = usualValues(source, signal, factor);
  const isDown =
    combined.direction === "down" || (source.set === "length" && combined.surprise === 0);
  const boundary = usual?.boundary(isDown ? 0.05 : 0.95);
  const above = boundary === undefined ? 0 : sketchCountFrom(values, boundary, factor);
  const bad = boundary === undefined ? 0 : isDown ? of - above : above;
  conclude(
    step,
    source,
    signal,
    { ...combined, ...usual?.band },
    {
      seen: sketchQuantile(values, source.quantile),
      bad,
      of,
      isAlwaysShown: of > 0 && (source.signal === "ttft" || source.signal === "duration"),
    },
  );
}

/** What single requests usually take: around the quantile that is shown. Undefined while warming. */
function usualValues(
  source: Extract<SignalSource, { kind: "distribution" }>,
  signal: SignalState,
  factor: number,
) {
  const position = defaultSets[source.set].findIndex(({ accepts }) =>
    accepts.includes("distribution"),
  );
  const state = signal.detectors[position] as ExceedanceState;
  if (usualQuantile(state, 0.5) === undefined) return undefined;
  const at = (q: 0.05 | 0.5 | 0.95 | 0.99) => usualQuantile(state, q, factor);
  return {
    band:
      source.quantile === 0.95
        ? { low: at(0.5), expected: at(0.95), high: at(0.99) }
        : { low: at(0.05), expected: at(0.5), high: at(0.95) },
    boundary: (q: 0.05 | 0.95) => usualBoundary(state, q),
  };
}

function judgeTraffic(
  step: Step,
  source: Extract<SignalSource, { kind: "traffic" }>,
  index: number,
): void {
  const { cell, window, time } = step;
  const count = counter(window, "requests");
  if (cell.seen === 0) return;
  const signal = signalState(step, source, index);
  const combined = stepDetectors(defaultSets.traffic, signal.detectors, {
    observations: [{ kind: "count", count, windowStartMs: time.windowStartMs }],
    bad: "both",
    isFrozen: isFrozen(step, signal),
  });
  const seconds = time.windowMs / 1000;
  const rate = (requests: number | undefined) =>
    requests === undefined ? undefined : requests / seconds;
  conclude(
    step,
    source,
    signal,
    {
      ...combined,
      expected: rate(combined.expected),
      low: rate(combined.low),
      high: rate(combined.high),
    },
    { seen: count / seconds, bad: 0, of: count, isAlwaysShown: true },
  );
}

function judgeGauge(
  step: Step,
  source: Extract<SignalSource, { kind: "gauge" }>,
  index: number,
): void {
  const value = inFlightOf(step.window);
  if (step.cell.signals[index] === null && value === undefined) return;
  const signal = signalState(step, source, index);
  // One more than there are, so that a logarithm exists; many samples stand behind a gauge.
  const level = value === undefined ? undefined : value + 1;
  const { windowStartMs } = step.time;
  const combined = stepDetectors(defaultSets.gauge, signal.detectors, {
    observations: [{ kind: "level", value: level, count: 100, windowStartMs }],
    bad: "up",
    isFrozen: isFrozen(step, signal),
  });
  const less = (shifted: number | undefined) =>
    shifted === undefined ? undefined : Math.max(0, shifted - 1);
  conclude(
    step,
    source,
    signal,
    {
      ...combined,
      expected: less(combined.expected),
      low: less(combined.low),
      high: less(combined.high),
    },
    { seen: value, bad: 0, of: 0, isAlwaysShown: value !== undefined },
  );
}

/** Surprise from which a signal that is otherwise left out is shown. */
const shownFrom = 1;

function conclude(
  step: Step,
  source: SignalSource,
  signal: SignalState,
  combined: Combined,
  evidence: {
    readonly seen: number | undefined;
    readonly bad: number;
    readonly of: number;
    readonly isAlwaysShown: boolean;
  },
): void {
  const state = classify(combined, step.isWarming, step.detect);
  const wasFrozen = isFrozen(step, signal);
  updateFreeze(signal, state, signalCatalog[source.signal].role, step.time.windowMs);
  const surprise = state === "warming" ? 0 : combined.surprise;
  if (!evidence.isAlwaysShown && surprise < shownFrom) return;
  const orNull = (value: number | undefined) => (value === undefined ? null : short(value));
  step.shown.push({
    signal: source.signal,
    state,
    isFrozen: wasFrozen,
    seen: orNull(evidence.seen),
    expected: orNull(combined.expected),
    low: orNull(combined.low),
    high: orNull(combined.high),
    bad: evidence.bad,
    of: evidence.of,
    direction: surprise > 0 ? combined.direction : "none",
    surprise: short(surprise),
    reasons:
      state === "warming"
        ? []
        : combined.reasons
            .map((reason) => ({ ...reason, surprise: short(reason.surprise) }))
            .sort((a, b) => b.surprise - a.surprise || (a.detector < b.detector ? -1 : 1)),
  });
}

function assemble({ cell, window, shown, factor }: Step): CellFrame {
  const isUnusual = shown.some(({ state }) => state === "watching" || state === "anomalous");
  return {
    cell: window.cell,
    requests: counter(window, "requests"),
    failures: failuresOf(window),
    limited: counter(window, "rate_limit"),
    authFailures: counter(window, "auth"),
    tenants: estimateBreadth(window, "tenants"),
    tenantsFailed: estimateBreadth(window, "tenantsFailed"),
    tenantsLimited: estimateBreadth(window, "tenantsLimited"),
    usualRequests: short(usualRequests(cell)),
    quietWindows: cell.quiet,
    context: contextOf(cell, factor),
    signals: shown,
    dimensions: isUnusual ? frameDimensions(window.dimensions, slowAbove(cell, factor)) : [],
    examples: isUnusual ? [...window.examples] : [],
  };
}

/** The cell's usual 95th percentile of the time to first token, of the duration where there is none. */
function slowAbove(cell: CellState, factor: number): number | undefined {
  for (const name of ["ttft", "duration"]) {
    const index = signalSources.findIndex(({ signal }) => signal === name);
    const signal = cell.signals[index];
    if (signal === null || signal === undefined) continue;
    return usualQuantile(signal.detectors[0] as ExceedanceState, 0.95, factor);
  }
  return undefined;
}
