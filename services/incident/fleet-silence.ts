/** Whether nothing at all is heard: the way here may be down, and single cells are not judged. */
import type { FleetWindow } from "./join.ts";
import type { IncidentState } from "./state.ts";

/** A collector's restart takes up to two minutes. */
const fleetSilentMs = 300_000;

export function stepFleetSilence(state: IncidentState, window: FleetWindow): void {
  const isSilent =
    window.pipeline.spans === 0 && window.cells.every((frame) => frame.requests === 0);
  state.silentWindows = isSilent ? state.silentWindows + 1 : 0;
}

export function isFleetSilent(state: IncidentState, windowMs: number): boolean {
  return state.silentWindows * windowMs >= fleetSilentMs;
}
