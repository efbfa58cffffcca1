/** Silences: which incidents they cover. Notify holds back by them, the console shows them. */
import type { Incident } from "./incident.ts";
import { holds, placesOf } from "./place.ts";

export interface Silence {
  readonly id: string;
  /** Attribute names and values that all must fit. */
  readonly matchers: Readonly<Record<string, string>>;
  readonly untilMs: number;
}

/**
 * A silence covers an incident when each of its places carries all matchers: a fault that also sits elsewhere stays loud.
 * `incident` is a matcher of its own, so that one incident can be silenced by name.
 */
export function isSilenced(
  incident: Incident,
  silences: readonly Silence[],
  nowMs: number,
): boolean {
  const places = placesOf(incident.dimensions);
  return silences.some(
    (silence) =>
      nowMs < silence.untilMs &&
      places.every((place) => holds(silence.matchers, { ...place, incident: incident.incident })),
  );
}
