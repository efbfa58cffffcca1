/**
 * Requests refused as invalid are their callers' mistakes, until nearly all callers make them at once: then a model has been taken away, or
 * what stands before it has changed. The frame counts tenants, not whose requests were refused; but when fewer requests went well
 * than there were tenants, the others were refused.
 */
import type { CellKey } from "../contracts/cell.ts";
import type { IncidentState } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

export interface Refusals {
  /** Refused as invalid, and all, half-life `recentMs`. */
  bad: number;
  of: number;
  /** Tenants beyond the first of each window that must have been refused. */
  tenants: number;
}

export const noRefusals = (): Refusals => ({ bad: 0, of: 0, tenants: 0 });

const leastRequests = 10;
const leastTenants = 3;
/** Most requests: a bug of one client version leaves those of others. */
const leastShare = 0.6;

/** Steps a cell's memory in place over a window. */
export function stepRefusals(
  memory: Refusals,
  window: { readonly bad: number; readonly of: number; readonly tenants: number },
  fading: number,
): void {
  const { bad, of, tenants } = window;
  memory.bad = memory.bad * fading + bad;
  memory.of = memory.of * fading + of;
  const beyondFirst = bad > 0 ? Math.max(0, Math.floor(tenants) - 1 - (of - bad)) : 0;
  memory.tenants = memory.tenants * fading + beyondFirst;
}

function isBroad({ bad, of, tenants }: Refusals): boolean {
  return of >= leastRequests && bad >= leastShare * of && tenants >= leastTenants;
}

/** Share of usual traffic in those of the cells that refuse most requests, of whomever; their part of the requests there. */
export function broadRefusal(
  state: IncidentState,
  cells: readonly CellKey[],
): { readonly share: number; readonly ratio: number } {
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
