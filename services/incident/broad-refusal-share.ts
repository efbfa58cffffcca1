/** How much of the traffic is refused as invalid, whoever sends it. */
import type { CellKey } from "../contracts/cell.ts";
import { isBroad } from "./broad-refusal.ts";
import type { IncidentState } from "./state.ts";
import { type TroubledPart, troubledPart } from "./traffic-share.ts";

export function broadRefusal(state: IncidentState, cells: readonly CellKey[]): TroubledPart {
  return troubledPart(state, cells, ({ refusals }) => (isBroad(refusals) ? refusals : undefined));
}
