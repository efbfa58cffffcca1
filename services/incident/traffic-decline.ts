/**
 * Users who leave slowly: over hours, so that no fall from one minute to the next shows it (`traffic-loss.ts`). Traffic is held against what this time
 * of the week usually has; what tells a loss from a whim is that it is far beyond what that expectation has ever erred by, for two
 * hours. It is never more than a ticket: a holiday that nobody configured looks the same.
 */
import { type SeasonalState, seasonal } from "../../detectors/seasonal.ts";
import { type Calendar, wallTimeOf } from "./calendar.ts";
import type { FleetWindow } from "./join.ts";

/** Traffic against this time of the week. */
export interface TrafficDecline {
  readonly season: SeasonalState;
  /** Start of the half hour that is being filled. */
  halfHourMs: number;
  /** Half hours in a row that were plainly below what is usual, and the start of the first. */
  halfHoursBelow: number;
  sinceMs: number;
  /** Whether that makes a decline, until most of it is back or has become usual. */
  isPlain: boolean;
  /** Share of the usual requests that was missing in the last half hour. */
  share: number;
}

export const initialDecline = (): TrafficDecline => ({
  season: seasonal.initialState(),
  halfHourMs: 0,
  halfHoursBelow: 0,
  sinceMs: 0,
  isPlain: false,
  share: 0,
});

/** A quarter less, at least, and so many times the mean error at that time of the day. */
const leastDecline = Math.log(4 / 3);
const plainly = 4;
const halfHoursNeeded = 4;
/** Days that a half hour must be known of: each weekday once. */
const daysNeeded = 7;
/** Requests a half hour below which a fall says nothing. */
const leastRequests = 100;
/** Part of a least decline that ends one. */
const backPart = 0.5;

/** Takes the window's requests in, in place. `isSilent`: a gap of the telemetry, which says nothing of users. */
export function stepTrafficDecline(
  decline: TrafficDecline,
  { windowMs, windowStartMs, cells }: Pick<FleetWindow, "windowMs" | "windowStartMs" | "cells">,
  { calendar, isSilent }: { readonly calendar: Calendar; readonly isSilent: boolean },
): void {
  const at = wallTimeOf(windowStartMs, calendar);
  const { day, halfHour } = decline.season.filling;
  const isNext = day !== at.day || halfHour !== at.halfHour;
  const requests = cells.reduce((sum, frame) => sum + frame.requests, 0);
  const ended = seasonal.step(decline.season, requests, { at, windowMs, isFrozen: isSilent });
  if (!isNext) return;
  const startMs = decline.halfHourMs;
  decline.halfHourMs = windowStartMs;
  if (at.isException) {
    decline.halfHoursBelow = 0;
    decline.isPlain = false;
  }
  // Nothing is over by a gap.
  if (ended === undefined || at.isException) return;
  const { residual, error, days, usual } = ended;
  const isBelow =
    days >= daysNeeded &&
    usual >= leastRequests &&
    residual <= -Math.max(leastDecline, plainly * error);
  if (!isBelow) decline.halfHoursBelow = 0;
  else if (decline.halfHoursBelow++ === 0 && !decline.isPlain) decline.sinceMs = startMs;
  decline.isPlain = decline.isPlain
    ? residual <= -backPart * leastDecline
    : decline.halfHoursBelow >= halfHoursNeeded;
  decline.share = Math.max(0, -Math.expm1(residual));
}
