/**
 * Another trouble that joins an incident which people were paged for: where one model fails, a region begins to, or becomes slow. Whoever
 * works on the first would not hear of it, since the incident is no worse by its ratio, nor twice as wide. It is told once it has lasted.
 */
import { type CellKey, cellAttributes, parseCellKey } from "../contracts/cell.ts";
import { type Attributes, holds, placesOf } from "../contracts/place.ts";
import { placeOf } from "./place.ts";
import type { RecordInput } from "./record-input.ts";
import { slowerPlaces } from "./slower-place.ts";
import type { Episode } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

const minuteMs = 60_000;
/** Minutes for which the same place must be named that was not told. */
const leastMinutes = 3;
/** Share of traffic that it must have beyond the places told, and part of what these have. */
const leastShare = 0.05;
const leastPart = 0.25;

/** Notes, once a minute, which place is named that was not told; returns whether it is time to tell of it. */
export function stepUntoldPlace(input: RecordInput): boolean {
  const { episode, state, window, opinion } = input;
  const { toldPlaces: told = [] } = episode;
  if (episode.severity !== "page" || episode.family !== "service" || told.length === 0)
    return false;
  const perMinute = Math.max(1, Math.round(minuteMs / window.windowMs));
  if (state.windows % perMinute !== 0) return false;
  // What pages no more is about to end, and what is small shows its place by an hour's counts.
  const isPlain = opinion.severity === "page" && opinion.leads !== "lasting";
  const name = isPlain ? untoldPlace(input, told) : undefined;
  const { untoldPlace: before } = episode;
  if (name === undefined) delete episode.untoldPlace;
  else episode.untoldPlace = { name, minutes: before?.name === name ? before.minutes + 1 : 1 };
  return (episode.untoldPlace?.minutes ?? 0) >= leastMinutes;
}

export function rememberToldPlaces(episode: Episode, dimensions: readonly Attributes[]): void {
  if (episode.severity !== "page") return;
  episode.toldPlaces = [...(episode.toldPlaces ?? []), ...placesOf(dimensions)];
  delete episode.untoldPlace;
}

function untoldPlace(input: RecordInput, told: readonly Attributes[]): string | undefined {
  const { dimensions } = placeOf(input);
  const places = placesOf([...dimensions, ...slowerPlaces(input, dimensions)]);
  const isTold = (key: CellKey) => isIn(told, key);
  const { view, state } = input;
  const known = trafficShare(state, view.cells.filter(isTold));
  for (const place of places) {
    if (told.some((other) => holds(other, place))) continue;
    const beyond = view.cells.filter((key) => isIn([place], key) && !isTold(key));
    const share = trafficShare(state, beyond);
    if (share >= leastShare && share >= leastPart * known) return JSON.stringify(place);
  }
  return undefined;
}

function isIn(places: readonly Attributes[], key: CellKey): boolean {
  const attributes = cellAttributes(parseCellKey(key));
  return places.some((place) => holds(place, attributes));
}
