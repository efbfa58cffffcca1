/**
 * What is remembered of streams between windows: the last point of each, which a cumulative one counts from and a level holds.
 * It changes when a window closes and never else, so that a task that begins again before an open window decides the same.
 */
import { isResetPoint, type MetricPoint, type MetricStream, type Tally } from "./metric-point.ts";
import { growth, haveSameShape } from "./tally-difference.ts";

export interface KnownStream {
  readonly stream: MetricStream;
  startMs: number;
  timeMs: number;
  /** Between its last two points, ms; 0 while it had one. */
  intervalMs: number;
  /** The last level; undefined where it is none. */
  level: number | undefined;
  /** Whether it has been said since that there is none any more. */
  hasEnded: boolean;
  /** The last tally of a cumulative stream. */
  tally: Tally | undefined;
}

export interface KnownStreams {
  readonly byKey: Map<string, KnownStream>;
  /** When each reporter (metric and sender) was last heard, event time in ms; +Infinity once streams of it were left out. */
  readonly reporters: Map<string, number>;
  /** Start of the first window that had anything, Unix ms; undefined before. */
  sinceMs: number | undefined;
}

/** Streams kept, as a bound on memory; further ones are left out. */
const streamLimit = 20_000;
/** A reporter that was not heard of for so long is forgotten with its streams, ms. */
const forgetAfterMs = 3_600_000;
/** A level holds for so many of its intervals, and never longer than Prometheus would have it. */
const heldIntervals = 3;
const firstIntervalMs = 60_000;
const shortestHoldMs = 15_000;
const longestHoldMs = 300_000;

export function createKnownStreams(): KnownStreams {
  return { byKey: new Map(), reporters: new Map(), sinceMs: undefined };
}

/**
 * What a point adds to its stream: undefined for levels, baselines and what came before. Points of a stream in the order of
 * their times. Changes `known`.
 */
export function takePoint(known: KnownStreams, point: MetricPoint): Tally | undefined {
  const { stream, value } = point;
  const before = known.byKey.get(stream.key);
  if (value.kind === "none") {
    if (before !== undefined && point.timeMs >= before.timeMs) before.hasEnded = true;
    return undefined;
  }
  const isOld = before !== undefined && point.timeMs <= before.timeMs;
  if (isOld && value.kind !== "level") return undefined;
  if (before === undefined && known.byKey.size >= streamLimit) {
    // Whoever comes into its place later must not be taken for new.
    known.reporters.set(stream.reporter, Number.POSITIVE_INFINITY);
    return undefined;
  }
  const added = addedBy(known, point, before);
  remember(known, point, before);
  return added;
}

/**
 * A stream that is known has grown since its last point. It began anew where its start is another one, or where it fell: then
 * all of it is new. One that is not known is new as a whole where it began after the first window here, or where its reporter
 * was heard before without it (an error that had not occurred yet); else what it counted before is none of ours.
 */
function addedBy(
  known: KnownStreams,
  point: MetricPoint,
  before: KnownStream | undefined,
): Tally | undefined {
  const { startMs, timeMs, value } = point;
  if (value.kind === "delta") return value.tally;
  if (value.kind !== "cumulative") return undefined;
  const { tally } = value;
  if (before?.tally === undefined) return isNew(known, point) ? tally : undefined;
  if (timeMs - before.timeMs > forgetAfterMs) return undefined;
  const isRestarted = startMs !== before.startMs && startMs > 0 && before.startMs > 0;
  // A scraper that began anew does not know since when the stream counts; the stream itself may have gone on.
  if (isRestarted && !isResetPoint(point)) return tally;
  const more = growth(tally, before.tally);
  if (more !== undefined) return more;
  return haveSameShape(tally, before.tally) ? tally : undefined;
}

function isNew(known: KnownStreams, point: MetricPoint): boolean {
  const { stream, startMs, timeMs } = point;
  const heardMs = known.reporters.get(stream.reporter);
  if (heardMs !== undefined && timeMs > heardMs && timeMs - heardMs <= forgetAfterMs) return true;
  const { sinceMs } = known;
  return startMs > 0 && sinceMs !== undefined && startMs >= sinceMs && !isResetPoint(point);
}

function remember(known: KnownStreams, point: MetricPoint, before: KnownStream | undefined): void {
  const { stream, startMs, timeMs, value } = point;
  const level = value.kind === "level" ? value.level : undefined;
  const tally = value.kind === "cumulative" ? value.tally : undefined;
  if (before === undefined)
    known.byKey.set(stream.key, {
      stream,
      startMs,
      timeMs,
      intervalMs: 0,
      level,
      tally,
      hasEnded: false,
    });
  else {
    if (timeMs > before.timeMs) before.intervalMs = timeMs - before.timeMs;
    before.startMs = startMs;
    before.timeMs = timeMs;
    before.level = level;
    before.hasEnded = false;
    before.tally = tally;
  }
}

/** Call once the window's points have been taken: their reporters are known from now on. Changes `known`. */
export function noteReporters(known: KnownStreams, points: readonly MetricPoint[]): void {
  for (const { stream, timeMs } of points)
    known.reporters.set(
      stream.reporter,
      Math.max(timeMs, known.reporters.get(stream.reporter) ?? 0),
    );
}

/** The level that a stream has in a window; undefined where it has none, or was not told of for too long. */
export function levelIn(
  { level, intervalMs, timeMs, hasEnded }: KnownStream,
  window: { readonly startMs: number; readonly endMs: number },
): number | undefined {
  if (timeMs >= window.startMs) return level;
  const held = heldIntervals * (intervalMs === 0 ? firstIntervalMs : intervalMs);
  const holdMs = Math.min(longestHoldMs, Math.max(shortestHoldMs, held));
  return hasEnded || window.endMs - timeMs > holdMs ? undefined : level;
}

/** Forgets reporters that were not heard of for long, and their streams. Changes `known`. */
export function forgetSilent(known: KnownStreams, nowMs: number): void {
  for (const [reporter, heardMs] of known.reporters)
    if (nowMs - heardMs > forgetAfterMs) known.reporters.delete(reporter);
  for (const [key, { stream }] of known.byKey)
    if (!known.reporters.has(stream.reporter)) known.byKey.delete(key);
}
