/**
 * Traffic that falls, comes back and falls again within minutes is no choice of its users: a way to the service flaps. A quarter less is
 * enough then, where a single fall must be by half; each time from one minute to the next, in every region at once. What flaps often grows: a
 * first fall counts from a seventh on, since it tells nothing by itself.
 */
import type { FleetWindow } from "./join.ts";

const minuteMs = 60_000;
const lastsMs = 2 * minuteMs;
/** Between the two minutes before and the last two: the fall itself. */
const fallMs = 30_000;
/** Parts of the level before: of the last two minutes' mean, which no window may exceed, and of every region's last minute. */
interface Fall {
  readonly mean: number;
  readonly window: number;
  readonly region: number;
}
const firstFall: Fall = { mean: 0.86, window: 1.05, region: 0.93 };
const laterFall: Fall = { mean: 0.75, window: 0.95, region: 0.85 };
/** Standard deviations of a count that a fall must be, and by how much requests vary more than independent ones would. */
const surely = 4;
const burstiness = 2;
/** Traffic is back once so much of what was missing is there again. */
const backPart = 2 / 3;
/** Two falls within this time make one trouble; what stays low as long is a new level. */
const togetherMs = 30 * minuteMs;
const newLevelMs = 12 * minuteMs;

export interface TrafficFlaps {
  /** Starts of the falls of the last half hour. */
  falls: readonly number[];
  /** Requests a window before the last fall, and the lowest two minutes' mean since. */
  level: number;
  lowest: number;
  isLow: boolean;
  /** When traffic was last low. */
  lowMs: number;
}

export const initialFlaps = (): TrafficFlaps => ({
  falls: [],
  level: 0,
  lowest: 0,
  isLow: false,
  lowMs: 0,
});

interface Flapping {
  /** Requests a window before the last fall. */
  readonly usual: number;
  readonly sinceMs: number;
  /** Share that is missing now, 0 … 1. */
  readonly share: number;
}

interface FlapStep extends Pick<FleetWindow, "windowMs" | "windowStartMs"> {
  /** Requests of all cells a window, for some minutes, oldest first. */
  readonly recentRequests: readonly number[];
  /** Requests a window below which a fall says nothing. */
  readonly leastRequests: number;
  /** Whether every region's last minute is below this part of its level before. */
  readonly isEveryRegionBelow: (part: number) => boolean;
}

/** Steps what is known of falls, in place; gives the loss while traffic flaps. */
export function stepFlaps(flaps: TrafficFlaps, step: FlapStep): Flapping | null {
  const { recentRequests, windowMs, windowStartMs } = step;
  const last = recentRequests.slice(-Math.round(lastsMs / windowMs));
  const now = mean(last);
  flaps.falls = flaps.falls.filter((ms) => windowStartMs - ms <= togetherMs);
  if (flaps.isLow) {
    flaps.lowMs = windowStartMs;
    flaps.lowest = Math.min(flaps.lowest, now);
    if (now >= flaps.lowest + backPart * (flaps.level - flaps.lowest)) flaps.isLow = false;
    else if (windowStartMs - (flaps.falls.at(-1) ?? 0) > newLevelMs) {
      flaps.isLow = false;
      flaps.falls = [];
    }
  } else {
    const level = levelFallenFrom(step, flaps.falls.length === 0 ? firstFall : laterFall);
    if (level !== undefined) {
      flaps.isLow = true;
      flaps.level = level;
      flaps.lowest = now;
      flaps.lowMs = windowStartMs;
      flaps.falls = [...flaps.falls, windowStartMs];
    }
  }
  if (flaps.falls.length < 2 || windowStartMs - flaps.lowMs > newLevelMs) return null;
  return {
    usual: flaps.level,
    sinceMs: flaps.falls[0] ?? windowStartMs,
    share: Math.max(0, 1 - now / flaps.level),
  };
}

/** The level of two minutes, half a minute before the last two, if those are clearly and steadily below it everywhere. */
function levelFallenFrom(step: FlapStep, fall: Fall): number | undefined {
  const { recentRequests: requests } = step;
  const lately = Math.round(lastsMs / step.windowMs);
  const gap = Math.round(fallMs / step.windowMs);
  if (requests.length < 2 * lately + gap) return undefined;
  const before = requests.slice(-2 * lately - gap, -lately - gap);
  const last = requests.slice(-lately);
  const level = mean(before);
  // Windows without anything are a gap of the telemetry.
  const isFallen =
    level >= step.leastRequests &&
    // A few requests a window halve by chance.
    (level - mean(last)) * lately >= surely * Math.sqrt(burstiness * level * lately) &&
    mean(last) <= fall.mean * level &&
    before.every((count) => count > 0) &&
    last.every((count) => count > 0 && count <= fall.window * level);
  return isFallen && step.isEveryRegionBelow(fall.region) ? level : undefined;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
