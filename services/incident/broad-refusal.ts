/**
 * Requests refused as invalid are their callers' mistakes, until nearly all callers make them at once: then a model has been taken away, or
 * what stands before it has changed. The frame counts tenants, not whose requests were refused; but when fewer requests went well
 * than there were tenants, the others were refused.
 */
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

/** Whether a cell refuses most of its requests, and surely those of several tenants. */
export function isBroad({ bad, of, tenants }: Refusals): boolean {
  return of >= leastRequests && bad >= leastShare * of && tenants >= leastTenants;
}
