/** From what was seen to what it means: which faults would show, which would not, and what to add. */
import { type Fault, faults } from "./faults.ts";
import { libraryNotes } from "./library-notes.ts";
import { type Evidence, type Need, type NeedName, needNames, needs } from "./needs.ts";

/** `unplaced`: it shows, but not where it sits. */
export type Visibility = "visible" | "unplaced" | "invisible";

export interface Diagnosis {
  /** Export requests, heartbeats left out. */
  readonly records: number;
  readonly unreadable: number;
  readonly spans: number;
  readonly sampledSpans: number;
  /** Traces whose root was seen, and those without any error: where there is hardly one, a sampler keeps errors alone. */
  readonly traces: number;
  readonly cleanTraces: number;
  readonly lateSpans: number;
  readonly clampedSpans: number;
  readonly repeatedSpans: number;
  readonly requests: number;
  readonly failures: number;
  readonly httpRequests: number;
  readonly senders: readonly { readonly sender: string; readonly spans: number }[];
  readonly libraries: readonly { readonly scope: string; readonly spans: number }[];
  readonly libraryNotes: readonly string[];
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly regions: readonly string[];
  readonly metrics: readonly string[];
  readonly signals: readonly SignalSeen[];
  readonly faults: readonly FaultSeen[];
  readonly remedies: readonly Remedy[];
}

export interface SignalSeen {
  readonly name: NeedName;
  readonly words: string;
  readonly isVisible: boolean;
  /** Share of requests that have it, 0 to 1. */
  readonly share: number;
  readonly carriers: readonly string[];
}

export interface FaultSeen {
  readonly scenario: string;
  readonly title: string;
  readonly visibility: Visibility;
  /** What would make it visible, or placed. */
  readonly missing: readonly NeedName[];
  /** Not needed, but it would be seen earlier or clearer. */
  readonly wouldHelp: readonly NeedName[];
}

export interface Remedy {
  readonly name: NeedName;
  readonly words: string;
  readonly carriers: readonly string[];
  /** Faults that it makes visible or places. */
  readonly scenarios: readonly string[];
  readonly lines: readonly string[];
}

export function examine(evidence: Evidence): Omit<Diagnosis, "records" | "unreadable"> {
  const { seen, payload } = evidence;
  const signals = needNames.map((name): SignalSeen => {
    const need: Need = needs[name];
    const share = need.share(evidence);
    const { words, carriers } = need;
    return { name, words, isVisible: share > need.enough, share, carriers };
  });
  const has = new Set(signals.filter(({ isVisible }) => isVisible).map(({ name }) => name));
  const faultsSeen = faults.map((fault) => judge(fault, has));
  return {
    spans: payload.spans,
    sampledSpans: payload.sampledSpans,
    traces: seen.traces,
    cleanTraces: seen.cleanTraces,
    lateSpans: seen.lateSpans,
    clampedSpans: seen.clampedSpans,
    repeatedSpans: seen.duplicateSpans,
    requests: seen.requests,
    failures: seen.failures,
    httpRequests: seen.httpRequests,
    senders: largest(seen.senders).map(([sender, spans]) => ({ sender, spans })),
    libraries: largest(payload.spansByScope).map(([scope, spans]) => ({ scope, spans })),
    libraryNotes: libraryNotes(payload.spansByScope.keys()),
    providers: [...seen.providers].sort(),
    models: [...seen.models].sort(),
    regions: [...seen.regions].sort(),
    metrics: [...payload.metricNames].sort(),
    signals,
    faults: faultsSeen,
    remedies: remediesFor(faultsSeen),
  };
}

function judge(fault: Fault, has: ReadonlySet<NeedName>): FaultSeen {
  const { scenario, title, sees, places, helps } = fault;
  const unseen = sees.filter((group) => !group.some((name) => has.has(name)));
  const isPlaced = places.length === 0 || places.some((name) => has.has(name));
  const missing = [...unseen.flat(), ...(isPlaced ? [] : places)];
  return {
    scenario,
    title,
    visibility: unseen.length > 0 ? "invisible" : isPlaced ? "visible" : "unplaced",
    missing: [...new Set(missing)],
    wouldHelp: helps.filter((name) => !has.has(name) && !missing.includes(name)),
  };
}

/** What helps most faults first. */
function remediesFor(faultsSeen: readonly FaultSeen[]): readonly Remedy[] {
  const scenarios = (name: NeedName) =>
    faultsSeen.filter(({ missing }) => missing.includes(name)).map(({ scenario }) => scenario);
  return needNames
    .map((name): Remedy => {
      const { words, carriers, remedy }: Need = needs[name];
      return { name, words, carriers, scenarios: scenarios(name), lines: remedy };
    })
    .filter((remedy) => remedy.scenarios.length > 0)
    .sort((a, b) => b.scenarios.length - a.scenarios.length);
}

const largest = (sums: ReadonlyMap<string, number>) =>
  [...sums].sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1));
