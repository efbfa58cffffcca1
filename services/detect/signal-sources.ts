/** How each signal is read off a cell's window: which counters are bad, of how many, or which sketch. */
import type { SetName } from "../../detectors/registry.ts";
import {
  bucketValue,
  type SparseSketch,
  sketchBucketLimit,
  sketchQuantile,
} from "../../detectors/sketch.ts";
import type { SignalName } from "../contracts/frame.ts";
import { type CounterName, counterIds, type SketchName } from "../contracts/measures.ts";
import { outcomeGroup, outcomes } from "../contracts/outcomes.ts";
import { type CellWindow, counter, sketch } from "../contracts/window.ts";
import { inFlightOf, isStallKnown, queuedOf, stalledWindows } from "./in-flight.ts";
import { emptyOrShort } from "./short-answers.ts";

/**
 * What a ratio is of. `requests`: all. `served`: those that reached the service as valid ones, so without client mistakes, quota
 * and login refusals: a flood of those must not make failures look rarer. `ok`: those that ended well. `windows`: 1 where requests
 * in flight and how many ended are known. `log_records`: those of a service. `timed`: those whose time is known, see stragglers.ts.
 */
export type Denominator = "requests" | "served" | "ok" | "windows" | "log_records" | "timed";

/** What is known of a cell and a window beside its counters. */
export interface Known {
  /** Tokens below which an answer is far too short, see usual-length.ts. */
  readonly shortBelow: number;
  /** Requests far slower than usual, of those whose time is known. */
  readonly stragglers: { readonly bad: number; readonly of: number };
}

export type SignalSource =
  | {
      readonly kind: "ratio";
      readonly signal: SignalName;
      readonly set: SetName;
      readonly of: Denominator;
      readonly bad: (window: CellWindow, known: Known) => number;
    }
  | {
      readonly kind: "distribution";
      readonly signal: SignalName;
      readonly set: SetName;
      readonly sketch: SketchName;
      /** Quantile that people are shown. */
      readonly quantile: 0.5 | 0.95;
      /** Whether prompt size and load explain part of it. */
      readonly hasDrivers: boolean;
    }
  | { readonly kind: "traffic"; readonly signal: SignalName; readonly set: SetName }
  | {
      readonly kind: "gauge";
      readonly signal: SignalName;
      readonly set: SetName;
      /** Undefined where no gauge tells. */
      readonly level: (window: CellWindow) => number | undefined;
    };

/** Counters of the outcomes that are failures, by id: looked up once, because every cell asks in every window. */
const failureIds = outcomes
  .filter((outcome) => outcomeGroup[outcome] === "failure")
  .map((outcome) => counterIds[outcome]);

const ratio = (
  signal: SignalName,
  of: Denominator,
  bad: CounterName | ((window: CellWindow, known: Known) => number),
): SignalSource => ({
  kind: "ratio",
  signal,
  set: signal === "failures" ? "failures" : "ratio",
  of,
  bad: typeof bad === "string" ? counterAt(counterIds[bad]) : bad,
});

function counterAt(id: number): (window: CellWindow) => number {
  return ({ counters }) => counters[id] ?? 0;
}

const distribution = (
  signal: SignalName,
  name: SketchName,
  quantile: 0.5 | 0.95,
  set: SetName = "latency",
): SignalSource => ({
  kind: "distribution",
  signal,
  set,
  sketch: name,
  quantile,
  hasDrivers: set === "latency",
});

/** In the order of `signalNames`, which is the order in frames. */
export const signalSources: readonly SignalSource[] = [
  ratio("failures", "served", failuresOf),
  ratio("rate_limited", "requests", "rate_limit"),
  ratio("auth_failures", "requests", "auth"),
  ratio("cancelled", "requests", "client_cancelled"),
  ratio("client_errors", "requests", "invalid_request"),
  distribution("ttft", "timeToFirstToken", 0.95),
  distribution("duration", "duration", 0.95),
  distribution("time_per_output_token", "timePerOutputToken", 0.5),
  ratio("retries", "requests", "retries"),
  ratio("empty_answers", "ok", (window, { shortBelow }) => emptyOrShort(window, shortBelow)),
  ratio("truncated_answers", "ok", "truncated"),
  ratio("refused_answers", "ok", "refused"),
  ratio("missing_finish", "ok", "finishMissing"),
  distribution("output_tokens", "outputTokens", 0.5, "length"),
  ratio("substituted", "ok", "substituted"),
  { kind: "traffic", signal: "traffic", set: "traffic" },
  { kind: "gauge", signal: "in_flight", set: "gauge", level: inFlightOf },
  { kind: "gauge", signal: "queued", set: "gauge", level: queuedOf },
  { kind: "ratio", signal: "stalled", set: "exact", of: "windows", bad: stalledWindows },
  {
    kind: "ratio",
    signal: "log_errors",
    set: "exact",
    of: "log_records",
    bad: (window) => (window.gauges["log_errors"] ?? 0) / 1_000,
  },
  ratio("stragglers", "timed", (_, { stragglers }) => stragglers.bad),
];

/** Position of traffic, the only signal that is judged in silence too: 0 requests are an observation. */
export const trafficIndex = signalSources.findIndex(({ kind }) => kind === "traffic");

export function failuresOf({ counters }: CellWindow): number {
  let failures = 0;
  for (const id of failureIds) failures += counters[id] ?? 0;
  return failures;
}

export function denominatorOf(window: CellWindow, of: Denominator, known: Known): number {
  switch (of) {
    case "timed":
      return known.stragglers.of;
    case "requests":
      return counter(window, "requests");
    case "ok":
      return counter(window, "ok");
    case "log_records":
      return (window.gauges["log_records"] ?? 0) / 1_000;
    case "windows":
      return isStallKnown(window) ? 1 : 0;
    case "served":
      return Math.max(
        0,
        counter(window, "requests") -
          counter(window, "invalid_request") -
          counter(window, "rate_limit") -
          counter(window, "auth"),
      );
  }
}

const bucketLogs = Float64Array.from({ length: sketchBucketLimit }, (_, bucket) =>
  Math.log(Math.max(1, bucketValue(bucket))),
);

/** Geometric mean of a sketch's values: the level that charts follow; undefined when empty. */
export function geometricMean(values: SparseSketch): number | undefined {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.buckets.length; i++) {
    const weight = values.counts[i] as number;
    sum += weight * (bucketLogs[values.buckets[i] as number] as number);
    count += weight;
  }
  return count === 0 ? undefined : Math.exp(sum / count);
}

export function medianInputTokens(window: CellWindow): number | undefined {
  return sketchQuantile(sketch(window, "inputTokens"), 0.5);
}
