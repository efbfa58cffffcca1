/** What an incident has in common beside its place: a version, an instance, a tier, a size of prompts. */
import { ratioSurprise } from "./evidence.ts";
import type { ValueCounts } from "./state.ts";

/** Counts by value of a dimension beside the cell, over the affected cells. */
export type DimensionCounts = Readonly<
  Record<string, Readonly<Record<string, Readonly<ValueCounts>>>>
>;

/** Dimensions that say what happened rather than where; shown, never named as the place. */
const whatNotWhere = new Set(["error.type"]);
/** Part of the bad requests that one value must hold, and how few of theirs the other values may have. */
const leastShare = 0.8;
const mostOutside = 0.3;
/**
 * Bad requests from which a value is named, and digits of surprise, were all values alike, that as many of them are its own; paid for by the
 * number of values.
 */
const leastBad = 6;
const surpriseOfOne = 3;

/**
 * One value of one further dimension that holds nearly all of it while the other values are fine. Compared within cells, so
 * that a value that stands for a region or a model explains nothing by that.
 */
export function otherDimension(
  dimensions: DimensionCounts,
): Readonly<Record<string, string>> | undefined {
  let best:
    | { readonly name: Readonly<Record<string, string>>; readonly outside: number }
    | undefined;
  for (const dimension of Object.keys(dimensions).toSorted()) {
    if (whatNotWhere.has(dimension)) continue;
    const values = Object.entries(dimensions[dimension] ?? {});
    const bad = values.reduce((sum, [, counts]) => sum + counts.bad, 0);
    for (const [value, counts] of values) {
      if (value === "_other" || value === "" || bad < leastBad) continue;
      const expectedOutside = bad - counts.expected;
      if (counts.bad < leastShare * bad || expectedOutside <= 0) continue;
      const surprise = ratioSurprise(counts.bad, bad, {
        atMost: counts.expected / bad,
        dispersion: 1,
      });
      if (surprise < surpriseOfOne + Math.log10(values.length)) continue;
      const outside = (bad - counts.bad) / expectedOutside;
      if (outside > mostOutside) continue;
      if (best === undefined || outside < best.outside)
        best = { name: { [dimension]: value }, outside };
    }
  }
  return best?.name;
}
