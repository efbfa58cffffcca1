/**
 * Quantiles and shares of merged sketches, in SQL. `windows` stores a sketch as two arrays: bucket numbers and counts
 * (detectors/sketch.ts: 64 buckets to an octave, so a quantile is off by at most 1/128). Merging is adding counts, and the
 * ⌈q·n⌉-th smallest is what `quantilesExactWeighted` takes, bucket numbers being in the order of their values; `Array` steps
 * through both arrays together.
 */
export type SketchColumn = "duration" | "ttft" | "tpot" | "output_tokens" | "input_tokens";

/** The value that stands for a bucket, its middle: 0 … 63 are exact, then (64 + b mod 64 + ½)·2^shift − ½. */
const bucketMiddle = (bucket: string) =>
  `if(${bucket} < 64, toFloat64(${bucket}), (64 + ${bucket} % 64 + 0.5) * exp2(intDiv(${bucket}, 64) - 1) - 0.5)`;

/**
 * Quantiles of all sketches of the group, in the sketch's unit (µs or tokens) times `scale`; NULL where there is none. All are named
 * in each expression, so that the engine merges the sketches once.
 */
const sketchQuantiles = (column: SketchColumn, of: readonly number[], scale: string) =>
  of.map((_, i) => {
    const bucket = `quantilesExactWeightedArray(${of.join(", ")})(${column}_buckets, ${column}_counts)[${i + 1}]`;
    return `if(sum(length(${column}_buckets)) > 0, (${bucketMiddle(bucket)})${scale}, NULL)`;
  });

/** In seconds, for the sketches that are in µs. */
export const secondsQuantiles = (column: "duration" | "ttft" | "tpot", of: readonly number[]) =>
  sketchQuantiles(column, of, " / 1e6");

export const tokensQuantiles = (column: "output_tokens" | "input_tokens", of: readonly number[]) =>
  sketchQuantiles(column, of, "");

/** Bucket of a number of µs given as SQL, as `bucketOf` counts it for values of 64 and more. */
const bucketOf = (us: string) =>
  `(64 * (toInt64(floor(log2(${us}))) - 6 + 1) + toInt64(floor(${us} / exp2(floor(log2(${us})) - 6))) - 64)`;

/** How many values of the group lie in buckets up to that of `seconds` (SQL): right to the width of one bucket, 1.6 %. */
export const countUpTo = (column: "duration" | "ttft", seconds: string) =>
  `sum(arraySum((bucket, n) -> if(bucket <= ${bucketOf(`(${seconds} * 1e6)`)}, n, 0), ${column}_buckets, ${column}_counts))`;

export const countOf = (column: SketchColumn) => `sum(arraySum(${column}_counts))`;
