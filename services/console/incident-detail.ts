/** One incident in full: the alert's text, the order of things, the leading signal and the spread. Pure. */
import { alertText } from "../contracts/alert-text.ts";
import { cellTitle, parseCellKey } from "../contracts/cell.ts";
import { signalCatalog } from "../contracts/frame.ts";
import type { IncidentDetail } from "../contracts/http-api.ts";
import type { Course } from "./incident-course.ts";
import { summaryOf } from "./now.ts";
import type { ConsoleState, IncidentKnown } from "./state.ts";
import { timelineOf } from "./timeline.ts";

export interface DetailOptions {
  readonly nowMs: number;
  readonly timeZone: string;
  /** Base URL of the page, without a slash at its end. */
  readonly publicUrl: string;
}

export function incidentDetail(
  state: ConsoleState,
  known: IncidentKnown,
  { course, options }: { readonly course: Course; readonly options: DetailOptions },
): IncidentDetail {
  const { latest, acknowledged } = known;
  const deliveries = state.deliveries.get(latest.incident) ?? [];
  const text = alertText(latest, options);
  return {
    summary: summaryOf(state, known, options.nowMs),
    incident: latest,
    text: [text.headline, ...text.lines].join("\n"),
    timeline: [...timelineOf(known, deliveries)],
    deliveries,
    acknowledged,
    series: seriesOf(known, course),
    spread: course.spread,
    attribution: latest.attribution,
  };
}

function seriesOf({ latest }: IncidentKnown, { cell, points }: Course): IncidentDetail["series"] {
  if (points.length === 0) return null;
  const signal = latest.leadingSignal;
  const { words, unit } = signalCatalog[signal];
  return { signal, words, unit, where: cellTitle(parseCellKey(cell)), points };
}
