/** One incident in full: the alert's text, the order of things, the leading signal and the spread. */

import { alertText } from "../contracts/alert-text.ts";
import { type CellKey, cellTitle, parseCellKey } from "../contracts/cell.ts";
import { type Frame, signalCatalog } from "../contracts/frame.ts";
import type { IncidentDetail, Point } from "../contracts/http-api.ts";
import type { Incident } from "../contracts/incident.ts";
import type { Log } from "../log/log.ts";
import { readFrames } from "./frame-range.ts";
import { summaryOf } from "./now.ts";
import type { ConsoleState, IncidentKnown } from "./state.ts";
import { timelineOf } from "./timeline.ts";

export interface DetailOptions {
  readonly log: Log;
  readonly framePartitions: number;
  readonly nowMs: number;
  readonly timeZone: string;
  /** Base URL of the page, without a slash at its end. */
  readonly publicUrl: string;
}

/** What is shown before the first sign and after the end. */
const beforeMs = 5 * 60_000;
const afterMs = 5 * 60_000;
/** Windows are read from the log for each request; a very long incident shows its first hours. */
const maxFrames = 2_500;

export async function incidentDetail(
  state: ConsoleState,
  known: IncidentKnown,
  options: DetailOptions,
): Promise<IncidentDetail> {
  const { latest, acknowledged } = known;
  const deliveries = state.deliveries.get(latest.incident) ?? [];
  const course = await readCourse(known, options);
  const text = alertText(latest, options);
  return {
    summary: summaryOf(state, known, options.nowMs),
    incident: latest,
    text: [text.headline, ...text.lines].join("\n"),
    timeline: [...timelineOf(known, deliveries)],
    deliveries,
    acknowledged,
    series:
      course.points.length === 0
        ? null
        : {
            signal: latest.leadingSignal,
            words: signalCatalog[latest.leadingSignal].words,
            unit: signalCatalog[latest.leadingSignal].unit,
            where: cellTitle(parseCellKey(course.cell)),
            points: course.points,
          },
    spread: course.spread,
    attribution: latest.attribution,
  };
}

interface Course {
  readonly cell: CellKey;
  readonly points: Point[];
  readonly spread: IncidentDetail["spread"];
}

async function readCourse(known: IncidentKnown, options: DetailOptions): Promise<Course> {
  const { latest, revisions } = known;
  const cell = leadingCell(latest);
  const cells = new Set<string>(revisions.flatMap((revision) => revision.cells));
  const signals = new Set(revisions.flatMap((revision) => revision.signals));
  const points = new Map<number, Point>();
  const spread = new Map<number, { anomalous: number; watching: number }>();
  const take = (frame: Frame) => {
    const atMs = frame.windowStartMs;
    const counts = spread.get(atMs) ?? { anomalous: 0, watching: 0 };
    for (const one of frame.cells) {
      if (one.cell === cell) {
        const verdict = one.signals.find(({ signal }) => signal === latest.leadingSignal);
        if (verdict !== undefined) {
          const { seen, expected, low, high } = verdict;
          points.set(atMs, { atMs, seen, expected, low, high });
        }
      }
      if (!cells.has(one.cell)) continue;
      const states = one.signals
        .filter(({ signal }) => signals.has(signal))
        .map((verdict) => verdict.state);
      if (states.includes("anomalous")) counts.anomalous++;
      else if (states.includes("watching")) counts.watching++;
    }
    spread.set(atMs, counts);
  };
  await readFrames(
    options.log,
    {
      partitions: options.framePartitions,
      fromMs: latest.sinceMs - beforeMs,
      untilMs: (latest.resolvedMs ?? options.nowMs) + afterMs,
      maxFrames,
    },
    take,
  );
  const times = [...spread.keys()].sort((a, b) => a - b);
  const gap = { seen: null, expected: null, low: null, high: null };
  return {
    cell,
    points: points.size === 0 ? [] : times.map((atMs) => points.get(atMs) ?? { atMs, ...gap }),
    spread: times.map((atMs) => ({ atMs, anomalous: 0, watching: 0, ...spread.get(atMs) })),
  };
}

/** Where the leading signal is most surprising. */
function leadingCell({ evidence, leadingSignal, cells }: Incident): CellKey {
  const leading = evidence
    .filter(({ signal }) => signal === leadingSignal)
    .sort((a, b) => b.surprise - a.surprise);
  return leading[0]?.cell ?? cells[0] ?? ("" as CellKey);
}
