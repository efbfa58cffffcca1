/** The dimensions of a cell's window as frames carry them: with slow requests counted against the cell's own baseline. */
import type { SparseSketch } from "../../detectors/sketch.ts";
import type { CellFrame } from "../contracts/frame.ts";
import type { DimensionCounts } from "../contracts/window.ts";

/** `slowAboveUs`: the cell's usual 95th percentile; undefined while it is not known. */
export function frameDimensions(
  dimensions: readonly DimensionCounts[],
  slowAboveUs: number | undefined,
): CellFrame["dimensions"] {
  return dimensions.map(({ dimension, values }) => ({
    dimension,
    values: values.map(({ value, requests, failures, limited, latency }) => ({
      value,
      requests,
      failures,
      limited,
      slow: slowAboveUs === undefined ? 0 : countAbove(latency, slowAboveUs),
      ...(latency.buckets.length === 0
        ? {}
        : { latency: { buckets: [...latency.buckets], counts: [...latency.counts] } }),
    })),
  }));
}

/**
 * Values above a limit in a half-octave histogram (index ⌊2·log₂ µs⌋). Of the bucket that holds the limit, the share above it
 * counts as if its values lay evenly on the logarithmic scale, rounded to whole requests.
 */
export function countAbove({ buckets, counts }: SparseSketch, limitUs: number): number {
  const position = 2 * Math.log2(limitUs);
  const limitBucket = Math.floor(position);
  let above = 0;
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i] as number;
    const count = counts[i] as number;
    if (bucket > limitBucket) above += count;
    else if (bucket === limitBucket) above += count * (1 - (position - limitBucket));
  }
  return Math.round(above);
}
