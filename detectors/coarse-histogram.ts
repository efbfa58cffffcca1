/**
 * A decayed histogram of single values, eight buckets to an octave (9 % wide): what a cell's requests usually take.
 * Bucket boundaries are bucket boundaries of the sketch, so counts above one are exact.
 */
import { bucketLow, bucketOf, bucketValue, type SparseSketch } from "./sketch.ts";

export interface CoarseHistogram {
  /** Index of the first bucket. */
  from: number;
  /** Decayed counts. */
  counts: number[];
  total: number;
}

/** Sketch buckets to one of these. */
const span = 8;

export function emptyHistogram(): CoarseHistogram {
  return { from: 0, counts: [], total: 0 };
}

/** Decays what is known and adds the values divided by `factor`, in place. */
export function learnHistogram(
  histogram: CoarseHistogram,
  sketch: SparseSketch,
  factor: number,
  decay: number,
): void {
  const { counts } = histogram;
  for (let i = 0; i < counts.length; i++) counts[i] = (counts[i] as number) * decay;
  histogram.total *= decay;
  for (let i = 0; i < sketch.buckets.length; i++) {
    const found = sketch.buckets[i] as number;
    const bucket = Math.floor(
      (factor === 1 ? found : bucketOf(bucketValue(found) / factor)) / span,
    );
    const count = sketch.counts[i] as number;
    reach(histogram, bucket);
    counts[bucket - histogram.from] = (counts[bucket - histogram.from] as number) + count;
    histogram.total += count;
  }
}

function reach(histogram: CoarseHistogram, bucket: number): void {
  const { counts } = histogram;
  if (counts.length === 0) {
    histogram.from = bucket;
    counts.push(0);
    return;
  }
  while (bucket < histogram.from) {
    counts.unshift(0);
    histogram.from--;
  }
  while (bucket >= histogram.from + counts.length) counts.push(0);
}

/** The lowest boundary (a sketch bucket) with at most 1 − q of the total at or above it. */
export function boundaryAt(histogram: CoarseHistogram, q: number): number {
  const allowed = (1 - q) * histogram.total;
  let above = 0;
  let i = histogram.counts.length;
  while (i > 0 && above + (histogram.counts[i - 1] as number) <= allowed) {
    i--;
    above += histogram.counts[i] as number;
  }
  return (histogram.from + i) * span;
}

/** Decayed count at or above a boundary. */
export function countFrom(histogram: CoarseHistogram, boundary: number): number {
  let above = 0;
  for (let i = Math.max(0, boundary / span - histogram.from); i < histogram.counts.length; i++)
    above += histogram.counts[i] as number;
  return above;
}

/** Values of a sketch at or above a boundary that is moved up by `factor`. */
export function sketchCountFrom(sketch: SparseSketch, boundary: number, factor: number): number {
  const bucket = factor === 1 ? boundary : bucketOf(boundaryValue(boundary) * factor);
  let above = 0;
  for (let i = sketch.buckets.length - 1; i >= 0 && (sketch.buckets[i] as number) >= bucket; i--)
    above += sketch.counts[i] as number;
  return above;
}

/** The value that a boundary stands for. */
export function boundaryValue(boundary: number): number {
  return bucketLow(boundary);
}
