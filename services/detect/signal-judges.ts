/** How each kind of signal is judged in a window: what its detectors are shown, and what people are. */
import { sketchCountFrom } from "../../detectors/coarse-histogram.ts";
import { type ExceedanceState, usualBoundary, usualQuantile } from "../../detectors/exceedance.ts";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import { signalCatalog } from "../contracts/frame.ts";
import { counter, sketch } from "../contracts/window.ts";
import { spotlessStates } from "./cell-state.ts";
import { conclude, isFrozen, type Step, signalState } from "./judge-step.ts";
import { denominatorOf, geometricMean, type SignalSource } from "./signal-sources.ts";
import { type Combined, planAt, stepDetectors } from "./signal-verdict.ts";
import { observed, observedSketch, spansPerRequest } from "./span-evidence.ts";

type SourceOf<Kind extends SignalSource["kind"]> = Extract<SignalSource, { kind: Kind }>;

export function judgeRatio(step: Step, source: SourceOf<"ratio">, index: number): void {
  const { cell, window, time } = step;
  const known = cell.signals[index] ?? null;
  const isSpotless = source.set === "ratio" && known === null;
  // All spotless signals of a denominator are one, stepped by the first of them. It has nothing to say.
  if (isSpotless && step.spotless?.[source.of] !== false) return;
  const of = denominatorOf(window, source.of);
  if (known === null && of === 0 && !isSpotless) return;
  const bad = Math.min(source.bad(window, step.shortBelow), of);
  const perRequest =
    source.of === "windows" || source.of === "log_records" ? 1 : spansPerRequest(window);
  const observations = [
    {
      kind: "ratio",
      bad: observed(bad, perRequest),
      of: observed(of, perRequest),
      windowStartMs: time.windowStartMs,
    } as const,
  ];
  if (isSpotless) {
    if (step.spotless !== undefined) step.spotless[source.of] = true;
    const states = spotlessStates(cell, source.of, time.windowMs);
    stepDetectors(planAt(index), states, {
      observations,
      bad: "up",
      isFrozen: step.isCellFrozen,
    });
    return;
  }
  const signal = signalState(step, source, index);
  const combined = stepDetectors(planAt(index), signal.detectors, {
    observations,
    bad: "up",
    isFrozen: isFrozen(step, signal),
  });
  conclude(step, source, signal, combined, {
    seen: of > 0 ? bad / of : undefined,
    bad: observed(bad, perRequest),
    of: observed(of, perRequest),
    isAlwaysShown: bad > 0 || (source.signal === "failures" && of > 0),
  });
}

export function judgeDistribution(
  step: Step,
  source: SourceOf<"distribution">,
  index: number,
): void {
  const { cell, window, time } = step;
  const values = sketch(window, source.sketch);
  const of = sketchCount(values);
  if (cell.signals[index] === null && of === 0) return;
  const signal = signalState(step, source, index);
  const factor = source.hasDrivers ? step.factor : 1;
  const { windowStartMs } = time;
  const perRequest = spansPerRequest(window);
  const shown = observedSketch(values, perRequest);
  const count = observed(of, perRequest);
  const plan = planAt(index);
  const usual = signal.detectors[plan.perRequest] as ExceedanceState;
  const wasKnown = usualBoundary(usual, 0.5) !== undefined;
  const combined = stepDetectors(plan, signal.detectors, {
    observations: [
      { kind: "distribution", sketch: shown, factor, windowStartMs },
      { kind: "level", value: geometricMean(values), count, factor, windowStartMs },
    ],
    bad: signalCatalog[source.signal].bad,
    isFrozen: isFrozen(step, signal),
    isBandWanted: !wasKnown,
  });
  const isKnown = usualBoundary(usual, 0.5) !== undefined;
  if (isKnown) showUsual(combined, source, usual, factor);
  const isDown =
    combined.direction === "down" || (source.set === "length" && combined.surprise === 0);
  const boundary = usualBoundary(usual, isDown ? 0.05 : 0.95);
  const above = boundary === undefined ? 0 : sketchCountFrom(values, boundary, factor);
  const bad = boundary === undefined ? 0 : isDown ? of - above : above;
  conclude(step, source, signal, combined, {
    seen: sketchQuantile(values, source.quantile),
    bad: observed(bad, perRequest),
    of: count,
    isAlwaysShown: of > 0 && (source.signal === "ttft" || source.signal === "duration"),
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
  const combined = stepDetectors(planAt(index), signal.detectors, {
    observations: [{ kind: "count", count, windowStartMs: time.windowStartMs }],
    bad: "both",
    isFrozen: isFrozen(step, signal),
  });
  const seconds = time.windowMs / 1000;
  combined.expected = rateOf(combined.expected, seconds);
  combined.low = rateOf(combined.low, seconds);
  combined.high = rateOf(combined.high, seconds);
  conclude(step, source, signal, combined, {
    seen: count / seconds,
    bad: 0,
    of: count,
    isAlwaysShown: true,
  });
}

function rateOf(requests: number | undefined, seconds: number): number | undefined {
  return requests === undefined ? undefined : requests / seconds;
}

export function judgeGauge(step: Step, source: SourceOf<"gauge">, index: number): void {
  const value = source.level(step.window);
  if (step.cell.signals[index] === null && value === undefined) return;
  const signal = signalState(step, source, index);
  // One more than there are, so that a logarithm exists; many samples stand behind a gauge.
  const level = value === undefined ? undefined : value + 1;
  const { windowStartMs } = step.time;
  const combined = stepDetectors(planAt(index), signal.detectors, {
    observations: [{ kind: "level", value: level, count: 100, windowStartMs }],
    bad: "up",
    isFrozen: isFrozen(step, signal),
  });
  combined.expected = withoutOne(combined.expected);
  combined.low = withoutOne(combined.low);
  combined.high = withoutOne(combined.high);
  conclude(step, source, signal, combined, {
    seen: value,
    bad: 0,
    of: 0,
    isAlwaysShown: value !== undefined,
  });
}

function withoutOne(shifted: number | undefined): number | undefined {
  return shifted === undefined ? undefined : Math.max(0, shifted - 1);
}
