/** Bars for the page: which values of each attribute the bad requests have. */
import { cellAttributes, parseCellKey } from "../contracts/cell.ts";
import type { Attribution } from "../contracts/incident.ts";
import type { Attributes } from "../contracts/place.ts";
import type { DimensionCounts } from "./other-dimension.ts";
import type { PlaceSample } from "./place-sample.ts";

const mostAttributions = 12;

/** Counts and shares of each value that matters, named ones first. */
export function listAttribution(of: {
  readonly samples: readonly PlaceSample[];
  readonly places: readonly Attributes[];
  readonly dimensions: DimensionCounts;
  readonly other: Attributes | undefined;
}): Attribution[] {
  const byValue = new Map<string, { dimension: string; value: string; bad: number; of: number }>();
  const count = (dimension: string, value: string, counts: { bad: number; of: number }) => {
    const name = `${dimension}\u001f${value}`;
    const kept = byValue.get(name) ?? { dimension, value, bad: 0, of: 0 };
    byValue.set(name, { ...kept, bad: kept.bad + counts.bad, of: kept.of + counts.of });
  };
  for (const sample of of.samples)
    for (const [name, value] of Object.entries(cellAttributes(parseCellKey(sample.cell))))
      count(name, value, { bad: Math.max(0, sample.bad - sample.expected), of: sample.of });
  for (const [dimension, values] of Object.entries(of.dimensions))
    for (const [value, counts] of Object.entries(values)) count(dimension, value, counts);
  const totals = new Map<string, { bad: number; of: number }>();
  for (const entry of byValue.values()) {
    const kept = totals.get(entry.dimension) ?? { bad: 0, of: 0 };
    totals.set(entry.dimension, { bad: kept.bad + entry.bad, of: kept.of + entry.of });
  }
  const isNamed = (dimension: string, value: string) =>
    of.places.some((place) => place[dimension] === value) || of.other?.[dimension] === value;
  return [...byValue.values()]
    .map((entry) => {
      const total = totals.get(entry.dimension) ?? { bad: 0, of: 0 };
      return {
        dimension: entry.dimension,
        value: entry.value,
        bad: Math.round(entry.bad),
        of: Math.round(entry.of),
        share: total.bad > 0 ? entry.bad / total.bad : 0,
        expectedShare: total.of > 0 ? entry.of / total.of : 0,
        isNamed: isNamed(entry.dimension, entry.value),
      };
    })
    .filter((entry) => entry.isNamed || entry.share >= 0.1)
    .toSorted(
      (a, b) =>
        Number(b.isNamed) - Number(a.isNamed) ||
        b.share - b.expectedShare - (a.share - a.expectedShare) ||
        (a.dimension + a.value < b.dimension + b.value ? -1 : 1),
    )
    .slice(0, mostAttributions);
}
