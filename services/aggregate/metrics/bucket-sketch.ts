/**
 * Histograms of metrics as sketches. A histogram says how many values lie in a bucket and not where: they are spread evenly
 * over it, so that a quantile of the sketch lies in the bucket that holds the histogram's quantile, and is off by less than
 * that bucket's width (plus the sketch's own 1/128). An exponential histogram's bucket of scale s is 2^(2^−s) − 1 of its
 * value wide: 9 % at scale 3, 0.3 % at scale 8.
 */
import { addToSketch, type SketchBuilder } from "../../../detectors/sketch.ts";
import type { Buckets, ExponentialBuckets, Tally } from "./metric-point.ts";

/** Places that the values of one bucket are spread over. */
const placesOfBucket = 32;

/** Adds the values of a histogram, each times `scale`. One without buckets has all its values at their mean. */
export function addTally(into: SketchBuilder, tally: Tally, scale: number): void {
  const { buckets, count, sum } = tally;
  if (buckets === undefined || countOf(buckets) === 0) {
    if (count > 0 && sum >= 0) addToSketch(into, (sum / count) * scale, count);
    return;
  }
  if (buckets.kind === "exponential") addExponential(into, buckets, scale);
  else addExplicit(into, buckets.bounds, { counts: buckets.counts, scale });
}

function countOf(buckets: Buckets): number {
  let total = buckets.kind === "exponential" ? buckets.zeroCount : 0;
  for (const count of buckets.counts) total += count;
  return total;
}

/** The first bucket begins at 0; the last has no end, and its values count as the highest bound. */
function addExplicit(
  into: SketchBuilder,
  bounds: readonly number[],
  of: { readonly counts: readonly number[]; readonly scale: number },
): void {
  const { counts, scale } = of;
  for (let i = 0; i < counts.length; i++) {
    const low = i === 0 ? Math.min(0, bounds[0] ?? 0) : (bounds[i - 1] as number);
    const high = bounds[i] ?? low;
    spread(into, { low: low * scale, high: high * scale, count: counts[i] as number });
  }
}

function addExponential(into: SketchBuilder, buckets: ExponentialBuckets, scale: number): void {
  const { offset, counts, zeroCount } = buckets;
  if (zeroCount > 0) addToSketch(into, 0, zeroCount);
  const step = 2 ** -buckets.scale;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count === 0) continue;
    const low = 2 ** ((offset + i) * step);
    const high = 2 ** ((offset + i + 1) * step);
    spread(into, { low: low * scale, high: high * scale, count });
  }
}

/** Whole counts at the middles of equal parts: as many parts as there are values, up to a limit. */
function spread(
  into: SketchBuilder,
  bucket: { readonly low: number; readonly high: number; readonly count: number },
): void {
  const { low, high, count } = bucket;
  if (!(count > 0)) return;
  const places = Math.min(placesOfBucket, count);
  const width = Number.isFinite(high) && Number.isFinite(low) ? (high - low) / places : 0;
  let placed = 0;
  for (let place = 1; place <= places; place++) {
    const upTo = Math.floor((count * place) / places);
    addToSketch(into, low + (place - 0.5) * width, upTo - placed);
    placed = upTo;
  }
}
