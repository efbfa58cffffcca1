/** The order of things in an incident: first signs, transitions, deliveries, people. Pure. */
import { cellTitle, parseCellKey } from "../contracts/cell.ts";
import { signalCatalog } from "../contracts/frame.ts";
import type { TimelineEntry } from "../contracts/http-api.ts";
import type { Incident } from "../contracts/incident.ts";
import type { Delivery } from "../contracts/records.ts";
import type { IncidentKnown } from "./state.ts";
import { formatExpected, formatRatio, formatValue, plural } from "./web/format.ts";

const shownEntries = 200;

/** Oldest first; at most 200 entries, of which the first are kept. */
export function timelineOf(
  { revisions, acknowledged }: IncidentKnown,
  deliveries: readonly Delivery[],
): readonly TimelineEntry[] {
  const entries = [
    ...signs(revisions),
    ...revisions.map(transitionEntry),
    ...deliveries.filter(({ outcome }) => outcome !== "acknowledged").map(deliveryEntry),
    ...(acknowledged === null
      ? []
      : [
          {
            atMs: acknowledged.atMs,
            kind: "acknowledged" as const,
            what: `Acknowledged by ${acknowledged.by}`,
            where: acknowledged.note,
          },
        ]),
  ];
  return entries.sort((a, b) => a.atMs - b.atMs).slice(0, shownEntries);
}

/** When each signal was first unusual in each cell, with what was seen then. */
function signs(revisions: readonly Incident[]): TimelineEntry[] {
  const seen = new Map<string, TimelineEntry>();
  for (const { evidence } of revisions)
    for (const { signal, cell, sinceMs, seen: value, low, high } of evidence) {
      const key = `${signal}\n${cell}`;
      if (seen.has(key)) continue;
      const { words, unit } = signalCatalog[signal];
      const expected = formatExpected(low, high, unit);
      seen.set(key, {
        atMs: sinceMs,
        kind: "sign",
        what: `${upperFirst(words)} unusual: ${formatValue(value, unit)}${expected === "" ? "" : `, expected ${expected}`}`,
        where: cellTitle(parseCellKey(cell)),
      });
    }
  return [...seen.values()];
}

const transitionWords: Readonly<Record<Incident["transition"], string>> = {
  opened: "Incident opened",
  ticketed: "Ticket",
  paged: "Page",
  grew: "Grew",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
};

function transitionEntry(incident: Incident): TimelineEntry {
  const size = `${incident.degradedCells} of ${plural(incident.liveCells, "cell")} degraded, ${formatRatio(incident.degradedShare)} of traffic`;
  return {
    atMs: incident.atMs,
    kind: incident.transition,
    what:
      incident.transition === "resolved"
        ? "Resolved"
        : `${transitionWords[incident.transition]}: ${incident.title}`,
    where: incident.transition === "resolved" ? "" : size,
  };
}

function deliveryEntry(delivery: Delivery): TimelineEntry {
  const { outcome, sink, transition, detail, attempts, atMs } = delivery;
  const what = transition === "renotified" ? "repeat" : transition;
  switch (outcome) {
    case "failed":
      return { atMs, kind: "failure", what: `Could not tell ${sink} (${what})`, where: detail };
    case "silenced":
      return { atMs, kind: "silenced", what: `Not told to ${sink} (${what})`, where: detail };
    default:
      return {
        atMs,
        kind: "delivery",
        what: `Told ${sink} (${what})`,
        where: attempts > 1 ? `after ${attempts} tries` : "",
      };
  }
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
