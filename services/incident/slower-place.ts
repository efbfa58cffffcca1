/**
 * Where requests are slow while an incident is told by what fails elsewhere. What was told to be slow, and still is: cluster after cluster connects
 * slowly before it fails, and the one that fails first is not all of it. And what is so slow that it would page by itself: another trouble, of which
 * nobody would hear.
 */
import { type CellKey, cellAttributes, parseCellKey } from "../contracts/cell.ts";
import { type Attributes, holds } from "../contracts/place.ts";
import { locate } from "./attribution.ts";
import type { DegradedSignal } from "./degraded-signal.ts";
import { slownessSignals } from "./families.ts";
import { slowSample } from "./place.ts";
import type { RecordInput } from "./record-input.ts";
import { lastingSlowdown, lastingSlowShare } from "./severity.ts";
import { beyondPrompts, logSlowdown } from "./slowness.ts";
import { add, emptyTally } from "./tally.ts";
import { trafficShare } from "./traffic-share.ts";

const slow = new Set<string>([...slownessSignals, "stragglers"]);

export function slowerPlaces(
  input: RecordInput,
  named: readonly Attributes[],
): readonly Attributes[] {
  const { leads } = input.opinion;
  if ((leads !== "failing" && leads !== "outright") || named.length === 0) return [];
  const known = stillSlower(input, named);
  const others = plainlySlower(input, [...named, ...known]);
  return [...known, ...others];
}

/** Places that were told for their slowness, are not named now for their failures, and have cells that are only slow. */
function stillSlower(
  { episode: { said }, view, degraded }: RecordInput,
  named: readonly Attributes[],
): readonly Attributes[] {
  if (said === null || !slow.has(said.leadingSignal)) return [];
  return said.dimensions.filter(
    (place) =>
      !named.some((other) => holds(other, place)) &&
      view.cells.some(
        (key) =>
          holds(place, cellAttributes(parseCellKey(key))) && isOnlySlow(degraded.get(key) ?? []),
      ),
  );
}

/** Places of model calls beside those named that are as slow, in as much of the traffic, as pages when it lasts. */
function plainlySlower(
  { view, state, degraded }: RecordInput,
  named: readonly Attributes[],
): readonly Attributes[] {
  const isBeside = (key: CellKey) =>
    key.startsWith("genai") &&
    !named.some((place) => holds(place, cellAttributes(parseCellKey(key))));
  const slower = view.cells.filter((key) => isBeside(key) && isOnlySlow(degraded.get(key) ?? []));
  if (trafficShare(state, slower) < lastingSlowShare) return [];
  const sum = emptyTally();
  let drift = 0;
  let prompts = 0;
  for (const key of slower) {
    const track = state.cells[key];
    if (track === undefined) continue;
    add(sum, track.lastingSlow);
    drift += track.latencyDrift * track.lastingSlow.of;
    prompts += track.promptGrowth * track.lastingSlow.of;
  }
  const slowdown = sum.of > 0 ? logSlowdown(sum) + drift / sum.of : 0;
  if (beyondPrompts(slowdown, sum.of > 0 ? prompts / sum.of : 0) < lastingSlowdown) return [];
  const samples = (Object.keys(state.cells).toSorted() as CellKey[])
    .filter(isBeside)
    .flatMap((key) => {
      const track = state.cells[key];
      if (track === undefined) return [];
      const sample = slowSample(key, track.lastingSlow, track.latencyDrift);
      return [{ ...sample, usual: track.usualRequests, isMember: slower.includes(key) }];
    });
  return locate(samples, {}).dimensions;
}

function isOnlySlow(signals: readonly DegradedSignal[]): boolean {
  return signals.every(({ signal }) => slow.has(signal));
}
