/**
 * What a cell's frames told of further dimensions before it belonged to an incident: a page that comes with the first window of an incident
 * still names the version or the instance that is at fault.
 */
import type { CellFrame } from "../contracts/frame.ts";

export interface RecentCounts {
  requests: number;
  failed: number;
  slow: number;
}

/** By dimension, then value. */
export type RecentDimensions = Record<string, Record<string, RecentCounts>>;

/** Requests left of a value below which it is forgotten. */
const leastRequests = 0.5;

/** Takes a window in, in place; frames tell of dimensions only while something is unusual. */
export function stepRecentDimensions(
  recent: RecentDimensions,
  frame: CellFrame,
  fade: number,
): void {
  for (const [dimension, values] of Object.entries(recent)) {
    for (const [value, counts] of Object.entries(values)) {
      counts.requests *= fade;
      counts.failed *= fade;
      counts.slow *= fade;
      if (counts.requests < leastRequests) delete values[value];
    }
    if (Object.keys(values).length === 0) delete recent[dimension];
  }
  for (const { dimension, values } of frame.dimensions) {
    const kept = recent[dimension] ?? {};
    recent[dimension] = kept;
    for (const { value, requests, failures, limited, slow } of values) {
      const counts = kept[value] ?? { requests: 0, failed: 0, slow: 0 };
      kept[value] = counts;
      counts.requests += requests;
      counts.failed += failures + limited;
      counts.slow += slow;
    }
  }
}
