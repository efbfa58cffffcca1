/** How much of the traffic is refused as invalid, whoever sends it. */

import type { CellKey } from "../contracts/cell.ts";
import { isBroad } from "./broad-refusal.ts";
import type { IncidentState } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

export interface RefusalShare {
  /** Share of usual traffic in cells that refuse most requests, of whomever; their part of the requests there. */
  readonly share: number;
  readonly ratio: number;
}

export function broadRefusal(state: IncidentState, cells: readonly CellKey[]): RefusalShare {
  let bad = 0;
  let of = 0;
  const broad = cells.filter((key) => {
    const refusals = state.cells[key]?.refusals;
    if (refusals === undefined || !isBroad(refusals)) return false;
    bad += refusals.bad;
    of += refusals.of;
    return true;
  });
  return { share: trafficShare(state, broad), ratio: of > 0 ? bad / of : 0 };
}
