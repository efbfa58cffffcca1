/** Which versions, instances or tiers surely fail, how much of the traffic that is, and which cells show it. */
import type { CellKey } from "../contracts/cell.ts";
import { classOf } from "./group-track.ts";
import type { FleetWindow } from "./join.ts";
import type { IncidentState } from "./state.ts";
import type { CellTrack } from "./track.ts";

/** A slice of which it is certain that it fails. */
export interface FailingSlice {
  readonly class: string;
  readonly dimension: string;
  readonly value: string;
  readonly sinceMs: number;
  /** Failing part of what was told of it lately, and its failing requests as a part of all traffic. */
  readonly ratio: number;
  readonly ofAll: number;
}

/** Parts of all traffic that differ by no more than rounding are the same requests. */
const sameRequests = 1e-9;

/** Those of which it is certain, the one with most failures first. */
export function failingSlices(
  state: IncidentState,
  { windowStartMs, windowMs }: Pick<FleetWindow, "windowStartMs" | "windowMs">,
): FailingSlice[] {
  const found: FailingSlice[] = [];
  const requests = Math.max(
    0,
    ...Object.keys(state.slices).map((name) => state.groups[name]?.visible.failures?.of ?? 0),
  );
  for (const [name, dimensions] of Object.entries(state.slices))
    for (const [dimension, values] of Object.entries(dimensions))
      for (const [value, { isSure, bad, of, windows }] of Object.entries(values)) {
        if (!isSure || of <= 0 || requests <= 0) continue;
        const sinceMs = windowStartMs - (windows - 1) * windowMs;
        const counts = { ratio: bad / of, ofAll: Math.min(1, bad / requests) };
        found.push({ class: name, dimension, value, sinceMs, ...counts });
      }
  // The same requests by two dimensions: of the first process of a version, the version says more, and has fewer values beside it.
  const valuesOf = ({ class: name, dimension }: FailingSlice) =>
    Object.keys(state.slices[name]?.[dimension] ?? {}).length;
  return found.toSorted(
    (a, b) =>
      (Math.abs(b.ofAll - a.ofAll) > sameRequests ? b.ofAll - a.ofAll : 0) ||
      valuesOf(a) - valuesOf(b) ||
      (a.dimension + a.value + a.class < b.dimension + b.value + b.class ? -1 : 1),
  );
}

/** What a cell's frames told of a slice lately. */
export function countsIn(
  track: CellTrack,
  { dimension, value }: FailingSlice,
): { readonly requests: number; readonly failed: number } {
  return track.recentDimensions[dimension]?.[value] ?? { requests: 0, failed: 0 };
}

/** Failing requests of the last minute or two with which a cell shows that a slice fails in it. */
const leastFailed = 0.5;

/** Whether a cell has failing requests of a slice. */
export function showsSlice(key: CellKey, track: CellTrack, slice: FailingSlice): boolean {
  return classOf(key) === slice.class && countsIn(track, slice).failed >= leastFailed;
}
