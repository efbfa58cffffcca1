/** What is known of a cell's silences: how long it has been quiet before, and how busy it was. */
import type { CellTrack } from "./track.ts";

export interface SilenceMemory {
  /** Requests a window before the present silence, and the longest silence known, in windows. */
  usualRequests: number;
  longestQuiet: number;
}

/** Steps what is known of a cell's silences in place; call after the cell's own step. */
export function stepSilence(memory: SilenceMemory, track: CellTrack, fadeUsual: number): void {
  if (track.requests > 0) memory.usualRequests = track.usualRequests;
  memory.longestQuiet *= fadeUsual;
}

/** Called when requests come again: a silence that ended is a silence that this cell has. */
export function endSilence(memory: SilenceMemory, quietWindows: number): void {
  memory.longestQuiet = Math.max(memory.longestQuiet, quietWindows);
}
