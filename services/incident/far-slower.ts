/**
 * Answers that are far slower than usual, again and again or without an end. One of 25 requests of a cell is no outage, and a ticket; that it
 * is so for ten minutes in all is worth a page, in a small part of the traffic for as much longer.
 */
import { logSlowdown } from "./slowness.ts";
import type { CellTrack } from "./track.ts";

const halfLifeMs = 2 * 3_600_000;
/** From here on it counts. */
export const farSlowerLastsMs = 10 * 60_000;
/** So much more must come once people were paged for it, or each return of what comes and goes would page them. */
export const farSlowerAgainMs = 60 * 60_000;
/** Longer prompts take longer: ln of the growth from which slow answers are theirs. */
const promptsExplain = Math.log(1.25);
/** So do all answers of a cell that is slower by this: that has rules of its own, also once most of its requests have gone elsewhere. */
const allAreSlower = Math.log(1.25);

/** How long a cell has surely had such answers, ms, fading, negative after a page: takes a window in. */
export function stepFarSlower(track: CellTrack, windowMs: number): void {
  const isCounted =
    track.straggling.isSure &&
    track.promptGrowth < promptsExplain &&
    logSlowdown(track.lastingSlow) + track.latencyDrift < allAreSlower;
  track.farSlowerMs =
    track.farSlowerMs * 2 ** (-windowMs / halfLifeMs) + (isCounted ? windowMs : 0);
}
