/**
 * Requests that have moved: a model is followed by another, a region is drained. Its cells fall silent, and no request is missing: in their class,
 * all model calls or all requests of a service, as many come as before.
 */
import type { CellKey } from "../contracts/cell.ts";
import { classOf, type Minute, minutesKept } from "./group-track.ts";
import type { IncidentState } from "./state.ts";
import type { CellTrack } from "./track.ts";
import { trafficShare } from "./traffic-share.ts";

const minuteMs = 60_000;
/**
 * Minutes before the first silence, and after the last one began, that are compared; fewer of the former say nothing. In longer ones, a
 * fleet's clients move it by as much as a model's share.
 */
const minutesBefore = 10;
const leastBefore = 5;
const minutesAfter = 5;
/** Part of the silent cells' requests that must come to others. */
const movedPart = 0.4;

/** Silent cells whose requests nobody else has. */
export interface MissedRequests {
  readonly cells: number;
  /** Share of usual traffic. */
  readonly share: number;
}

/** Of cells that are silent now, those in classes that have fewer requests since then. */
export function missedRequests(
  state: IncidentState,
  silent: readonly CellKey[],
  windowMs: number,
): MissedRequests {
  const missed = [...new Set(silent.map(classOf))].flatMap((name) => {
    const cells = silent.filter((key) => classOf(key) === name);
    return haveMoved(state, { name, cells, windowMs }) ? [] : cells;
  });
  return { cells: missed.length, share: trafficShare(state, missed) };
}

const quietMs = 60_000;

/** Without requests for a minute: too thin or too late to be silent yet, its requests are missing like those of cells that are. */
export function isQuiet(track: CellTrack | undefined, windowMs: number): boolean {
  return track !== undefined && track.quietWindows * windowMs >= quietMs;
}

function haveMoved(
  state: IncidentState,
  of: { readonly name: string; readonly cells: readonly CellKey[]; readonly windowMs: number },
): boolean {
  const minutes = state.groups[of.name]?.minutes ?? [];
  const ago = of.cells.map(
    (key) => ((state.cells[key]?.quietWindows ?? 0) * of.windowMs) / minuteMs,
  );
  const firstAt = Math.max(0, minutes.length - Math.ceil(Math.max(...ago)));
  const lastAt = Math.max(0, minutes.length - Math.floor(Math.min(...ago)));
  const before = minutes.slice(Math.max(0, firstAt - minutesBefore), firstAt);
  const after = minutes.slice(lastAt, lastAt + minutesAfter);
  // What is older than the hour that is kept was judged when it was younger.
  if (before.length < leastBefore) return minutes.length >= minutesKept;
  const missing = (Object.keys(state.cells) as CellKey[])
    .filter((key) => classOf(key) === of.name && isQuiet(state.cells[key], of.windowMs))
    .reduce((sum, key) => sum + usualOf(state, key), 0);
  const perMinute = (missing * minuteMs) / of.windowMs;
  return meanRequests(after) >= meanRequests(before) - (1 - movedPart) * perMinute;
}

/** Requests a window before the silence. */
function usualOf(state: IncidentState, key: CellKey): number {
  return state.silences[key]?.usualRequests ?? 0;
}

function meanRequests(minutes: readonly Minute[]): number {
  return minutes.reduce((sum, { requests }) => sum + requests, 0) / Math.max(1, minutes.length);
}
