/**
 * Users who no longer reach the service leave no failed request behind, only fewer of them. Traffic alone is weak evidence: real fleets lose
 * a third within ten minutes several times a week. What counts is a fall to less than half, from one minute to the next, in every
 * region at once, while telemetry keeps coming.
 */
import type { FleetWindow } from "./join.ts";
import type { IncidentState } from "./state.ts";
import { stepFlaps } from "./traffic-flaps.ts";
import { isEndOfSurge, rememberLevel } from "./traffic-surge.ts";

const minuteMs = 60_000;
const keptMs = 12 * minuteMs;
const lastsMs = 2 * minuteMs;
/** Part of the requests before, at which the last two minutes' mean is a loss, and which no window may exceed. */
const lostPart = 0.5;
const lostPartOfWindow = 0.65;
/** A region takes part when its last whole minute had less than this part, and so many of them must. */
const lostPartOfRegion = 0.6;
const leastRegions = 0.75;
/** The two minutes before a loss had at least this part of the usual level: a slide into the night has not. */
const steadyPart = 0.85;
/** Requests a window below which a fall says nothing. */
const leastRequests = 20;

/** A loss ends where this part is back, or when it has become the usual level. */
const backPart = 0.65;
const longestMs = 60 * minuteMs;

/** Takes the window's requests in, and settles whether traffic is lost. */
export function stepTrafficLoss(state: IncidentState, window: FleetWindow): void {
  const { windowMs, windowStartMs } = window;
  const requests = window.cells.reduce((sum, frame) => sum + frame.requests, 0);
  const { recentRequests } = state;
  recentRequests.push(requests);
  while (recentRequests.length * windowMs > keptMs) recentRequests.shift();
  const lately = Math.round(lastsMs / windowMs);
  const now = mean(recentRequests.slice(-lately));
  const levels = state.trafficLevels ?? { levels: [], knownMs: 0 };
  state.trafficLevels = levels;
  if (state.trafficLoss === null && recentRequests.length * windowMs >= keptMs)
    rememberLevel(levels, upperQuartile(recentRequests), { windowStartMs, everyMs: keptMs });
  const flapping = stepFlaps(state.flaps, {
    recentRequests,
    windowMs,
    windowStartMs,
    leastRequests,
    isEveryRegionBelow: (part) => isEveryRegion(state, part),
    isEndOfSurge: (fall) => isEndOfSurge(levels, fall),
  });
  const known = state.trafficLoss;
  if (flapping !== null || known?.isRepeated === true) {
    state.trafficLoss = flapping === null ? null : { ...flapping, isRepeated: true };
    return;
  }
  if (known !== null) {
    const isOver = now >= backPart * known.usual || windowStartMs - known.sinceMs > longestMs;
    state.trafficLoss = isOver ? null : { ...known, share: 1 - now / known.usual };
    return;
  }
  const usual = levelBefore(recentRequests, lately);
  if (usual === undefined || now > lostPart * usual) return;
  if (isEndOfSurge(levels, { from: usual, to: now })) return;
  // Windows without anything are a gap of the telemetry, which is told apart from a loss.
  const isSteady = recentRequests
    .slice(-lately)
    .every((count) => count > 0 && count <= lostPartOfWindow * usual);
  if (isSteady && isEveryRegion(state, lostPartOfRegion))
    state.trafficLoss = {
      usual,
      sinceMs: windowStartMs,
      share: 1 - now / usual,
      isRepeated: false,
    };
}

/** The level that the last two minutes fell from; undefined where there was none: too little traffic, too short, or a slide. */
function levelBefore(requests: readonly number[], lately: number): number | undefined {
  if (requests.length < 4 * lately) return undefined;
  const usual = upperQuartile(requests.slice(0, -lately));
  const justBefore = mean(requests.slice(-2 * lately, -lately));
  return usual >= leastRequests && justBefore >= steadyPart * usual ? usual : undefined;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Whether so many regions had less than a part of their level in the last whole minute. */
function isEveryRegion(state: IncidentState, part: number): boolean {
  let regions = 0;
  let lost = 0;
  for (const [name, group] of Object.entries(state.groups)) {
    if (!name.startsWith("region=")) continue;
    const minutes = group.minutes.slice(-12).map(({ requests }) => requests);
    const usual = upperQuartile(minutes.slice(0, -2));
    if (!(usual > 0)) continue;
    regions++;
    if ((minutes[minutes.length - 1] ?? 0) <= part * usual) lost++;
  }
  return lost >= leastRegions * regions;
}

function upperQuartile(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(0.75 * sorted.length)] ?? 0;
}
