/** Incidents as wholes, from their transitions. */
import type { Incident } from "../contracts/incident.ts";

export interface IncidentEpisode {
  readonly incident: string;
  readonly title: string;
  readonly severity: Incident["severity"];
  readonly openedMs: number;
  /** First ticket and first page; undefined: none. */
  readonly ticketedMs: number | undefined;
  readonly pagedMs: number | undefined;
  /** Undefined: open at the end. */
  readonly resolvedMs: number | undefined;
  /** Every place that a transition named. */
  readonly dimensions: readonly Readonly<Record<string, string>>[];
}

/** In the order in which they opened. */
export function episodesOf(transitions: Iterable<Incident>): readonly IncidentEpisode[] {
  const all = new Map<string, IncidentEpisode>();
  for (const change of transitions) {
    const before = all.get(change.incident);
    const first = (name: Incident["transition"], known: number | undefined) =>
      known ?? (change.transition === name ? change.atMs : undefined);
    all.set(change.incident, {
      incident: change.incident,
      title: change.phase === "resolved" && before !== undefined ? before.title : change.title,
      severity: worse(before?.severity, change.severity),
      openedMs: before?.openedMs ?? change.atMs,
      ticketedMs: first("ticketed", before?.ticketedMs),
      pagedMs: first("paged", before?.pagedMs),
      resolvedMs: first("resolved", before?.resolvedMs),
      dimensions: [...(before?.dimensions ?? []), ...change.dimensions],
    });
  }
  return [...all.values()].sort((a, b) => a.openedMs - b.openedMs);
}

const ranks = { none: 0, ticket: 1, page: 2 } as const;

function worse(a: Incident["severity"] | undefined, b: Incident["severity"]) {
  return a !== undefined && ranks[a] > ranks[b] ? a : b;
}
