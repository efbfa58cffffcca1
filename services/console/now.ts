/** What is so now: the state as the page's first view shows it. Pure. */
import { parseCellKey } from "../contracts/cell.ts";
import { type SignalName, type SignalVerdict, signalCatalog } from "../contracts/frame.ts";
import {
  type CellState,
  type CellView,
  cellStates,
  type IncidentSummary,
  type Now,
  type PipelineView,
  type SignalView,
} from "../contracts/http-api.ts";
import { isSilenced } from "../contracts/silence.ts";
import { failingNow } from "./failing-now.ts";
import { type CellKnown, type ConsoleState, type IncidentKnown, keptSignals } from "./state.ts";
import { healthOf } from "./web/health.ts";

export interface NowOptions {
  readonly nowMs: number;
  readonly staleAfterMs: number;
  readonly endpoints: Now["endpoints"];
  /** Whole sparklines, or the newest point only. */
  readonly withPoints: boolean;
}

/** More than a page can show; the rest is counted. */
const listedCells = 400;
const resolvedShownMs = 24 * 60 * 60_000;
const resolvedShown = 10;

export function nowView(state: ConsoleState, options: NowOptions): Now {
  const { nowMs } = options;
  const incidents = shownIncidents(state, nowMs);
  const open = incidents.filter(isOpen);
  const all = cellViews(state, open, options);
  const cells = all.slice(0, listedCells).sort(byName);
  const pipeline = pipelineView(state, options.staleAfterMs);
  const hiddenCells = all.length - cells.length;
  return {
    atMs: nowMs,
    health: healthOf({ nowMs, pipeline, incidents, cells, hiddenCells }),
    pipeline,
    incidents,
    cells,
    hiddenCells,
    silences: [...state.silences.values()]
      .filter(({ untilMs }) => untilMs > nowMs)
      .map(({ id, matchers, by, untilMs, note }) => ({ id, matchers, by, untilMs, note })),
    endpoints: options.endpoints,
  };
}

const isOpen = ({ phase }: Pick<IncidentSummary, "phase">) => phase !== "resolved";
const severityRank = { page: 0, ticket: 1, none: 2 } as const;

export function summaryOf(
  state: ConsoleState,
  known: IncidentKnown,
  nowMs: number,
): IncidentSummary {
  const { latest, revisions, acknowledged } = known;
  return {
    incident: latest.incident,
    revision: latest.revision,
    title: latest.title,
    severity: latest.phase === "resolved" ? worstSeverity(revisions) : latest.severity,
    phase: latest.phase,
    sinceMs: latest.sinceMs,
    resolvedMs: latest.resolvedMs,
    degradedCells: latest.degradedCells,
    liveCells: latest.liveCells,
    degradedShare: latest.degradedShare,
    bad: latest.totals.bad,
    of: latest.totals.of,
    failingNow: failingNow(state, known),
    breachMedianMs: latest.forecast?.breachMedianMs ?? null,
    breachHighMs: latest.forecast?.breachHighMs ?? null,
    acknowledgedBy: acknowledged?.by ?? null,
    isSilenced: isSilenced(latest, [...state.silences.values()], nowMs),
  };
}

/** What is over is remembered by the worst that it was. */
function worstSeverity(revisions: IncidentKnown["revisions"]): IncidentSummary["severity"] {
  const found = new Set(revisions.map(({ severity }) => severity));
  return found.has("page") ? "page" : found.has("ticket") ? "ticket" : "none";
}

/** Open before resolved, worse before milder, larger before smaller. */
export function allIncidents(state: ConsoleState, nowMs: number): readonly IncidentSummary[] {
  return [...state.incidents.values()]
    .map((known) => summaryOf(state, known, nowMs))
    .filter((summary) => summary.severity !== "none" || isOpen(summary))
    .sort(
      (a, b) =>
        Number(isOpen(b)) - Number(isOpen(a)) ||
        (isOpen(a) ? severityRank[a.severity] - severityRank[b.severity] : 0) ||
        (isOpen(a) ? b.degradedShare - a.degradedShare : 0) ||
        b.sinceMs - a.sinceMs ||
        (a.incident < b.incident ? -1 : 1),
    );
}

function shownIncidents(state: ConsoleState, nowMs: number): IncidentSummary[] {
  const all = allIncidents(state, nowMs).filter(({ severity }) => severity !== "none");
  const resolved = all
    .filter(
      ({ phase, resolvedMs }) =>
        phase === "resolved" && nowMs - (resolvedMs ?? 0) < resolvedShownMs,
    )
    .slice(0, resolvedShown);
  return [...all.filter(isOpen), ...resolved];
}

function cellViews(
  state: ConsoleState,
  open: readonly IncidentSummary[],
  options: NowOptions,
): CellView[] {
  const incidentOf = new Map<string, IncidentSummary>();
  // Worst last, so that it stays.
  for (const summary of [...open].reverse())
    for (const cell of state.incidents.get(summary.incident)?.latest.cells ?? [])
      incidentOf.set(cell, summary);
  const views = [...state.cells.values()].map((known) =>
    cellView(state, known, { incident: incidentOf.get(known.frame.cell), options }),
  );
  return views.sort(
    (a, b) =>
      cellStates.indexOf(a.state) - cellStates.indexOf(b.state) ||
      b.requestsPerSecond - a.requestsPerSecond ||
      byName(a, b),
  );
}

function cellView(
  state: ConsoleState,
  known: CellKnown,
  {
    incident,
    options,
  }: { readonly incident: IncidentSummary | undefined; readonly options: NowOptions },
): CellView {
  const { frame } = known;
  const leading =
    incident === undefined
      ? undefined
      : state.incidents.get(incident.incident)?.latest.leadingSignal;
  const main = mainVerdict(known, leading);
  const newestMs = state.newestWindowMs ?? known.windowStartMs;
  const series = main === undefined ? undefined : known.series.get(main.signal);
  return {
    cell: frame.cell,
    ...parseCellKey(frame.cell),
    state: cellState(frame, incident?.severity),
    requestsPerSecond: frame.requests / (state.windowMs / 1_000),
    incident: incident?.incident ?? null,
    main: main === undefined ? null : signalView(main),
    points: options.withPoints ? [...(series?.points(newestMs) ?? [])] : [],
    newest: series?.at(known.windowStartMs) ?? null,
  };
}

function signalView(verdict: SignalVerdict): SignalView {
  const { signal, state, seen, expected, low, high, bad, of } = verdict;
  const { words, unit } = signalCatalog[signal];
  return { signal, words, unit, state, seen, expected, low, high, bad, of };
}

/** The incident's signal where there is one, else the most surprising, else what moves first. */
function mainVerdict(known: CellKnown, leading: SignalName | undefined): SignalVerdict | undefined {
  const { signals } = known.frame;
  const leadingVerdict = signals.find(({ signal, seen }) => signal === leading && seen !== null);
  if (leadingVerdict !== undefined) return leadingVerdict;
  const unusual = signals
    .filter(({ state }) => state === "anomalous" || state === "watching")
    .sort((a, b) => b.surprise - a.surprise);
  const [worst] = unusual;
  if (worst !== undefined) return worst;
  // Where nothing is unusual, what moves first is shown.
  for (const name of keptSignals) {
    const found = signals.find(({ signal }) => signal === name) ?? missing(known, name);
    // A signal that this cell has never had a value for (streaming is off, say) gives way to the next.
    if (found !== undefined && (found.seen !== null || known.series.get(name)?.hasValue()))
      return found;
  }
  return signals[0];
}

/** A signal that this window says nothing of, though earlier ones did. */
function missing(known: CellKnown, name: SignalName): SignalVerdict | undefined {
  const last = known.verdicts.get(name);
  return last && { ...last, state: "blind", seen: null, bad: 0, of: 0, surprise: 0 };
}

/** So many requests must have been missed before a cell is called silent. */
const missedRequests = 10;

export function cellState(
  frame: CellKnown["frame"],
  severity: IncidentSummary["severity"] | undefined,
): CellState {
  if (severity === "page" || severity === "ticket") return severity;
  const states = frame.signals.map(({ state }) => state);
  if (frame.quietWindows * frame.usualRequests >= missedRequests && frame.quietWindows >= 3)
    return "silent";
  if (states.some((state) => state === "anomalous" || state === "watching")) return "watching";
  const judged = states.some((state) => state === "normal");
  if (!judged && (states.length === 0 || states.some((state) => state === "warming")))
    return "learning";
  return "normal";
}

function pipelineView(state: ConsoleState, staleAfterMs: number): PipelineView {
  const recent = [...state.pipeline.values()];
  const sum = (of: (point: (typeof recent)[number]) => number) =>
    recent.reduce((total, point) => total + of(point), 0);
  const newest = state.pipeline.get(state.newestWindowMs ?? 0);
  // One window is a small sample; the last six are half a minute at the usual length.
  const lastWindows = [...state.pipeline.keys()].sort((a, b) => b - a).slice(0, 6);
  const lastSpans = lastWindows.reduce(
    (total, at) => total + (state.pipeline.get(at)?.spans ?? 0),
    0,
  );
  // Windows close without any telemetry too; they are no data.
  const hasData = state.cells.size > 0 || recent.some(({ spans }) => spans > 0);
  return {
    windowMs: state.windowMs,
    newestDataMs:
      state.newestWindowMs === null || !hasData ? null : state.newestWindowMs + state.windowMs,
    staleAfterMs,
    verdictDelayMs: state.verdictDelayMs,
    spansPerSecond:
      lastWindows.length === 0 ? 0 : lastSpans / ((lastWindows.length * state.windowMs) / 1_000),
    lateSpans: sum(({ lateSpans }) => lateSpans),
    clampedSpans: sum(({ clampedSpans }) => clampedSpans),
    duplicateSpans: sum(({ duplicateSpans }) => duplicateSpans),
    senders: newest?.senders ?? 0,
  };
}

function byName(a: CellView, b: CellView): number {
  return (
    compare(a.kind, b.kind) ||
    compare(a.provider, b.provider) ||
    compare(a.model, b.model) ||
    compare(a.region, b.region) ||
    compare(a.operation, b.operation)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
