/**
 * The course of an incident, window by window: its leading signal and how many of its cells were unusual. Read from the log
 * once and then carried on, because every open page asks again with every window.
 */
import type { CellKey } from "../contracts/cell.ts";
import type { Frame, SignalName } from "../contracts/frame.ts";
import type { IncidentDetail, Point } from "../contracts/http-api.ts";
import { mostHit } from "../contracts/incident.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";
import { offsetAtTime, readFrames } from "./frame-range.ts";
import type { IncidentKnown } from "./state.ts";

export interface Course {
  readonly cell: CellKey;
  readonly points: Point[];
  readonly spread: IncidentDetail["spread"];
}

export interface CourseReader {
  read(known: IncidentKnown, nowMs: number): Promise<Course>;
}

/** What is shown before the first sign and after the end. */
const beforeMs = 5 * 60_000;
const afterMs = 5 * 60_000;
/** A very long incident shows its first hours. */
const maxFrames = 2_500;
const keptCourses = 8;

interface Kept {
  readonly cell: CellKey;
  readonly signal: SignalName;
  /** Next offset of each partition. */
  readonly offsets: number[];
  frames: number;
  readonly points: Map<number, Point>;
  /** By window: signals that were unusual, of the cells that had any. */
  readonly unusual: Map<number, Map<string, UnusualCell>>;
  reading: Promise<void>;
}

interface UnusualCell {
  readonly anomalous: readonly SignalName[];
  readonly watching: readonly SignalName[];
}

export function createCourseReader(log: Log, framePartitions: number): CourseReader {
  const kept = new Map<string, Kept>();

  async function open(known: IncidentKnown): Promise<Kept> {
    const { latest } = known;
    const offsets = await Promise.all(
      Array.from({ length: framePartitions }, (_, partition) =>
        offsetAtTime(log, { topic: topics.frames, partition }, latest.sinceMs - beforeMs),
      ),
    );
    return {
      cell: leadingCell(known),
      signal: latest.leadingSignal,
      offsets,
      frames: 0,
      points: new Map(),
      unusual: new Map(),
      reading: Promise.resolve(),
    };
  }

  async function carryOn(course: Kept, untilMs: number): Promise<void> {
    for (const [partition, fromOffset] of course.offsets.entries())
      course.offsets[partition] = await readFrames(
        log,
        { partition, fromOffset, untilMs, maxFrames: maxFrames - course.frames },
        (frame) => take(course, frame),
      );
  }

  return {
    async read(known, nowMs) {
      const { latest } = known;
      let course = kept.get(latest.incident);
      if (
        course === undefined ||
        course.signal !== latest.leadingSignal ||
        course.cell !== leadingCell(known)
      ) {
        course = await open(known);
        kept.delete(latest.incident);
        kept.set(latest.incident, course);
        const [oldest] = kept.keys();
        if (kept.size > keptCourses && oldest !== undefined) kept.delete(oldest);
      }
      const current = course;
      const untilMs = (latest.resolvedMs ?? nowMs) + afterMs;
      // One after the other: two pages that ask at once must not take a frame twice.
      current.reading = current.reading
        .catch(() => undefined)
        .then(() => carryOn(current, untilMs));
      await current.reading;
      return courseOf(current, known);
    },
  };
}

function take(course: Kept, frame: Frame): void {
  course.frames++;
  const atMs = frame.windowStartMs;
  const unusual = course.unusual.get(atMs) ?? new Map<string, UnusualCell>();
  course.unusual.set(atMs, unusual);
  for (const { cell, signals } of frame.cells) {
    const named = (wanted: string) =>
      signals.filter(({ state }) => state === wanted).map(({ signal }) => signal);
    const [anomalous, watching] = [named("anomalous"), named("watching")];
    if (anomalous.length + watching.length > 0) unusual.set(cell, { anomalous, watching });
    const leading =
      cell === course.cell ? signals.find(({ signal }) => signal === course.signal) : undefined;
    if (leading === undefined) continue;
    const { seen, expected, low, high } = leading;
    course.points.set(atMs, { atMs, seen, expected, low, high });
  }
}

function courseOf({ cell, points, unusual }: Kept, { revisions }: IncidentKnown): Course {
  const cells = new Set<string>(revisions.flatMap((revision) => revision.cells));
  const signals = new Set(revisions.flatMap((revision) => revision.signals));
  const gap = { seen: null, expected: null, low: null, high: null };
  const windows = [...unusual].sort(([a], [b]) => a - b);
  return {
    cell,
    points: points.size === 0 ? [] : windows.map(([atMs]) => points.get(atMs) ?? { atMs, ...gap }),
    spread: windows.map(([atMs, inWindow]) => {
      let [anomalous, watching] = [0, 0];
      for (const [key, states] of inWindow) {
        if (!cells.has(key)) continue;
        if (states.anomalous.some((signal) => signals.has(signal))) anomalous++;
        else if (states.watching.some((signal) => signals.has(signal))) watching++;
      }
      return { atMs, anomalous, watching };
    }),
  };
}

/** The cell that the alert tells the leading signal by. */
function leadingCell({ latest }: IncidentKnown): CellKey {
  const leading = mostHit(latest, ({ signal }) => signal === latest.leadingSignal);
  return leading?.cell ?? latest.cells[0] ?? ("" as CellKey);
}
