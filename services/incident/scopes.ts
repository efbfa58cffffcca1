/** Places that an incident nearly fills: what severity and forecasts are about. */
import type { CellKey } from "../contracts/cell.ts";
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
}

/** Part of a group's usual traffic that must be degraded for the group to be the incident's scope. */
const scopePart = 0.6;

/** Every group that the episode nearly fills. */
export function scopesOf(state: IncidentState, cells: readonly CellKey[]): Scope[] {
  const largest = largestClass(state);
  const usualIn = new Map<string, number>();
  for (const cell of cells)
    for (const name of groupsOf(cell))
      usualIn.set(name, (usualIn.get(name) ?? 0) + (state.cells[cell]?.usualRequests ?? 0));
  const scopes: Scope[] = [];
  for (const name of [...usualIn.keys()].toSorted()) {
    const track = state.groups[name] as GroupTrack;
    const isFilled = (usualIn.get(name) ?? 0) >= scopePart * track.usualRequests;
    if (!isFilled || largest <= 0) continue;
    const isWhole = cells.some((cell) => classOf(cell) === name);
    scopes.push({
      name: scopeName(name),
      track,
      share: Math.min(1, track.usualRequests / largest),
      isWhole,
      isHttp: cells.some((cell) => cell.startsWith("http") && groupsOf(cell).includes(name)),
    });
  }
  return scopes;
}

/** Name of a group in a reader's words. */
function scopeName(group: string): string {
  return group === modelCalls ? "all model calls" : group.replace("=", " ");
}
