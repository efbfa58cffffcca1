/** One signal's verdict out of its detectors' verdicts. */
import type { Observation, ObservationKind, Verdict } from "../../detectors/detector.ts";
import { type AnyDetector, defaultSets } from "../../detectors/registry.ts";
import { bonferroni } from "../../detectors/tail.ts";
import type { Judgement } from "../contracts/config.ts";
import type { SignalInfo, SignalVerdict } from "../contracts/frame.ts";
import { type SignalSource, signalSources } from "./signal-sources.ts";

/** What the detectors of a signal say of a window, taken together. One for all signals: read before the next step. */
export interface Combined {
  state: SignalVerdict["state"];
  surprise: number;
  direction: Verdict["direction"];
  /** Of the first detector that has an expectation. */
  expected: number | undefined;
  low: number | undefined;
  high: number | undefined;
  reasons: { detector: string; surprise: number }[];
}

const noReasons: never[] = [];

const combined: Combined = {
  state: "blind",
  surprise: 0,
  direction: "none",
  expected: undefined,
  low: undefined,
  high: undefined,
  reasons: noReasons,
};

/** What every detector is told, changed in place: none keeps it. */
const options = { isFrozen: false, isBandWanted: true };

/** A signal's detectors, and which kind of observation each of them takes; undefined where it takes none that the signal has. */
export interface DetectorPlan {
  readonly set: readonly AnyDetector[];
  readonly kinds: readonly (ObservationKind | undefined)[];
  /** Position of that kind among the observations of the signal, −1 for none. */
  readonly positions: readonly number[];
  /** Positions in the order of stepping; of a ratio the one with an expectation comes last, since it is read only where there is a surprise. */
  readonly order: readonly number[];
  /** Position of the detector of single requests, which knows what they usually take; −1 for none. */
  readonly perRequest: number;
}

/** What a signal's source observes in a window, in this order. */
const observed = {
  ratio: ["ratio"],
  distribution: ["distribution", "level"],
  traffic: ["count"],
  gauge: ["level"],
} as const satisfies Record<SignalSource["kind"], readonly ObservationKind[]>;

const plans: readonly DetectorPlan[] = signalSources.map((source) => {
  const kinds: readonly ObservationKind[] = observed[source.kind];
  const set = defaultSets[source.set];
  const positions = set.map(({ accepts }) => kinds.findIndex((kind) => accepts.includes(kind)));
  const taken = positions.map((at) => kinds[at]);
  const order = set.map((_, at) => (source.kind === "ratio" ? set.length - 1 - at : at));
  return { set, positions, kinds: taken, order, perRequest: taken.indexOf("distribution") };
});

/** Of the signal at a position in `signalSources`. */
export function planAt(index: number): DetectorPlan {
  return plans[index] as DetectorPlan;
}

/** Steps the detectors that accept one of the observations (states change in place) and combines what they say. */
export function stepDetectors(
  { set, positions, order, perRequest }: DetectorPlan,
  states: unknown[],
  input: {
    readonly observations: readonly Observation[];
    readonly bad: SignalInfo["bad"];
    readonly isFrozen: boolean;
    /** False where the caller knows what is expected, or reads it only where there is a surprise. Default true. */
    readonly isBandWanted?: boolean;
  },
): Combined {
  const { observations, bad, isFrozen, isBandWanted = true } = input;
  options.isFrozen = isFrozen;
  options.isBandWanted = isBandWanted;
  combined.state = "blind";
  combined.surprise = 0;
  combined.direction = "none";
  combined.expected = undefined;
  combined.low = undefined;
  combined.high = undefined;
  combined.reasons = noReasons;
  let judging = 0;
  for (let at = 0; at < order.length; at++) {
    const i = order[at] as number;
    const position = positions[i] as number;
    if (position < 0) continue;
    const detector = set[i] as AnyDetector;
    const stepped = detector.step(states[i], observations[position] as Observation, options);
    states[i] = stepped.state;
    const { verdict } = stepped;
    if (combined.expected === undefined && verdict.expected !== undefined) {
      combined.expected = verdict.expected;
      combined.low = verdict.low;
      combined.high = verdict.high;
      options.isBandWanted = false;
    }
    if (verdict.state === "warming" && combined.state === "blind") combined.state = "warming";
    if (verdict.state !== "judging" && verdict.state !== "frozen") continue;
    combined.state = "normal";
    judging++;
    if (verdict.surprise === 0 || (bad !== "both" && verdict.direction !== bad)) continue;
    if (combined.reasons === noReasons) combined.reasons = [];
    combined.reasons.push({ detector: detector.id, surprise: verdict.surprise });
    // An expectation that comes later is then shown.
    if (perRequest < 0) options.isBandWanted = combined.expected === undefined;
    if (verdict.surprise > combined.surprise) {
      combined.surprise = verdict.surprise;
      combined.direction = verdict.direction;
    }
  }
  combined.surprise = bonferroni(combined.surprise, judging);
  return combined;
}

/** The signal's state by the thresholds; `warming` while the cell is too young, whatever the detectors think. */
export function classify(
  combined: Combined,
  isWarming: boolean,
  { watchSurprise, anomalousSurprise }: Judgement["detect"],
): SignalVerdict["state"] {
  if (combined.state !== "normal") return combined.state;
  if (isWarming) return "warming";
  if (combined.surprise >= anomalousSurprise) return "anomalous";
  return combined.surprise >= watchSurprise ? "watching" : "normal";
}
