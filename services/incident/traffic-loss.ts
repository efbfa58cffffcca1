/**
 * Users who no longer reach the service leave no failed request behind, only fewer of them. Traffic alone is weak evidence: real fleets lose
 * a third within ten minutes several times a week. What counts is a fall to less than half, from one minute to the next, in every
 * region at once, while telemetry keeps coming.
 */
import type { FleetWindow } from "./join.ts";
import type { IncidentState } from "./state.ts";

const minuteMs = 60_000;
const keptMs = 12 * minuteMs;
const lastsMs = 2 * minuteMs;
/** Part of the requests before, at which the last two minutes' mean is a loss, and which no window may exceed. */
const lostPart = 0.5;
const lostPartOfWindow = 0.65;
/** A region takes part when its last whole minute had less than this part, and so many of them must. */
const lostPartOfRegion = 0.6;
const leastRegions = 0.75;
/** Requests a window below which a fall says nothing. */
const leastRequests = 20;

/** Takes the window's requests in. */
export function stepTrafficLoss(state: IncidentState, window: FleetWindow): void {
  const requests = window.cells.reduce((sum, frame) => sum + frame.requests, 0);
  state.recentRequests.push(requests);
  while (state.recentRequests.length * window.windowMs > keptMs) state.recentRequests.shift();
}

/** Share of the traffic that is lost; undefined while it is not lost everywhere at once. */
export function trafficLoss(state: IncidentState, windowMs: number): number | undefined {
  const lately = Math.round(lastsMs / windowMs);
  const { recentRequests } = state;
  // A usual level needs as many minutes again as a loss, and more.
  if (recentRequests.length < 4 * lately) return undefined;
  const usual = upperQuartile(recentRequests.slice(0, -lately));
  const last = recentRequests.slice(-lately);
  if (usual < leastRequests) return undefined;
  // Windows without anything are a gap of the telemetry, which is told apart from a loss.
  if (last.some((requests) => requests === 0 || requests > lostPartOfWindow * usual))
    return undefined;
  const part = last.reduce((sum, requests) => sum + requests, 0) / lately / usual;
  return part <= lostPart && isEveryRegion(state) ? 1 - part : undefined;
}

function isEveryRegion(state: IncidentState): boolean {
  let regions = 0;
  let lost = 0;
  for (const [name, group] of Object.entries(state.groups)) {
    if (!name.startsWith("region=")) continue;
    const minutes = group.minutes.slice(-12).map(({ requests }) => requests);
    const usual = upperQuartile(minutes.slice(0, -2));
    if (!(usual > 0)) continue;
    regions++;
    if ((minutes[minutes.length - 1] ?? 0) <= lostPartOfRegion * usual) lost++;
  }
  return lost >= leastRegions * regions;
}

function upperQuartile(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(0.75 * sorted.length)] ?? 0;
}
