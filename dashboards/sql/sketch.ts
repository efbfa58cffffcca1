/**
 * Quantiles and shares of merged sketches, in SQL. `windows` stores a sketch as two arrays: bucket numbers and counts
 * (detectors/sketch.ts: 64 buckets to an octave, so a quantile is off by at most 1/129). Merging is adding counts, and the
 * ⌈q·n⌉-th smallest is what `quantileExactWeighted` takes, bucket numbers being in the order of their values; `Array` steps
 * through both arrays together, and `OrNull` makes an empty sketch NULL.
 */
export type SketchColumn = "duration" | "ttft" | "tpot" | "output_tokens" | "input_tokens";

/** The value that stands for a bucket, its middle: 0 … 63 are exact, then (64 + b mod 64 + ½)·2^shift − ½. */
const bucketMiddle = (bucket: string) =>
  `if(${bucket} < 64, toFloat64(${bucket}), (64 + ${bucket} % 64 + 0.5) * exp2(intDiv(${bucket}, 64) - 1) - 0.5)`;

/** Quantile of all sketches of the group, in the sketch's unit (µs or tokens); NULL where there is none. */
export const sketchQuantile = (column: SketchColumn, q: number) =>
  bucketMiddle(
    `assumeNotNull(quantileExactWeightedOrNullArray(${q})(${column}_buckets, ${column}_counts))`,
  );

const hasValues = (column: SketchColumn) => `sum(length(${column}_buckets)) > 0`;

/** The same in seconds, for the sketches that are in µs. */
export const secondsQuantile = (column: "duration" | "ttft" | "tpot", q: number) =>
  `if(${hasValues(column)}, (${sketchQuantile(column, q)}) / 1e6, NULL)`;

export const tokensQuantile = (column: "output_tokens" | "input_tokens", q: number) =>
  `if(${hasValues(column)}, ${sketchQuantile(column, q)}, NULL)`;

/** Bucket of a number of µs given as SQL, as `bucketOf` counts it for values of 64 and more. */
const bucketOf = (us: string) =>
  `(64 * (toInt64(floor(log2(${us}))) - 6 + 1) + toInt64(floor(${us} / exp2(floor(log2(${us})) - 6))) - 64)`;

/** How many values of the group lie in buckets up to that of `seconds` (SQL): right to the width of one bucket, 1.6 %. */
export const countUpTo = (column: "duration" | "ttft", seconds: string) =>
  `sum(arraySum((bucket, n) -> if(bucket <= ${bucketOf(`(${seconds} * 1e6)`)}, n, 0), ${column}_buckets, ${column}_counts))`;

export const countOf = (column: SketchColumn) => `sum(arraySum(${column}_counts))`;
