/** How shares of a cell's window are merged: integers add, so any order gives the same. */
import { mergeSketches } from "../../detectors/sketch.ts";
import type { CellWindow, DimensionCounts, DimensionValue, Example } from "./window.ts";

/** Examples kept per cell and window. */
export const exampleLimit = 4;
/** Values kept per dimension, cell and window. */
const dimensionValueLimit = 12;

/**
 * Merges two shares of the same cell and window. Counts add, bitmaps join, dimension values are cut again to the limit,
 * examples to theirs (see `pickExamples`).
 */
export function mergeCells(left: CellWindow, right: CellWindow): CellWindow {
  return {
    cell: left.cell,
    counters: left.counters.map((count, id) => count + (right.counters[id] ?? 0)),
    sketches: mergeRecords(left.sketches, right.sketches, mergeSketches),
    breadth: mergeRecords(left.breadth, right.breadth, joinBits),
    dimensions: mergeDimensions(left.dimensions, right.dimensions),
    gauges: mergeRecords(left.gauges, right.gauges, (a, b) => a + b),
    examples: pickExamples([...left.examples, ...right.examples]),
  };
}

function mergeRecords<T>(
  left: Readonly<Record<string, T>>,
  right: Readonly<Record<string, T>>,
  merge: (a: T, b: T) => T,
): Record<string, T> {
  const merged: Record<string, T> = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const before = merged[key];
    merged[key] = before === undefined ? value : merge(before, value);
  }
  return merged;
}

function joinBits(left: Uint8Array, right: Uint8Array): Uint8Array {
  const longer = left.length >= right.length ? left : right;
  const shorter = longer === left ? right : left;
  const joined = Uint8Array.from(longer);
  for (let i = 0; i < shorter.length; i++)
    joined[i] = (joined[i] as number) | (shorter[i] as number);
  return joined;
}

function mergeDimensions(
  left: readonly DimensionCounts[],
  right: readonly DimensionCounts[],
): DimensionCounts[] {
  const byName = new Map(left.map((counts) => [counts.dimension, counts.values]));
  for (const { dimension, values } of right)
    byName.set(dimension, [...(byName.get(dimension) ?? []), ...values]);
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([dimension, values]) => ({ dimension, values: limitDimensionValues(values) }));
}

/** Sums equal values, keeps the largest by requests (ties by name) and sums the rest under `_other`, which comes last. */
export function limitDimensionValues(values: readonly DimensionValue[]): DimensionValue[] {
  const byValue = new Map<string, DimensionValue>();
  for (const value of values) {
    const before = byValue.get(value.value);
    byValue.set(value.value, before === undefined ? value : addDimensionValues(before, value));
  }
  const other = byValue.get("_other");
  byValue.delete("_other");
  const ranked = [...byValue.values()].sort(
    (a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1),
  );
  const rest = ranked.slice(dimensionValueLimit);
  if (other !== undefined) rest.push(other);
  const kept = ranked.slice(0, dimensionValueLimit);
  if (rest.length > 0) kept.push({ ...rest.reduce(addDimensionValues), value: "_other" });
  return kept;
}

function addDimensionValues(left: DimensionValue, right: DimensionValue): DimensionValue {
  return {
    value: left.value,
    requests: left.requests + right.requests,
    failures: left.failures + right.failures,
    limited: left.limited + right.limited,
    latency: mergeSketches(left.latency, right.latency),
  };
}

/** Failures first, then the slowest; ties by span and trace id, so that the choice does not depend on order. */
export function pickExamples(examples: readonly Example[]): Example[] {
  const failed = (example: Example) => (example.outcome === "ok" ? 0 : 1);
  const idsOf = ({ spanId, traceId }: Example) => spanId + traceId;
  return [...examples]
    .sort(
      (a, b) =>
        failed(b) - failed(a) || b.durationUs - a.durationUs || (idsOf(a) < idsOf(b) ? -1 : 1),
    )
    .slice(0, exampleLimit);
}
