/** Makes an incident's record out of its episode: everything that an alert says. */
import type { CellKey } from "../contracts/cell.ts";
import { type SignalName, signalCatalog } from "../contracts/frame.ts";
import type { Evidence, Incident, Transition } from "../contracts/incident.ts";
import { latencySignals } from "./families.ts";
import { isWorthTelling } from "./forecast.ts";
import type { FleetWindow } from "./join.ts";
import { leadingSignalOf, ratioOf, slowdownOf } from "./leading.ts";
import { placeOf } from "./place.ts";
import type { RecordInput } from "./record-input.ts";
import { slowerPlaces } from "./slower-place.ts";
import { logSlowdown } from "./slowness.ts";
import type { Episode, EpisodeEvidence, IncidentState } from "./state.ts";
import { excessRatio } from "./tally.ts";
import { rarity, titleOf } from "./wording.ts";

const cellLimit = 50;
const evidenceLimit = 16;

export function makeRecord(input: RecordInput, transition: Transition): Incident {
  const { episode, window, view, opinion, state } = input;
  const place = placeOf(input);
  const slower = slowerPlaces(input, place.dimensions);
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
      slower,
      signal: leadingSignal,
      slowdown: slowdownOf(input, leadingSignal),
      ratio: ratioOf(input, leadingSignal),
      quietMs: view.quietMs,
      isFleetSilent: view.isFleetSilent,
      trafficLoss: view.trafficLoss?.share,
      decline: view.decline,
      trend: view.isSpreading ? "spreading" : opinion.forecast === undefined ? "steady" : "growing",
    }),
    dimensions: [...place.dimensions, ...slower].map((one) => ({ ...one })),
    cells: worstFirst(input).slice(0, cellLimit),
    degradedCells: view.cells.length,
    liveCells: view.liveCells,
    degradedShare: round(view.degradedShare),
    failing: round(excessRatio(view.failing)),
    signals: [...new Set(evidence.map((one) => one.signal))],
    leadingSignal,
    evidence: evidence.slice(0, evidenceLimit),
    attribution: [...place.attribution],
    sinceMs: episode.sinceMs,
    openedMs: episode.openedMs,
    resolvedMs: episode.resolvedMs,
    spread: { doublingMinutes: view.doublingMinutes, next: nextCells(state, input) },
    forecast: forecastOf(input),
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

function forecastOf({ episode, opinion, window }: RecordInput): Incident["forecast"] {
  if (opinion.forecast === undefined) return null;
  const { eta, what } = opinion.forecast;
  if (!isWorthTelling(eta, episode.hasSaidForecast)) return null;
  const at = (minutes: number) => Math.round(window.appendMs + minutes * 60_000);
  return {
    what,
    breachLowMs: at(eta.low),
    breachMedianMs: at(eta.median),
    breachHighMs: at(eta.high),
    coverage: 0.8,
  };
}
