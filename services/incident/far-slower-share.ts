/** How much of the traffic has had answers that are far slower than usual for long, and has them now. */
import type { CellKey } from "../contracts/cell.ts";
import { farSlowerLastsMs } from "./far-slower.ts";
import type { IncidentState } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

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
    return track?.straggling.isSure === true && track.farSlowerMs >= farSlowerLastsMs;
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
