/** How much of the traffic has had answers that are far slower than usual for long, and has them now. */
import type { CellKey } from "../contracts/cell.ts";
import { farSlowerAgainMs, farSlowerLastsMs } from "./far-slower.ts";
import type { IncidentState } from "./state.ts";
import { type TroubledPart, troubledPart } from "./traffic-share.ts";

export interface FarSlower extends TroubledPart {
  /** How long it has been so where it has been so longest, ms, fading. */
  readonly longestMs: number;
  /** The share, once for each of the times that this is the least that counts: half of the traffic for twice as long are as many answers. */
  readonly weight: number;
}

export function farSlower(state: IncidentState, cells: readonly CellKey[]): FarSlower {
  let longestMs = 0;
  const part = troubledPart(state, cells, ({ straggling, farSlowerMs, stragglers }) => {
    if (!straggling.isSure || farSlowerMs < farSlowerLastsMs) return undefined;
    longestMs = Math.max(longestMs, farSlowerMs);
    return stragglers;
  });
  return { ...part, longestMs, weight: (part.share * longestMs) / farSlowerLastsMs };
}

/** Once people were paged for it, another page takes longer: what comes and goes is one trouble. */
export function forgetFarSlower(state: IncidentState, cells: readonly CellKey[]): void {
  for (const key of cells) {
    const track = state.cells[key];
    if (track !== undefined) track.farSlowerMs = farSlowerLastsMs - farSlowerAgainMs;
  }
}
