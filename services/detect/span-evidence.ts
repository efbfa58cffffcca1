/**
 * How much evidence stands behind counts. Sampled spans count for those that were left out, so that sums are right; but ten requests of
 * one span are one observation, and a detector that is shown ten of a kind takes them for proof.
 */
import type { SparseSketch } from "../../detectors/sketch.ts";
import type { CellFrame } from "../contracts/frame.ts";
import { type CellWindow, counter } from "../contracts/window.ts";

/** Spans a request, on average: 1 where nothing is sampled. */
export function spansPerRequest(window: CellWindow): number {
  const requests = counter(window, "requests");
  const spans = counter(window, "spans");
  return spans > 0 && spans < requests ? spans / requests : 1;
}

/** As many of `count` requests as spans stand behind. */
export const observed = (count: number, perRequest: number): number =>
  perRequest === 1 ? count : Math.round(count * perRequest);

/** The same values, as often as spans had them. */
export function observedSketch(sketch: SparseSketch, perRequest: number): SparseSketch {
  return perRequest === 1 ? sketch : thinned(sketch, perRequest);
}

function thinned(
  sketch: SparseSketch,
  perRequest: number,
): { buckets: number[]; counts: number[] } {
  const buckets: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < sketch.buckets.length; i++) {
    const count = observed(sketch.counts[i] as number, perRequest);
    if (count === 0) continue;
    buckets.push(sketch.buckets[i] as number);
    counts.push(count);
  }
  return { buckets, counts };
}

/** Counts by value, as often as spans had them. */
export function observedDimensions(
  dimensions: CellFrame["dimensions"],
  perRequest: number,
): CellFrame["dimensions"] {
  if (perRequest === 1) return dimensions;
  return dimensions.map(({ dimension, values }) => ({
    dimension,
    values: values.map((value) => ({
      ...value,
      requests: observed(value.requests, perRequest),
      failures: observed(value.failures, perRequest),
      limited: observed(value.limited, perRequest),
      slow: observed(value.slow, perRequest),
      ...(value.latency !== undefined && { latency: thinned(value.latency, perRequest) }),
    })),
  }));
}
