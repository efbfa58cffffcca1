/** Data points as values: what a stream said at a time, and which stream it is. */
import type { CellKey } from "../../contracts/cell.ts";

/** All points with the same metric, sender and attributes. */
export interface MetricStream {
  readonly key: string;
  readonly cell: CellKey;
  /** Position in `metricMappings`. */
  readonly mapping: number;
  /** Index in `outcomes`, and a `finishKind`, of the requests that it counts. */
  readonly outcome: number;
  readonly finish: number;
  readonly tokens: "input" | "output" | "";
  /** µs (or tokens) in one of its units. */
  readonly scale: number;
  /** Metric and sender: whether it has been told of before, whatever its attributes. */
  readonly reporter: string;
}

/** Bucket i lies in (bounds[i − 1], bounds[i]]; counts has one more than bounds. */
export interface ExplicitBuckets {
  readonly kind: "explicit";
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** Bucket i lies in (base^(offset + i), base^(offset + i + 1)], base = 2^(2^−scale); `zeroCount` at 0. */
export interface ExponentialBuckets {
  readonly kind: "exponential";
  readonly scale: number;
  readonly offset: number;
  readonly zeroCount: number;
  readonly counts: readonly number[];
}

export type Buckets = ExplicitBuckets | ExponentialBuckets;

/** A number of things, and for histograms their sum and where they lie. */
export interface Tally {
  readonly count: number;
  /** In the metric's unit; NaN where it has none. */
  readonly sum: number;
  readonly buckets: Buckets | undefined;
}

export type PointValue =
  | { readonly kind: "level"; readonly level: number }
  | { readonly kind: "cumulative"; readonly tally: Tally }
  | { readonly kind: "delta"; readonly tally: Tally }
  /** The stream has ended, or could not be read: a scrape failed. */
  | { readonly kind: "none" };

export interface MetricPoint {
  readonly stream: MetricStream;
  /** Unix ms; `startMs` is 0 where the point does not say since when it counts. */
  readonly startMs: number;
  readonly timeMs: number;
  readonly value: PointValue;
}

/** Whether it is a "true reset point": nothing is known of before, and its value is where the next ones count from. */
export function isResetPoint({ startMs, timeMs }: MetricPoint): boolean {
  return startMs === timeMs && startMs > 0;
}
