/**
 * Shares of traffic. A request that a user sends shows up as a request of the application, as one of each service behind it
 * and as a model call, so that cells of different classes must not be added up: a share is taken within a class (all model calls,
 * or all requests of one service), against the largest class, and the largest such share counts.
 */
import type { CellKey } from "../contracts/cell.ts";
import { classOf } from "./group-track.ts";
import type { IncidentState } from "./state.ts";
import type { CellTrack } from "./track.ts";

/** Usual requests a window of the largest class. */
export function largestClass(state: IncidentState): number {
  let largest = 0;
  for (const usual of byClass(state, Object.keys(state.cells) as CellKey[]).values())
    largest = Math.max(largest, usual);
  return largest;
}

/** Share of usual traffic in these cells, 0 … 1. */
export function trafficShare(state: IncidentState, cells: readonly CellKey[]): number {
  if (cells.length === 0) return 0;
  const all = largestClass(state);
  if (all <= 0) return 0;
  let most = 0;
  for (const usual of byClass(state, cells).values()) most = Math.max(most, usual);
  return Math.min(1, most / all);
}

/** A part of the traffic that is in some trouble. */
export interface TroubledPart {
  /** Share of usual traffic in its cells. */
  readonly share: number;
  /** Part of the requests there that are in it. */
  readonly ratio: number;
}

/** Those of the cells that `countsOf` finds in trouble; undefined: this one is not. */
export function troubledPart(
  state: IncidentState,
  cells: readonly CellKey[],
  countsOf: (track: CellTrack) => { readonly bad: number; readonly of: number } | undefined,
): TroubledPart {
  let bad = 0;
  let of = 0;
  const troubled = cells.filter((key) => {
    const track = state.cells[key];
    const counts = track === undefined ? undefined : countsOf(track);
    if (counts === undefined) return false;
    bad += counts.bad;
    of += counts.of;
    return true;
  });
  return { share: trafficShare(state, troubled), ratio: of > 0 ? bad / of : 0 };
}

function byClass(state: IncidentState, cells: readonly CellKey[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const key of cells) {
    const name = classOf(key);
    sums.set(name, (sums.get(name) ?? 0) + (state.cells[key]?.usualRequests ?? 0));
  }
  return sums;
}
