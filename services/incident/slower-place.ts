/**
 * Where requests were told to be slow, and still are, once an incident is told by what fails elsewhere: cluster after cluster connects
 * slowly before it fails, and the one that fails first is not all of it.
 */
import { cellAttributes, parseCellKey } from "../contracts/cell.ts";
import type { DegradedSignal } from "./degraded-signal.ts";
import { slownessSignals } from "./families.ts";
import { type Attributes, holds } from "./place-sample.ts";
import type { RecordInput } from "./record-input.ts";

const slow = new Set<string>([...slownessSignals, "stragglers"]);

/** Places that were told for their slowness, are not named now for their failures, and have cells that are only slow. */
export function slowerPlaces(
  { episode: { said }, view, degraded, opinion }: RecordInput,
  named: readonly Attributes[],
): readonly Attributes[] {
  const isFailing = opinion.leads === "failing" || opinion.leads === "outright";
  if (said === null || !slow.has(said.leadingSignal) || !isFailing || named.length === 0) return [];
  return said.dimensions.filter(
    (place) =>
      !named.some((other) => holds(other, place)) &&
      view.cells.some(
        (key) =>
          holds(place, cellAttributes(parseCellKey(key))) && isOnlySlow(degraded.get(key) ?? []),
      ),
  );
}

function isOnlySlow(signals: readonly DegradedSignal[]): boolean {
  return signals.every(({ signal }) => slow.has(signal));
}
