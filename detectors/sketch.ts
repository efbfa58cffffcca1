/**
 * A mergeable quantile sketch over positive integers: log-linear buckets, 64 to an octave, integer counts.
 * Relative error of a quantile < 1/128 (0.8 %); values below 64 are exact. Merging adds counts, so it is exact,
 * commutative and associative: any order of merging gives the same sketch, bit for bit.
 * Source: the layout of HdrHistogram (Tene) with 6 significant bits; sparse as in DDSketch (Masson, Rim, Lee 2019).
 */
export interface SparseSketch {
  /** Bucket indices, ascending. */
  readonly buckets: readonly number[];
  /** Weighted counts beside them, integers > 0. */
  readonly counts: readonly number[];
}

export const emptySketch: SparseSketch = { buckets: [], counts: [] };

/** Largest value a sketch tells apart (2^40: 12.7 days in µs); larger ones count as this. */
export const sketchMaxValue = 2 ** 40;
/** Buckets there can be: the last one is that of the maximum. */
export const sketchBucketLimit = 64 * 35 + 1;

/** Bucket of a value; values below 1 (and NaN) go to bucket 0, values above the maximum to the last bucket. */
export function bucketOf(value: number): number {
  if (!(value >= 1)) return 0;
  if (value >= sketchMaxValue) return sketchBucketLimit - 1;
  if (value < 64) return Math.floor(value);
  // Octave and the top six bits below it, from the count of leading zeros: no logarithm, so the same on every machine.
  if (value < 2 ** 31) {
    const whole = value | 0;
    const shift = 25 - Math.clz32(whole);
    return 64 * shift + (whole >> shift);
  }
  const shift = 32 - Math.clz32(Math.floor(value / 2 ** 31)) + 24;
  return 64 * shift + Math.floor(value / 2 ** shift);
}

/** By bucket: its smallest value, and the one that stands for it. Looked up, because a power costs more than all around it. */
const lows = Float64Array.from({ length: sketchBucketLimit }, (_, bucket) =>
  bucket < 64 ? bucket : (64 + (bucket % 64)) * 2 ** (Math.floor(bucket / 64) - 1),
);
const middles = Float64Array.from({ length: sketchBucketLimit }, (_, bucket) =>
  bucket < 64 ? bucket : (lows[bucket] as number) + (2 ** (Math.floor(bucket / 64) - 1) - 1) / 2,
);

/** Smallest value of a bucket. */
export function bucketLow(bucket: number): number {
  return lows[bucket] as number;
}

/** The value that stands for a bucket: its middle. */
export function bucketValue(bucket: number): number {
  return middles[bucket] as number;
}

export function sketchCount(sketch: SparseSketch): number {
  let total = 0;
  for (const count of sketch.counts) total += count;
  return total;
}

/** Value at quantile q in [0, 1]: the bucket that holds the ⌈q·n⌉-th smallest; undefined when empty. */
export function sketchQuantile(sketch: SparseSketch, q: number): number | undefined {
  const total = sketchCount(sketch);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let i = 0; i < sketch.buckets.length; i++) {
    seen += sketch.counts[i] as number;
    if (seen >= rank) return bucketValue(sketch.buckets[i] as number);
  }
  return bucketValue(sketch.buckets[sketch.buckets.length - 1] as number);
}

export function mergeSketches(left: SparseSketch, right: SparseSketch): SparseSketch {
  if (left.buckets.length === 0) return right;
  if (right.buckets.length === 0) return left;
  const { buckets: leftBuckets, counts: leftCounts } = left;
  const { buckets: rightBuckets, counts: rightCounts } = right;
  const buckets: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < leftBuckets.length && j < rightBuckets.length) {
    const a = leftBuckets[i] as number;
    const b = rightBuckets[j] as number;
    buckets.push(Math.min(a, b));
    if (a < b) counts.push(leftCounts[i++] as number);
    else if (b < a) counts.push(rightCounts[j++] as number);
    else counts.push((leftCounts[i++] as number) + (rightCounts[j++] as number));
  }
  for (; i < leftBuckets.length; i++) {
    buckets.push(leftBuckets[i] as number);
    counts.push(leftCounts[i] as number);
  }
  for (; j < rightBuckets.length; j++) {
    buckets.push(rightBuckets[j] as number);
    counts.push(rightCounts[j] as number);
  }
  return { buckets, counts };
}

/** Counts values one by one into a dense array that is used again: what a sketch is built with. */
export interface SketchBuilder {
  readonly counts: Float64Array;
  /** Lowest and highest bucket in use; none while `low` lies above `high`. */
  low: number;
  high: number;
}

export function createSketchBuilder(): SketchBuilder {
  return { counts: new Float64Array(sketchBucketLimit), low: sketchBucketLimit, high: -1 };
}

/** Adds a value `weight` times; `weight` is an integer > 0. */
export function addToSketch(builder: SketchBuilder, value: number, weight: number): void {
  countInBucket(builder, bucketOf(value), weight);
}

/** Adds to the bucket that a value was found to belong to. */
export function countInBucket(builder: SketchBuilder, bucket: number, weight: number): void {
  const { counts } = builder;
  counts[bucket] = (counts[bucket] as number) + weight;
  if (bucket < builder.low) builder.low = bucket;
  if (bucket > builder.high) builder.high = bucket;
}

/** The sketch of what was added since the last call; the builder is empty afterwards. */
export function takeSketch(builder: SketchBuilder): SparseSketch {
  const { counts: dense, low, high } = builder;
  if (low > high) return emptySketch;
  const buckets: number[] = [];
  const counts: number[] = [];
  for (let bucket = low; bucket <= high; bucket++) {
    const count = dense[bucket] as number;
    if (count === 0) continue;
    buckets.push(bucket);
    counts.push(count);
  }
  dense.fill(0, low, high + 1);
  builder.low = sketchBucketLimit;
  builder.high = -1;
  return { buckets, counts };
}

/** What was counted in `whole` and not in `part`, which must be a share of it. */
export function subtractSketch(whole: SparseSketch, part: SparseSketch): SparseSketch {
  const taken = new Map(part.buckets.map((bucket, i) => [bucket, part.counts[i] as number]));
  const buckets: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < whole.buckets.length; i++) {
    const bucket = whole.buckets[i] as number;
    const left = (whole.counts[i] as number) - (taken.get(bucket) ?? 0);
    if (left > 0) {
      buckets.push(bucket);
      counts.push(left);
    }
  }
  return { buckets, counts };
}
