/**
 * What is small, in much of the traffic, and does not end (see `pressure.ts`): less than a cell's own requests prove within minutes, so that
 * now one cell shows it and now another. Once its place is known to have it, all cells that show their part of it over the last hour
 * have it too, and people are told once.
 */
import type { CellKey } from "../contracts/cell.ts";
import { type VisibleSignal, visibleSignals } from "../contracts/visible-signals.ts";
import { isLimitBroad } from "./cell-track.ts";
import type { DegradedSignal } from "./degraded-signal.ts";
import { type Family, familyOf } from "./families.ts";
import { failingOf, type GroupTrack, groupsOf } from "./group-track.ts";
import { lastingRatioAt, lastingShare, lastingToTell } from "./pressure.ts";
import type { IncidentState } from "./state.ts";
import { excessRatio, sureExcessRatio } from "./tally.ts";
import type { CellTrack } from "./track.ts";
import { largestClass } from "./traffic-share.ts";

/** What a place has had for long. */
export interface Lasting {
  readonly signal: VisibleSignal;
  readonly family: Family;
  readonly sinceMs: number;
  /** Ratio of its requests that fail beyond the usual, over the last hour. */
  readonly ratio: number;
}

/** A cell has a part in it once it surely has half of its place's ratio, and goes on to have it down to a quarter. */
const partToEnter = 0.5;
const partToStay = 0.25;
/**
 * Minutes and requests that tell whether it goes on, and the parts of the least ratio that they must show to begin with, and to go on. Five minutes of few
 * requests are without a failure now and then, and those of a gap without any request.
 */
const lastMinutes = 5;
const lastRequests = 1000;
const stillPart = { begins: 0.4, goesOn: 0.15 } as const;

/** Notes whether a place has it, once its window has been taken in. */
export function stepLastingPlace(track: GroupTrack, windowStartMs: number): void {
  if (track.lastingPressure === 0 && !track.isLasting) track.lastingSinceMs = windowStartMs;
  if (!track.isLasting && track.lastingPressure < lastingToTell) return;
  const part = track.isLasting ? stillPart.goesOn : stillPart.begins;
  const goesOn = hasLately(track, part);
  // What ended must not lend its weight to what is left of it.
  if (track.isLasting && !goesOn) track.lastingPressure = 0;
  track.isLasting = goesOn;
}

/** Whether a place that has it shows it plainly now. */
export function isPlainlyLasting(track: GroupTrack): boolean {
  return track.isLasting && hasLately(track, stillPart.begins);
}

function hasLately(track: GroupTrack, part: number): boolean {
  const { of, expected } = failingOf(track.longVisible, isLimitBroad(track.limitedBeyondFirst));
  return ratioLately(track) >= part * lastingRatioAt(of > 0 ? expected / of : 0);
}

/** Places with much of the traffic that have it, by group. */
export function lastingPlaces(state: IncidentState): ReadonlyMap<string, Lasting> {
  const places = new Map<string, Lasting>();
  const largest = largestClass(state);
  for (const name in state.groups) {
    const track = state.groups[name] as GroupTrack;
    if (!track.isLasting || track.usualRequests < lastingShare * largest) continue;
    const isBroad = isLimitBroad(track.limitedBeyondFirst);
    const signal = worstVisible(track.longVisible, isBroad);
    if (signal === undefined) continue;
    places.set(name, {
      signal,
      family: familyOf(signal, isBroad) as Family,
      sinceMs: track.lastingSinceMs,
      ratio: excessRatio(failingOf(track.longVisible, isBroad)),
    });
  }
  return places;
}

/** Adds what a cell has a part in, unless it is degraded by that already. */
export function addLasting(
  found: DegradedSignal[],
  at: {
    readonly key: CellKey;
    readonly track: CellTrack;
    readonly lasting: ReadonlyMap<string, Lasting>;
  },
): void {
  const { key, track, lasting } = at;
  if (lasting.size === 0) return;
  const isIn = track.degradedSinceMs > 0;
  const ratio = isIn ? excessRatio(track.longVisible) : sureExcessRatio(track.longVisible, 1);
  const part = isIn ? partToStay : partToEnter;
  for (const name of groupsOf(key)) {
    const place = lasting.get(name);
    if (place === undefined || ratio < part * place.ratio) continue;
    const { signal, family, sinceMs } = place;
    if (found.some((other) => other.signal === signal)) continue;
    found.push({ signal, family, sinceMs, evidence: 0 });
  }
}

/** Excess ratio of the last minutes with requests: as many as it takes to tell. */
export function ratioLately({ minutes }: GroupTrack): number {
  let failing = 0;
  let requests = 0;
  let taken = 0;
  for (const minute of minutes.toReversed()) {
    if (minute.requests === 0) continue;
    if (taken >= lastMinutes && requests >= lastRequests) break;
    failing += (minute.failing ?? 0) * minute.requests;
    requests += minute.requests;
    taken++;
  }
  return requests > 0 ? failing / requests : 0;
}

/** The kind of visible failure that exceeds its usual most; undefined when none does. */
export function worstVisible(
  visible: CellTrack["visible"],
  isBroad: boolean,
): VisibleSignal | undefined {
  let worst: VisibleSignal | undefined;
  let most = 0;
  for (const signal of visibleSignals) {
    const tally = visible[signal];
    if (tally === undefined) continue;
    if (signal === "rate_limited" && !isBroad) continue;
    const excess = tally.bad - tally.expected;
    if (excess > most) {
      most = excess;
      worst = signal;
    }
  }
  return worst;
}
