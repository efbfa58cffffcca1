/** Places that an incident nearly fills: what severity and forecasts are about. */
import type { CellKey } from "../contracts/cell.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import { isLimitBroad } from "./cell-track.ts";
import { type Family, familyOf } from "./families.ts";
import { classOf, type GroupTrack, groupsOf, modelCalls } from "./group-track.ts";
import type { IncidentState } from "./state.ts";
import { largestClass } from "./traffic-share.ts";

/** A place whose traffic is (nearly) all in the incident, or the fleet. */
export interface Scope {
  readonly name: string;
  readonly track: GroupTrack;
  /** Share of usual traffic, see `traffic-share.ts`. */
  readonly share: number;
  /** All model calls, or all requests of a service. */
  readonly isWhole: boolean;
  readonly isHttp: boolean;
  /** Ratio of requests that fail there now as the incident's family does, beyond the usual; 0 where most that fails is another's. */
  readonly failing: number;
  /** Whether the incident nearly fills it; else it has a good part of it, which is enough for what is judged over all of it. */
  readonly isFilled: boolean;
}

/** Part of a group's usual traffic that must be degraded for the group to be the incident's scope. */
const scopePart = 0.6;
const goodPart = 0.3;

/** Every group that the episode nearly fills, or has a good part of. */
export function scopesOf(
  state: IncidentState,
  { cells, family }: { readonly cells: readonly CellKey[]; readonly family: Family },
): Scope[] {
  const largest = largestClass(state);
  const usualIn = new Map<string, number>();
  for (const cell of cells)
    for (const name of groupsOf(cell))
      usualIn.set(name, (usualIn.get(name) ?? 0) + (state.cells[cell]?.usualRequests ?? 0));
  const scopes: Scope[] = [];
  for (const name of [...usualIn.keys()].toSorted()) {
    const track = state.groups[name] as GroupTrack;
    const inIt = usualIn.get(name) ?? 0;
    if (inIt < goodPart * track.usualRequests || largest <= 0) continue;
    const isWhole = cells.some((cell) => classOf(cell) === name);
    scopes.push({
      name: scopeName(name),
      track,
      share: Math.min(1, track.usualRequests / largest),
      isWhole,
      failing: failingAs(family, track),
      isFilled: inIt >= scopePart * track.usualRequests,
      isHttp: cells.some((cell) => cell.startsWith("http") && groupsOf(cell).includes(name)),
    });
  }
  return scopes;
}

/**
 * Requests that fail are service's, answers that are no good quality's: a page for one must not rest on the other, nor on what has
 * pressed for a page and is over.
 */
function failingAs(family: Family, { visible, limitedBeyondFirst }: GroupTrack): number {
  const isBroad = isLimitBroad(limitedBeyondFirst);
  let own = 0;
  let others = 0;
  let of = 0;
  for (const signal of visibleSignals) {
    const tally = visible[signal];
    if (tally === undefined) continue;
    of = Math.max(of, tally.of);
    const excess = Math.max(0, tally.bad - tally.expected);
    if (familyOf(signal, isBroad) === family) own += excess;
    else if (signal !== "rate_limited" || isBroad) others += excess;
  }
  return of > 0 && own >= others ? own / of : 0;
}

/** Name of a group in a reader's words. */
function scopeName(group: string): string {
  return group === modelCalls ? "all model calls" : group.replace("=", " ");
}
