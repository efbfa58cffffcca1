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
/** Standard deviations that a fall must be, of what the fleet's traffic does by itself, and by how much requests vary more than independent ones would at least. */
const surely = 4;
const burstiness = 2;
/** Two minutes each that must be known of the traffic before a fall of it is judged, and that are remembered: some nine hours. */
const leastKnown = 10;
const remembered = 260;
/** Deviations to which what is learnt is cut: a loss is not how traffic is. */
const clip = 3;
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
  /** How rough traffic is: mean square of ln(two minutes ÷ two minutes before), how often it was looked at, and when. */
  square: number;
  known: number;
  knownMs: number;
}

export const initialFlaps = (): TrafficFlaps => ({
  falls: [],
  level: 0,
  lowest: 0,
  isLow: false,
  lowMs: 0,
  square: 0,
  known: 0,
  knownMs: 0,
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
  /** Whether a fall, in requests a window, leads back to what was usual before a surge. */
  readonly isEndOfSurge: (fall: { readonly from: number; readonly to: number }) => boolean;
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
    const level = levelFallenFrom(flaps, step, flaps.falls.length === 0 ? firstFall : laterFall);
    if (flaps.falls.length === 0) learnRoughness(flaps, step);
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

/** Takes two minutes in, one after the other, while nothing has fallen. */
function learnRoughness(flaps: TrafficFlaps, step: FlapStep): void {
  if (step.windowStartMs - flaps.knownMs < lastsMs) return;
  const minutes = lastAndBefore(step);
  if (minutes === undefined || minutes.level <= 0 || minutes.now <= 0) return;
  const change = Math.log(minutes.now / minutes.level) ** 2;
  const learned =
    flaps.known < leastKnown ? change : Math.min(change, clip ** 2 * squareOf(flaps, minutes));
  flaps.known = Math.min(remembered, flaps.known + 1);
  flaps.square += (learned - flaps.square) / flaps.known;
  flaps.knownMs = step.windowStartMs;
}

interface TwoMinutes {
  readonly before: readonly number[];
  readonly last: readonly number[];
  /** Requests a window before and now. */
  readonly level: number;
  readonly now: number;
}

/** Variance of ln(now ÷ level): what was learnt, but no less than requests that come in bursts have. */
function squareOf({ square }: TrafficFlaps, { level, last }: TwoMinutes): number {
  return Math.max(square, (2 * burstiness) / (level * last.length));
}

function lastAndBefore({ recentRequests, windowMs }: FlapStep): TwoMinutes | undefined {
  const lately = Math.round(lastsMs / windowMs);
  const gap = Math.round(fallMs / windowMs);
  if (recentRequests.length < 2 * lately + gap) return undefined;
  const before = recentRequests.slice(-2 * lately - gap, -lately - gap);
  const last = recentRequests.slice(-lately);
  return { before, last, level: mean(before), now: mean(last) };
}

/** The level of two minutes, half a minute before the last two, if those are clearly and steadily below it everywhere. */
function levelFallenFrom(flaps: TrafficFlaps, step: FlapStep, fall: Fall): number | undefined {
  const minutes = lastAndBefore(step);
  if (minutes === undefined || flaps.known < leastKnown) return undefined;
  const { before, last, level, now } = minutes;
  // Windows without anything are a gap of the telemetry.
  const isFallen =
    level >= step.leastRequests &&
    now > 0 &&
    now <= fall.mean * level &&
    Math.log(level / now) >= surely * Math.sqrt(squareOf(flaps, minutes)) &&
    before.every((count) => count > 0) &&
    last.every((count) => count > 0 && count <= fall.window * level);
  if (!isFallen || step.isEndOfSurge({ from: level, to: now })) return undefined;
  return step.isEveryRegionBelow(fall.region) ? level : undefined;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
