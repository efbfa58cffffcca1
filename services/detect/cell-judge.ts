/** Judges one cell's window: steps the detectors of its signals and assembles its part of the frame. */
import { sketchCountFrom } from "../../detectors/coarse-histogram.ts";
import { explainedFactor, learnDrivers } from "../../detectors/drivers.ts";
import { type ExceedanceState, usualBoundary, usualQuantile } from "../../detectors/exceedance.ts";
import { defaultSets } from "../../detectors/registry.ts";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import type { Judgement } from "../contracts/config.ts";
import { type CellFrame, signalCatalog } from "../contracts/frame.ts";
import { type CellWindow, counter, sketch } from "../contracts/window.ts";
import { updateContext } from "./cell-context.ts";
import { assembleFrame } from "./cell-frame.ts";
import { type CellState, initialSignal, type SignalState, spotlessStates } from "./cell-state.ts";
import { isSignalFrozen } from "./freeze.ts";
import { conclude, isFrozen, type Step, signalState, type WindowTime } from "./judge-step.ts";
import {
  denominatorOf,
  geometricMean,
  inFlightOf,
  type SignalSource,
  signalSources,
} from "./signal-sources.ts";
import { stepDetectors } from "./signal-verdict.ts";

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
  return assembleFrame(step);
}

function latencySketch(window: CellWindow): "timeToFirstToken" | "duration" {
  return sketch(window, "timeToFirstToken").buckets.length > 0 ? "timeToFirstToken" : "duration";
}

function roleOf(index: number) {
  return signalCatalog[(signalSources[index] as SignalSource).signal].role;
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
