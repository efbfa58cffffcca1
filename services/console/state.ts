/** What the console knows, rebuilt at start from the log and kept up by its tail. Repeated records change nothing. */
import type { Frame, SignalName, SignalVerdict } from "../contracts/frame.ts";
import type { Incident } from "../contracts/incident.ts";
import type { Command, Delivery } from "../contracts/records.ts";
import { type CellSeries, createCellSeries } from "./cell-series.ts";

/** How far sparklines reach back. */
export const recentMs = 15 * 60_000;

export interface CellKnown {
  frame: Frame["cells"][number];
  windowStartMs: number;
  readonly series: Map<SignalName, CellSeries>;
  /** Newest verdict of every signal: a window without evidence for one leaves it out. */
  readonly verdicts: Map<SignalName, SignalVerdict>;
}

export interface IncidentKnown {
  latest: Incident;
  /** One record a transition, oldest first. */
  readonly revisions: Incident[];
  acknowledged: { readonly by: string; readonly atMs: number; readonly note: string } | null;
}

interface PipelinePoint {
  readonly spans: number;
  readonly lateSpans: number;
  readonly clampedSpans: number;
  readonly duplicateSpans: number;
  readonly senders: number;
}

export interface ConsoleState {
  windowMs: number;
  newestWindowMs: number | null;
  verdictDelayMs: number | null;
  readonly cells: Map<string, CellKnown>;
  readonly pipeline: Map<number, PipelinePoint>;
  readonly incidents: Map<string, IncidentKnown>;
  /** By incident: a delivery may be read before the incident that it is of. */
  readonly deliveries: Map<string, Delivery[]>;
  readonly silences: Map<string, Extract<Command, { kind: "silence" }>>;
  readonly acknowledgements: Map<string, NonNullable<IncidentKnown["acknowledged"]>>;
}

export function emptyConsoleState(windowMs: number): ConsoleState {
  return {
    windowMs,
    newestWindowMs: null,
    verdictDelayMs: null,
    cells: new Map(),
    pipeline: new Map(),
    incidents: new Map(),
    deliveries: new Map(),
    silences: new Map(),
    acknowledgements: new Map(),
  };
}

/**
 * Signals whose recent past is kept for every cell, first what moves first; others from when they first become unusual. The last two are all that
 * cells have which metrics alone tell of, and some not in every window.
 */
export const keptSignals: readonly SignalName[] = [
  ...(["ttft", "duration", "failures", "traffic"] as const),
  ...(["in_flight", "queued"] as const),
];
const keptCells = 5_000;
const keptIncidents = 500;
const keptRevisions = 500;

/** `appendMs` is when the verdict was in the log. */
export function applyFrame(state: ConsoleState, frame: Frame, appendMs: number): void {
  const { windowStartMs, windowMs } = frame;
  state.windowMs = windowMs;
  if (state.newestWindowMs === null || windowStartMs > state.newestWindowMs) {
    state.newestWindowMs = windowStartMs;
    state.verdictDelayMs = appendMs - (windowStartMs + windowMs);
    forgetOld(state);
  }
  // Every partition's frame tells of the same sources, so the window's figures are the largest of them.
  const before = state.pipeline.get(windowStartMs);
  const { pipeline } = frame;
  state.pipeline.set(
    windowStartMs,
    before === undefined || pipeline.spans >= before.spans ? pipeline : before,
  );
  for (const cell of frame.cells) {
    let known = state.cells.get(cell.cell);
    if (known === undefined) {
      if (state.cells.size >= keptCells) continue;
      known = { frame: cell, windowStartMs, series: new Map(), verdicts: new Map() };
      state.cells.set(cell.cell, known);
    }
    if (windowStartMs >= known.windowStartMs) {
      known.frame = cell;
      known.windowStartMs = windowStartMs;
    }
    for (const verdict of cell.signals) keepPoint(known, verdict, frame);
  }
}

function keepPoint(known: CellKnown, verdict: SignalVerdict, frame: Frame): void {
  if (frame.windowStartMs >= known.windowStartMs) known.verdicts.set(verdict.signal, verdict);
  let series = known.series.get(verdict.signal);
  if (series === undefined) {
    const isUnusual = verdict.state === "watching" || verdict.state === "anomalous";
    if (!isUnusual && !keptSignals.includes(verdict.signal)) return;
    series = createCellSeries(frame.windowMs, recentMs);
    known.series.set(verdict.signal, series);
  }
  series.put(frame.windowStartMs, verdict);
}

/** Cells that no frame names any more, and figures beyond the quarter of an hour. */
function forgetOld(state: ConsoleState): void {
  const newest = state.newestWindowMs ?? 0;
  for (const startMs of state.pipeline.keys())
    if (startMs <= newest - recentMs) state.pipeline.delete(startMs);
  const goneMs = newest - Math.max(2 * 60_000, 10 * state.windowMs);
  for (const [key, { windowStartMs }] of state.cells)
    if (windowStartMs < goneMs) state.cells.delete(key);
}

export function applyIncident(state: ConsoleState, incident: Incident): boolean {
  const known = state.incidents.get(incident.incident);
  if (known !== undefined && known.latest.revision >= incident.revision) return false;
  if (known === undefined) {
    state.incidents.set(incident.incident, {
      latest: incident,
      revisions: [incident],
      acknowledged: state.acknowledgements.get(incident.incident) ?? null,
    });
    if (state.incidents.size > keptIncidents) forgetOldestResolved(state);
    return true;
  }
  known.latest = incident;
  known.revisions.push(incident);
  // The beginning says most about what was first; of a very long one the middle is let go.
  if (known.revisions.length > keptRevisions) known.revisions.splice(keptRevisions / 2, 1);
  return true;
}

function forgetOldestResolved(state: ConsoleState): void {
  for (const [id, { latest }] of state.incidents)
    if (latest.phase === "resolved") {
      state.incidents.delete(id);
      state.deliveries.delete(id);
      return;
    }
}

const keptDeliveries = 500;

export function applyDelivery(state: ConsoleState, delivery: Delivery): boolean {
  const known = state.deliveries.get(delivery.incident) ?? [];
  if (known.length >= keptDeliveries) return false;
  if (known.some(({ key }) => key === delivery.key)) return false;
  known.push(delivery);
  state.deliveries.set(delivery.incident, known);
  return true;
}

/** `appendMs` stands for when it took effect. */
export function applyCommand(state: ConsoleState, command: Command, appendMs: number): boolean {
  switch (command.kind) {
    case "acknowledge": {
      if (state.acknowledgements.has(command.incident)) return false;
      const { by, note } = command;
      const acknowledged = { by, note, atMs: appendMs };
      state.acknowledgements.set(command.incident, acknowledged);
      const known = state.incidents.get(command.incident);
      if (known !== undefined) known.acknowledged = acknowledged;
      return true;
    }
    case "silence":
      state.silences.set(command.id, command);
      return true;
    case "unsilence":
      return state.silences.delete(command.id);
  }
}
