/** Open incidents, worst first, each a line to open; then those that are over. */
import type { IncidentSummary } from "../../contracts/http-api.ts";
import { h } from "./dom.ts";
import { formatClock, formatDuration, formatLeft, formatNumber, formatRatio } from "./format.ts";
import { glyph } from "./glyph.ts";

export function incidentList(incidents: readonly IncidentSummary[], nowMs: number): HTMLElement {
  return h(
    "ul",
    { class: "incidents" },
    ...incidents.map((incident) => h("li", {}, incidentLine(incident, nowMs))),
  );
}

function incidentLine(incident: IncidentSummary, nowMs: number): HTMLElement {
  const isOver = incident.phase === "resolved";
  const severity = incident.severity === "page" ? "page" : "ticket";
  return h(
    "a",
    {
      class: `incident ${isOver ? "over" : severity}`,
      href: `/incidents/${encodeURIComponent(incident.incident)}`,
      "data-route": true,
      "data-nav": `incident:${incident.incident}`,
      "data-incident": incident.incident,
    },
    h("span", { class: "sign" }, glyph(isOver ? "normal" : severity)),
    h(
      "span",
      { class: "incident-text" },
      h("span", { class: "title" }, incident.title),
      h("span", { class: "muted" }, facts(incident, nowMs)),
    ),
    isOver ? null : h("span", { class: "left" }, formatLeft(incident, nowMs)),
  );
}

/** Less is chance in a single window. */
const leastShown = 0.02;

/** Where it stands, how large it is, who has it. */
export function facts(incident: IncidentSummary, nowMs: number): string {
  const isOver = incident.phase === "resolved";
  const lasted = formatDuration((incident.resolvedMs ?? nowMs) - incident.sinceMs);
  return [
    isOver
      ? `resolved ${formatClock(incident.resolvedMs ?? 0, nowMs, undefined)}, lasted ${lasted}`
      : `for ${lasted}, since ${formatClock(incident.sinceMs, nowMs, undefined)}`,
    ...(isOver
      ? []
      : [
          `${incident.degradedCells} of ${incident.liveCells} cells, ${formatRatio(incident.degradedShare)} of traffic`,
        ]),
    ...(incident.failingNow === null || incident.failingNow < leastShown
      ? []
      : [`${formatRatio(incident.failingNow)} fail now`]),
    `${formatNumber(incident.bad)} of ${formatNumber(incident.of)} requests hit`,
    ...(incident.phase === "resolving" ? ["easing"] : []),
    ...(incident.acknowledgedBy === null || isOver
      ? []
      : [`acknowledged by ${incident.acknowledgedBy}`]),
    ...(incident.isSilenced && !isOver ? ["silenced"] : []),
  ].join(" · ");
}
