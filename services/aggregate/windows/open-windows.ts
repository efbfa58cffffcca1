/**
 * Event time of one source partition: which windows are open, what has come for each, and from which offset on a restart
 * must read to have it again.
 *
 * - Time of a span is its end, clamped to the record's arrival when it lies more than the allowed skew behind it.
 * - Watermark: running maximum of max(min(end, append) − lateness, append − idle timeout), append being the running maximum of
 *   arrival times. All spans of a record are held against the watermark before the record; then it rises.
 * - The first record has no watermark before it: the one after it decides, and the first window is the one it lies in.
 * - Late: the window's end is at or below that watermark. Late spans are counted in the oldest open window, by sender.
 */
import type { MetricPoint } from "../metrics/metric-point.ts";
import { type Candidates, createCandidates } from "../spans/candidates.ts";
import type { LogCounts } from "./log-counts.ts";

export interface WindowTimes {
  readonly lengthMs: number;
  readonly latenessMs: number;
  readonly idleTimeoutMs: number;
  readonly allowedSkewMs: number;
}

export interface SenderTally {
  spans: number;
  late: number;
  clamped: number;
}

/** What has come for a window. Kept beyond its close for as long as other windows look back at it. */
export interface OpenWindow {
  /** Start divided by length. */
  readonly index: number;
  /** First record that had something for it, and the position in time before that record. */
  readonly firstOffset: number;
  readonly before: Position;
  candidates: Candidates;
  /** Spans taken in. */
  spans: number;
  lateSpans: number;
  clampedSpans: number;
  duplicateSpans: number;
  readonly senders: Map<number, SenderTally>;
  /** Traces of spans without a parent. */
  roots: number[];
  /** Log records by service. */
  readonly logs: LogCounts;
  /** Data points of metrics. */
  points: MetricPoint[];
}

/** Where event time stands between two records; −Infinity before the first. */
export interface Position {
  readonly watermarkMs: number;
  readonly appendMs: number;
}

export const startPosition: Position = {
  watermarkMs: Number.NEGATIVE_INFINITY,
  appendMs: Number.NEGATIVE_INFINITY,
};

export interface OpenWindows {
  readonly times: WindowTimes;
  readonly byIndex: Map<number, OpenWindow>;
  position: Position;
  /** Oldest window that has not closed; undefined before the first record. */
  firstOpen: number | undefined;
  /** Candidates of closed windows, used again. */
  readonly spare: Candidates[];
  readonly dimensionCount: number;
}

export function createOpenWindows(
  times: WindowTimes,
  dimensionCount: number,
  position: Position,
): OpenWindows {
  const firstOpen =
    position.watermarkMs === Number.NEGATIVE_INFINITY
      ? undefined
      : Math.floor(position.watermarkMs / times.lengthMs);
  return { times, byIndex: new Map(), position, firstOpen, spare: [], dimensionCount };
}

/** Position after a record that arrived at `appendMs` and whose latest end (clamped to arrival) is `latestMs`. */
export function positionAfter(
  { position, times }: OpenWindows,
  appendMs: number,
  latestMs: number,
): Position {
  const append = Math.max(position.appendMs, appendMs);
  return {
    appendMs: append,
    watermarkMs: Math.max(
      position.watermarkMs,
      Math.min(latestMs, append) - times.latenessMs,
      append - times.idleTimeoutMs,
    ),
  };
}

export const windowIndexOf = (windows: OpenWindows, timeMs: number): number =>
  Math.floor(timeMs / windows.times.lengthMs);

/** The window's tallies; made when the record at `offset` is the first to have something for it. */
export function windowAt(windows: OpenWindows, index: number, offset: number): OpenWindow {
  const known = windows.byIndex.get(index);
  if (known !== undefined) return known;
  const made: OpenWindow = {
    index,
    firstOffset: offset,
    before: windows.position,
    candidates: windows.spare.pop() ?? createCandidates(windows.dimensionCount),
    spans: 0,
    lateSpans: 0,
    clampedSpans: 0,
    duplicateSpans: 0,
    senders: new Map(),
    roots: [],
    logs: new Map(),
    points: [],
  };
  windows.byIndex.set(index, made);
  return made;
}

/** Senders told apart in a window; further ones are counted together as sender 0. */
const senderLimit = 1_000;

export function senderIn(window: OpenWindow, sender: number): SenderTally {
  const known = window.senders.get(sender);
  if (known !== undefined) return known;
  const id = window.senders.size < senderLimit ? sender : 0;
  const tally = window.senders.get(id) ?? { spans: 0, late: 0, clamped: 0 };
  window.senders.set(id, tally);
  return tally;
}

/** Earliest offset that holds anything of windows from `oldest` on; undefined where there is nothing. */
export function earliestNeeded(windows: OpenWindows, oldest: number): OpenWindow | undefined {
  let earliest: OpenWindow | undefined;
  for (const window of windows.byIndex.values()) {
    if (window.index < oldest) continue;
    if (earliest === undefined || window.firstOffset < earliest.firstOffset) earliest = window;
  }
  return earliest;
}
