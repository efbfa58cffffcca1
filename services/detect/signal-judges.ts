/** How each kind of signal is judged in a window: what its detectors are shown, and what people are. */
import { sketchCountFrom } from "../../detectors/coarse-histogram.ts";
import { type ExceedanceState, usualBoundary, usualQuantile } from "../../detectors/exceedance.ts";
import { emptySketch, sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import { type SignalInfo, signalCatalog } from "../contracts/frame.ts";
import { counter, sketch } from "../contracts/window.ts";
import { spotlessStates } from "./cell-state.ts";
import { isFrozen, type Step, settle, show, signalState } from "./judge-step.ts";
import { denominatorOf, geometricMean, type SignalSource } from "./signal-sources.ts";
import { type Combined, planAt, stepDetectors } from "./signal-verdict.ts";
import { observed, observedSketch } from "./span-evidence.ts";

type SourceOf<Kind extends SignalSource["kind"]> = Extract<SignalSource, { kind: Kind }>;

/** What detectors are shown, changed in place from signal to signal: none keeps it. */
const ratioSeen = { kind: "ratio" as const, bad: 0, of: 0, windowStartMs: 0 };
const sketchSeen = {
  kind: "distribution" as const,
  sketch: emptySketch,
  factor: 1,
  windowStartMs: 0,
};
const levelSeen = {
  kind: "level" as const,
  value: undefined as number | undefined,
  count: 0,
  factor: 1,
  windowStartMs: 0,
};
const countSeen = { kind: "count" as const, count: 0, windowStartMs: 0 };
const countInput = { observations: [countSeen], bad: "both" as const, isFrozen: false };
const ratioInput = {
  observations: [ratioSeen],
  bad: "up" as const,
  isFrozen: false,
  isBandWanted: true,
};
const distributionInput = {
  observations: [sketchSeen, levelSeen],
  bad: "up" as SignalInfo["bad"],
  isFrozen: false,
  isBandWanted: true,
};

export function judgeRatio(step: Step, source: SourceOf<"ratio">, index: number): void {
  const { cell, window, time } = step;
  const known = cell.signals[index] ?? null;
  const isSpotless = source.set === "ratio" && known === null;
  // All spotless signals of a denominator are one, stepped by the first of them. It has nothing to say.
  if (isSpotless && step.spotless?.[source.of] !== false) return;
  const of = denominatorOf(window, source.of, step);
  if (known === null && of === 0 && !isSpotless) return;
  const bad = Math.min(source.bad(window, step), of);
  const perRequest = source.of === "windows" || source.of === "log_records" ? 1 : step.perRequest;
  ratioSeen.bad = observed(bad, perRequest);
  ratioSeen.of = observed(of, perRequest);
  ratioSeen.windowStartMs = time.windowStartMs;
  if (isSpotless) {
    if (step.spotless !== undefined) step.spotless[source.of] = true;
    ratioInput.isFrozen = step.isCellFrozen;
    ratioInput.isBandWanted = false;
    stepDetectors(planAt(index), spotlessStates(cell, source.of, time.windowMs), ratioInput);
    return;
  }
  const signal = signalState(step, source, index);
  const wasFrozen = isFrozen(step, signal);
  const isAlwaysShown = bad > 0 || (source.signal === "failures" && of > 0);
  ratioInput.isFrozen = wasFrozen;
  ratioInput.isBandWanted = isAlwaysShown;
  const combined = stepDetectors(planAt(index), signal.detectors, ratioInput);
  if (!settle(step, source, signal, combined) && !isAlwaysShown) return;
  show(step, source, combined, {
    seen: of > 0 ? bad / of : undefined,
    bad: ratioSeen.bad,
    of: ratioSeen.of,
    wasFrozen,
  });
}

export function judgeDistribution(
  step: Step,
  source: SourceOf<"distribution">,
  index: number,
): void {
  const { cell, window, time, perRequest } = step;
  const values = sketch(window, source.sketch);
  const of = sketchCount(values);
  if (cell.signals[index] === null && of === 0) return;
  const signal = signalState(step, source, index);
  const factor = source.hasDrivers ? step.factor : 1;
  const plan = planAt(index);
  const usual = signal.detectors[plan.perRequest] as ExceedanceState;
  const wasFrozen = isFrozen(step, signal);
  const count = observed(of, perRequest);
  sketchSeen.sketch = observedSketch(values, perRequest);
  sketchSeen.factor = factor;
  sketchSeen.windowStartMs = time.windowStartMs;
  levelSeen.value = source.set === "latency" ? geometricMean(values) : undefined;
  levelSeen.count = count;
  levelSeen.factor = factor;
  levelSeen.windowStartMs = time.windowStartMs;
  distributionInput.bad = signalCatalog[source.signal].bad;
  distributionInput.isFrozen = wasFrozen;
  distributionInput.isBandWanted = usualBoundary(usual, 0.5) === undefined;
  const combined = stepDetectors(plan, signal.detectors, distributionInput);
  const isDown = distributionInput.bad === "down";
  const isAlwaysShown = of > 0 && (source.signal === "ttft" || source.signal === "duration");
  if (!settle(step, source, signal, combined) && !isAlwaysShown) return;
  if (usualBoundary(usual, 0.5) !== undefined) showUsual(combined, source, usual, factor);
  const boundary = usualBoundary(usual, isDown ? 0.05 : 0.95);
  const above = boundary === undefined ? 0 : sketchCountFrom(values, boundary, factor);
  const bad = boundary === undefined ? 0 : isDown ? of - above : above;
  show(step, source, combined, {
    seen: sketchQuantile(values, source.quantile),
    bad: observed(bad, perRequest),
    of: count,
    wasFrozen,
  });
}

/** What single requests usually take, around the quantile that is shown. Changes `combined`. */
function showUsual(
  combined: Combined,
  { quantile }: SourceOf<"distribution">,
  usual: ExceedanceState,
  factor: number,
): void {
  const isTail = quantile === 0.95;
  combined.low = usualQuantile(usual, isTail ? 0.5 : 0.05, factor);
  combined.expected = usualQuantile(usual, isTail ? 0.95 : 0.5, factor);
  combined.high = usualQuantile(usual, isTail ? 0.99 : 0.95, factor);
}

export function judgeTraffic(step: Step, source: SourceOf<"traffic">, index: number): void {
  const { cell, window, time } = step;
  const count = counter(window, "requests");
  if (cell.seen === 0) return;
  const signal = signalState(step, source, index);
  const wasFrozen = isFrozen(step, signal);
  countSeen.count = count;
  countSeen.windowStartMs = time.windowStartMs;
  countInput.isFrozen = wasFrozen;
  const combined = stepDetectors(planAt(index), signal.detectors, countInput);
  settle(step, source, signal, combined);
  const seconds = time.windowMs / 1000;
  combined.expected = rateOf(combined.expected, seconds);
  combined.low = rateOf(combined.low, seconds);
  combined.high = rateOf(combined.high, seconds);
  show(step, source, combined, { seen: count / seconds, bad: 0, of: count, wasFrozen });
}

function rateOf(requests: number | undefined, seconds: number): number | undefined {
  return requests === undefined ? undefined : requests / seconds;
}

export function judgeGauge(step: Step, source: SourceOf<"gauge">, index: number): void {
  const value = source.level(step.window);
  if (step.cell.signals[index] === null && value === undefined) return;
  const signal = signalState(step, source, index);
  const wasFrozen = isFrozen(step, signal);
  // One more than there are, so that a logarithm exists; many samples stand behind a gauge.
  const level = value === undefined ? undefined : value + 1;
  const { windowStartMs } = step.time;
  const combined = stepDetectors(planAt(index), signal.detectors, {
    observations: [{ kind: "level", value: level, count: 100, windowStartMs }],
    bad: "up",
    isFrozen: wasFrozen,
  });
  if (!settle(step, source, signal, combined) && value === undefined) return;
  combined.expected = withoutOne(combined.expected);
  combined.low = withoutOne(combined.low);
  combined.high = withoutOne(combined.high);
  show(step, source, combined, { seen: value, bad: 0, of: 0, wasFrozen });
}

function withoutOne(shifted: number | undefined): number | undefined {
  return shifted === undefined ? undefined : Math.max(0, shifted - 1);
}
