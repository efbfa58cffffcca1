/** Makes an incident's record out of its episode: everything that an alert says. */
import type { CellKey } from "../contracts/cell.ts";
import { type SignalName, signalCatalog } from "../contracts/frame.ts";
import type { Evidence, Incident, Transition } from "../contracts/incident.ts";
import { locate, type Place, type PlaceSample } from "./attribution.ts";
import type { Degraded } from "./degraded.ts";
import { latencySignals, visibleSignals } from "./families.ts";
import { modelCalls } from "./group-track.ts";
import type { FleetWindow } from "./join.ts";
import type { Opinion } from "./severity.ts";
import { latencyLogSigma, logSlowdown, upperNormalQuantile } from "./slowness.ts";
import type { Episode, EpisodeEvidence, IncidentState } from "./state.ts";
import { emptyTally, excessRatio, type Tally } from "./tally.ts";
import { fitTrend } from "./trend.ts";
import { rarity, titleOf } from "./wording.ts";

/** What an episode looks like in one window. */
export interface EpisodeView {
  /** Members that are degraded in the episode's family now, in key order. */
  readonly cells: readonly CellKey[];
  readonly liveCells: number;
  readonly degradedShare: number;
  readonly failing: Tally;
  readonly slow: Tally;
  /** ln of the slow-down over degraded members, drift of the baseline included. */
  readonly slowdown: number;
  /** ln of how many times longer their prompts are. */
  readonly promptGrowth: number;
  readonly isSpreading: boolean;
  readonly doublingMinutes: number | null;
  readonly quietMs: number;
  readonly isFleetSilent: boolean;
}

export interface RecordInput {
  readonly state: IncidentState;
  readonly window: FleetWindow;
  readonly degraded: Degraded;
  readonly episode: Episode;
  readonly view: EpisodeView;
  readonly opinion: Opinion;
}

const cellLimit = 50;
const evidenceLimit = 16;

export function makeRecord(input: RecordInput, transition: Transition): Incident {
  const { episode, window, view, opinion, state } = input;
  const place = placeOf(input);
  const evidence = listEvidence(episode);
  const leadingSignal = leadingSignalOf(input, evidence);
  episode.revision++;
  const record: Incident = {
    incident: episode.incident,
    revision: episode.revision,
    epoch: window.epoch,
    atMs: window.appendMs,
    windowStartMs: window.windowStartMs,
    windowMs: window.windowMs,
    transition,
    phase: episode.phase,
    severity: episode.severity,
    title: titleOf({
      dimensions: place.dimensions,
      signal: leadingSignal,
      slowdown: slowdownOf(input, leadingSignal),
      ratio: ratioOf(input, leadingSignal),
      quietMs: view.quietMs,
      isFleetSilent: view.isFleetSilent,
      trend: view.isSpreading ? "spreading" : opinion.forecast === undefined ? "steady" : "growing",
    }),
    dimensions: place.dimensions.map((one) => ({ ...one })),
    cells: worstFirst(input).slice(0, cellLimit),
    degradedCells: view.cells.length,
    liveCells: view.liveCells,
    degradedShare: round(view.degradedShare),
    signals: [...new Set(evidence.map((one) => one.signal))],
    leadingSignal,
    evidence: evidence.slice(0, evidenceLimit),
    attribution: [...place.attribution],
    sinceMs: episode.sinceMs,
    openedMs: episode.openedMs,
    resolvedMs: episode.resolvedMs,
    spread: { doublingMinutes: view.doublingMinutes, next: nextCells(state, input) },
    forecast: forecastOf(opinion, window),
    totals: {
      bad: Math.round(episode.totals.bad),
      of: Math.round(episode.totals.of),
      tenants: Math.round(episode.totals.tenants),
    },
    examples: episode.examples.map((example) => ({ ...example })),
    reason: opinion.reason,
    whyNow: whyNow(evidence),
  };
  episode.said = record;
  return record;
}

/** The record of an episode that ended: what it last was, and how much it was in all. */
export function makeResolved(
  episode: Episode,
  window: Pick<FleetWindow, "appendMs" | "windowStartMs" | "windowMs" | "epoch">,
  reason: string,
): Incident | undefined {
  const { said } = episode;
  if (said === null) return undefined;
  episode.revision++;
  return {
    ...said,
    revision: episode.revision,
    epoch: window.epoch,
    atMs: window.appendMs,
    windowStartMs: window.windowStartMs,
    windowMs: window.windowMs,
    transition: "resolved",
    phase: "resolved",
    severity: episode.severity,
    resolvedMs: episode.resolvedMs,
    forecast: null,
    evidence: listEvidence(episode).slice(0, evidenceLimit),
    totals: {
      bad: Math.round(episode.totals.bad),
      of: Math.round(episode.totals.of),
      tenants: Math.round(episode.totals.tenants),
    },
    examples: episode.examples.map((example) => ({ ...example })),
    reason,
  };
}

function listEvidence(episode: Episode): Evidence[] {
  return Object.values(episode.evidence)
    .toSorted(
      (a: EpisodeEvidence, b: EpisodeEvidence) =>
        b.surprise - a.surprise || (a.signal + a.cell < b.signal + b.cell ? -1 : 1),
    )
    .map(({ detector: _, surprise, ...rest }) => ({ ...rest, surprise: round(surprise) }));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** What users notice first: failures that matter, else latency, else the strongest of what there is. */
function leadingSignalOf(
  { episode, view, state, opinion }: RecordInput,
  evidence: readonly Evidence[],
): SignalName {
  if (episode.family === "silence") return "traffic";
  if (episode.family === "client") return "client_errors";
  if (episode.family === "quota") return "rate_limited";
  const isFailing = excessRatio(view.failing) >= 0.02;
  if (opinion.leads === "failing" || (opinion.leads === "any" && isFailing)) {
    let worst: SignalName | undefined;
    let most = 0;
    for (const signal of visibleSignals) {
      let excess = 0;
      for (const cell of view.cells) {
        const tally = state.cells[cell]?.visible[signal];
        if (tally !== undefined) excess += tally.bad - tally.expected;
      }
      if (excess > most) {
        most = excess;
        worst = signal;
      }
    }
    if (worst !== undefined) return worst;
  }
  const latency = evidence.find(({ signal }) => signal === "ttft" || signal === "duration");
  return latency?.signal ?? evidence[0]?.signal ?? "failures";
}

/** How many times slower: pooled over degraded cells, from the signal's own level where only that is unusual. */
function slowdownOf({ view, state }: RecordInput, signal: SignalName): number {
  if (signal !== "time_per_output_token") return Math.exp(view.slowdown);
  let sum = 0;
  let of = 0;
  for (const cell of view.cells) {
    const shift = state.cells[cell]?.signals[signal]?.shift;
    sum += shift?.sum ?? 0;
    of += shift?.of ?? 0;
  }
  return of > 0 ? Math.exp(sum / of) : 1;
}

function ratioOf({ view, state, episode }: RecordInput, signal: SignalName): number {
  let bad = 0;
  let of = 0;
  const visible = visibleSignals.find((name) => name === signal);
  for (const cell of view.cells) {
    const tally = visible === undefined ? undefined : state.cells[cell]?.visible[visible];
    if (tally === undefined) continue;
    bad += tally.bad;
    of += tally.of;
  }
  if (of > 0) return bad / of;
  for (const one of Object.values(episode.evidence)) {
    if (one.signal !== signal) continue;
    bad += one.bad;
    of += one.of;
  }
  return of > 0 ? bad / of : 0;
}

function whyNow(evidence: readonly Evidence[]): string[] {
  const seen = new Set<SignalName>();
  const reasons: string[] = [];
  for (const one of evidence) {
    if (seen.has(one.signal) || one.surprise < 3) continue;
    seen.add(one.signal);
    reasons.push(`${signalCatalog[one.signal].words} (${rarity(one.surprise)})`);
  }
  return reasons.slice(0, 3);
}

function worstFirst({ view, state }: RecordInput): CellKey[] {
  const badness = (key: CellKey) => {
    const track = state.cells[key];
    return track === undefined
      ? 0
      : (excessRatio(track.lastingVisible) * 10 + Math.max(0, logSlowdown(track.lastingSlow))) *
          track.usualRequests;
  };
  return view.cells.toSorted((a, b) => badness(b) - badness(a) || (a < b ? -1 : 1));
}

const weakEvidence = 1;

/** Cells that are not degraded yet, but have some evidence of the same family's latency or failures. */
function nextCells(state: IncidentState, { degraded, episode }: RecordInput): CellKey[] {
  if (episode.family !== "service") return [];
  const scored: { key: CellKey; evidence: number }[] = [];
  for (const key of Object.keys(state.cells).toSorted() as CellKey[]) {
    if (degraded.has(key)) continue;
    const signals = state.cells[key]?.signals ?? {};
    let most = 0;
    for (const name of [...latencySignals, "failures", "retries", "rate_limited"] as const)
      most = Math.max(most, signals[name]?.evidence ?? 0);
    if (most >= weakEvidence) scored.push({ key, evidence: most });
  }
  return scored
    .toSorted((a, b) => b.evidence - a.evidence || (a.key < b.key ? -1 : 1))
    .slice(0, 3)
    .map(({ key }) => key);
}

function forecastOf(opinion: Opinion, window: FleetWindow): Incident["forecast"] {
  if (opinion.forecast === undefined) return null;
  const { eta, what } = opinion.forecast;
  const at = (minutes: number) => Math.round(window.appendMs + minutes * 60_000);
  return {
    what,
    breachLowMs: at(Math.max(0, eta.low)),
    breachMedianMs: at(Math.max(0, eta.median)),
    breachHighMs: eta.high === null ? null : at(eta.high),
    coverage: 0.8,
  };
}

/** Minutes in which the degraded share doubles; null unless it grows. */
export function doublingMinutes(shares: readonly number[]): number | null {
  const recent = shares.slice(-10).filter((share) => share > 0);
  const trend = fitTrend(
    recent.map((share) => Math.log2(share)),
    1.28,
  );
  return trend === undefined || trend.slopeLow <= 0.01
    ? null
    : Number((1 / trend.slope).toFixed(1));
}

function placeOf(input: RecordInput): Place {
  const { state, episode, view, opinion } = input;
  const mode =
    episode.family === "quota" || episode.family === "client" || episode.family === "silence"
      ? "membership"
      : opinion.leads === "failing" ||
          (opinion.leads === "any" && excessRatio(view.failing) >= 0.02)
        ? "failing"
        : episode.family === "quality"
          ? "failing"
          : view.slow.of > 0
            ? "slow"
            : "membership";
  const samples: PlaceSample[] = [];
  // What is another incident's says nothing of this one's place.
  const others = new Set(
    state.episodes
      .filter((other) => other !== episode && other.phase !== "resolved")
      .flatMap((other) => Object.keys(other.members)),
  );
  for (const key of Object.keys(state.cells).toSorted() as CellKey[]) {
    const track = state.cells[key];
    const isMember = view.cells.includes(key);
    if (track === undefined || (others.has(key) && !isMember)) continue;
    if (mode === "membership") {
      const of = Math.max(1e-6, track.usualRequests);
      const bad = isMember ? of : 0;
      samples.push({
        cell: key,
        of,
        bad,
        expected: 0,
        strength: isMember ? 1 : 0,
        doubt: 0,
        isMember,
      });
    } else if (mode === "failing") samples.push({ ...failingSample(key, track), isMember });
    else samples.push({ ...slowSample(key, track), isMember });
  }
  const { dimensions } = episode;
  return locate(samples, mode === "membership" ? {} : dimensions);
}

type Sample = Omit<PlaceSample, "isMember">;

function failingSample(cell: CellKey, track: IncidentState["cells"][CellKey]): Sample {
  const { bad, of, expected } = track.lastingVisible;
  return {
    cell,
    of,
    bad,
    expected,
    strength: of > 0 ? (bad - expected) / of : 0,
    doubt: of > 0 ? Math.sqrt(bad + 1) / of : 1,
  };
}

function slowSample(cell: CellKey, track: IncidentState["cells"][CellKey]): Sample {
  const { bad, of, expected } = track.lastingSlow;
  if (of < 1) return { cell, of: 0, bad: 0, expected: 0, strength: 0, doubt: 1 };
  const share = (bad + 0.5) / (of + 1);
  const z = upperNormalQuantile(share);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return {
    cell,
    of,
    bad,
    expected,
    strength: logSlowdown(track.lastingSlow) + track.latencyDrift,
    // Of the share, carried over to ln(latency) by the slope of the quantile.
    doubt: (latencyLogSigma * Math.sqrt((share * (1 - share)) / of)) / density,
  };
}

/** Sums over an episode's degraded cells. */
export function tallyCells(
  state: IncidentState,
  cells: readonly CellKey[],
): Pick<EpisodeView, "failing" | "slow" | "slowdown" | "promptGrowth"> {
  const failing = emptyTally();
  const slow = emptyTally();
  let drift = 0;
  let prompts = 0;
  for (const cell of cells) {
    const track = state.cells[cell];
    if (track === undefined) continue;
    for (const signal of visibleSignals) {
      const tally = track.visible[signal];
      if (tally === undefined) continue;
      if (signal === "failures") failing.of += tally.of;
      if (signal === "rate_limited" && !track.isLimitBroad) continue;
      failing.bad += tally.bad;
      failing.expected += tally.expected;
    }
    slow.bad += track.slow.bad;
    slow.of += track.slow.of;
    slow.expected += track.slow.expected;
    drift += track.latencyDrift * track.slow.of;
    prompts += track.promptGrowth * track.slow.of;
  }
  const slowdown = logSlowdown(slow) + (slow.of > 0 ? drift / slow.of : 0);
  return { failing, slow, slowdown, promptGrowth: slow.of > 0 ? prompts / slow.of : 0 };
}

/** Name of a group in a reader's words. */
export function scopeName(group: string): string {
  return group === modelCalls ? "all model calls" : group.replace("=", " ");
}
