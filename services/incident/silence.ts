/**
 * Silence is not health. A busy cell without requests, a fleet without any, and a telemetry path that is down are told
 * apart as far as records allow: when cells fall silent all at once and no sender is heard, it may be the way here.
 */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import type { DegradedSignal } from "./degraded-signal.ts";
import { isFleetSilent } from "./fleet-silence.ts";
import type { FleetWindow } from "./join.ts";
import type { Opinion } from "./opinion.ts";
import type { SilenceMemory } from "./silence-memory.ts";
import type { IncidentState } from "./state.ts";
import type { EpisodeView } from "./view.ts";

const cellSilentMs = 300_000;
/** Requests that a silent cell must have missed, and how its silence must compare with its longest one so far. */
const missedRequests = 100;
const longerThanUsual = 4;

/** Cells that are silent where they should not be. While nothing at all is heard, single cells are not judged. */
export function silentCells(
  state: IncidentState,
  memories: Readonly<Record<CellKey, SilenceMemory>>,
  { window, judgement }: { readonly window: FleetWindow; readonly judgement: Judgement },
): ReadonlyMap<CellKey, DegradedSignal> {
  const silent = new Map<CellKey, DegradedSignal>();
  const isAll = isFleetSilent(state, window.windowMs);
  const isLost = state.trafficLoss !== null;
  // A gap of everything counts for nothing afterwards: a cell's silence is measured beyond it.
  if (state.silentWindows > 0 && !isAll) return silent;
  for (const { cell: key } of window.cells) {
    const track = state.cells[key];
    const memory = memories[key];
    if (track === undefined || memory === undefined) continue;
    if (isLost && track.usualRequests > 0) {
      silent.set(key, {
        signal: "traffic",
        family: "silence",
        sinceMs: window.windowStartMs,
        evidence: 0,
      });
      continue;
    }
    if (track.quietWindows === 0) continue;
    const quiet = track.quietWindows;
    const isLong =
      quiet * window.windowMs >= cellSilentMs && quiet > longerThanUsual * memory.longestQuiet;
    const isMissed = memory.usualRequests * quiet >= missedRequests;
    // A cell of three requests seems busy in the first minutes, and silent in the next.
    const isKnown = track.seenWindows >= judgement.detect.warmUpWindows;
    if (!isAll && !(isKnown && isLong && isMissed)) continue;
    if (isAll && memory.usualRequests <= 0) continue;
    silent.set(key, {
      signal: "traffic",
      family: "silence",
      sinceMs: window.windowStartMs - (quiet - 1) * window.windowMs,
      evidence: 0,
    });
  }
  return silent;
}

const minuteMs = 60_000;
/** Share of the traffic whose sudden loss pages: two thirds may be the end of a campaign. */
const pageLoss = 0.75;
/** And again and again. */
const pageFlap = 0.25;

/** A whole silent fleet pages, and a large part of it; single cells are tickets: traffic alone is weak evidence. */
export function silenceOpinion(view: EpisodeView, judgement: Judgement): Opinion {
  const minutes = Math.round(view.quietMs / minuteMs);
  if (view.isFleetSilent)
    return {
      severity: "page",
      reason: `No span from any sender for ${minutes} min: the service, its exporters or the way here is down; which, can not be told from here`,
      leads: "any",
      forecast: undefined,
    };
  if (view.trafficLoss !== undefined) {
    const { share, isRepeated } = view.trafficLoss;
    const fell = `Traffic fell by ${Math.round(100 * share)} % within minutes in every region at once${isRepeated ? ", after it had fallen and come back before" : ""}`;
    const isPage = share >= pageLoss || (isRepeated && share >= pageFlap);
    return {
      severity: isPage ? "page" : "ticket",
      reason: isPage
        ? `${fell}, and what arrives is answered: users may not reach the service`
        : `Not a page: ${fell.toLowerCase()}, which may be its users' choice`,
      leads: "any",
      forecast: undefined,
    };
  }
  const leastShare = 5 * judgement.incident.pageTrafficShare;
  const missed = view.missed ?? { cells: view.cells.length, share: view.degradedShare };
  if (missed.cells >= 3 && missed.share >= leastShare)
    return {
      severity: "page",
      reason: `No requests for ${minutes} min in ${missed.cells} cells that carry ${Math.round(100 * missed.share)} % of traffic, while others have some`,
      leads: "any",
      forecast: undefined,
    };
  if (missed.share < view.degradedShare && view.degradedShare >= leastShare)
    return {
      severity: "ticket",
      reason: `Not a page: no requests for ${minutes} min in ${view.cells.length} cells that had ${Math.round(100 * view.degradedShare)} % of traffic, but as many as before in all: others have them`,
      leads: "any",
      forecast: undefined,
    };
  return {
    severity: "ticket",
    reason: `Not a page: silence of ${view.cells.length} of ${view.liveCells} cells alone may be their users' choice`,
    leads: "any",
    forecast: undefined,
  };
}
