/**
 * Answers that are far slower than usual, again and again or without an end. One of 25 requests of a cell is no outage, and a ticket; that it
 * is so for half an hour in all is what a small ratio of failures must also last to be worth a page (`pressure.ts`).
 */
import type { CellKey } from "../contracts/cell.ts";
import type { IncidentState } from "./state.ts";
import type { CellTrack } from "./track.ts";
import { trafficShare } from "./traffic-share.ts";

const halfLifeMs = 2 * 3_600_000;
const lastsMs = 30 * 60_000;
/** Longer prompts take longer: ln of the growth from which slow answers are theirs. */
const promptsExplain = Math.log(1.25);

/** How long a cell has surely had such answers, ms, fading: takes a window in. */
export function stepFarSlower(track: CellTrack, windowMs: number): void {
  const isCounted = track.straggling.isSure && track.promptGrowth < promptsExplain;
  track.farSlowerMs =
    track.farSlowerMs * 2 ** (-windowMs / halfLifeMs) + (isCounted ? windowMs : 0);
}

export interface FarSlower {
  /** Share of usual traffic in cells that have had such answers for so long, and have them now; their part of the requests there. */
  readonly share: number;
  readonly ratio: number;
}

export function farSlower(state: IncidentState, cells: readonly CellKey[]): FarSlower {
  let bad = 0;
  let of = 0;
  const long = cells.filter((key) => {
    const track = state.cells[key];
    return track?.straggling.isSure === true && track.farSlowerMs >= lastsMs;
  });
  for (const key of long) {
    bad += state.cells[key]?.stragglers.bad ?? 0;
    of += state.cells[key]?.stragglers.of ?? 0;
  }
  return { share: trafficShare(state, long), ratio: of > 0 ? bad / of : 0 };
}

/** Once people were paged for it, another page takes as long again: what comes and goes is one trouble. */
export function forgetFarSlower(state: IncidentState, cells: readonly CellKey[]): void {
  for (const key of cells) {
    const track = state.cells[key];
    if (track !== undefined) track.farSlowerMs = 0;
  }
}
