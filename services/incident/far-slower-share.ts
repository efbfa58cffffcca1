/** How much of the traffic has had answers that are far slower than usual for long, and has them now. */
import type { CellKey } from "../contracts/cell.ts";
import { farSlowerLastsMs } from "./far-slower.ts";
import type { IncidentState } from "./state.ts";
import { type TroubledPart, troubledPart } from "./traffic-share.ts";

export function farSlower(state: IncidentState, cells: readonly CellKey[]): TroubledPart {
  return troubledPart(state, cells, ({ straggling, farSlowerMs, stragglers }) =>
    straggling.isSure && farSlowerMs >= farSlowerLastsMs ? stragglers : undefined,
  );
}

/** Once people were paged for it, another page takes as long again: what comes and goes is one trouble. */
export function forgetFarSlower(state: IncidentState, cells: readonly CellKey[]): void {
  for (const key of cells) {
    const track = state.cells[key];
    if (track !== undefined) track.farSlowerMs = 0;
  }
}
