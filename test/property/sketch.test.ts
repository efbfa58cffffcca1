import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addToSketch,
  bucketLow,
  bucketOf,
  bucketValue,
  createSketchBuilder,
  mergeSketches,
  type SparseSketch,
  sketchBucketLimit,
  sketchCount,
  sketchMaxValue,
  sketchQuantile,
  subtractSketch,
  takeSketch,
} from "../../detectors/sketch.ts";

const value = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.double({ min: 0, max: 2 ** 39, noNaN: true }).map(Math.floor),
);
const values = fc.array(value, { minLength: 1, maxLength: 200 });

function sketchOf(all: readonly number[]): SparseSketch {
  const builder = createSketchBuilder();
  for (const one of all) addToSketch(builder, one, 1);
  return takeSketch(builder);
}

describe("a sketch", () => {
  it("gives every bucket's smallest value back to that bucket, and what lies just below to the one before", () => {
    for (let bucket = 1; bucket < sketchBucketLimit; bucket++) {
      expect(bucketOf(bucketLow(bucket))).toBe(bucket);
      expect(bucketOf(bucketLow(bucket) - 1)).toBe(bucket - 1);
    }
  });

  it("takes in what is no value: too small, too large, not a number", () => {
    expect([Number.NaN, -5, 0, 0.5].map(bucketOf)).toEqual([0, 0, 0, 0]);
    expect([sketchMaxValue, 2 ** 64, Number.POSITIVE_INFINITY].map(bucketOf)).toEqual(
      Array(3).fill(sketchBucketLimit - 1),
    );
  });

  it("errs by less than 1/128 at the smallest value of each bucket, where it errs most", () => {
    for (let bucket = 1; bucket < sketchBucketLimit - 1; bucket++) {
      const low = bucketLow(bucket);
      expect(bucketValue(bucket) - low).toBeLessThan(low / 128);
    }
  });

  it("errs by 0.8 % at most, at any quantile", () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * all.length)) - 1] as number;
        const estimate = sketchQuantile(sketchOf(all), q) as number;

        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact / 128);
      }),
    );
  });

  it("of a whole equals the merged sketches of its shares, in any order", () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const whole = sketchOf([...a, ...b, ...c]);
        const [left, middle, right] = [sketchOf(a), sketchOf(b), sketchOf(c)];

        expect(mergeSketches(mergeSketches(left, middle), right)).toEqual(whole);
        expect(mergeSketches(right, mergeSketches(middle, left))).toEqual(whole);
        expect(subtractSketch(whole, left)).toEqual(mergeSketches(middle, right));
      }),
    );
  });

  it("counts a weighted value as often as its weight says", () => {
    const builder = createSketchBuilder();
    addToSketch(builder, 1_000, 7);
    addToSketch(builder, 10, 3);

    const sketch = takeSketch(builder);
    expect(sketchCount(sketch)).toBe(10);
    expect(sketch).toEqual(sketchOf([...Array(7).fill(1_000), ...Array(3).fill(10)]));
    expect(takeSketch(builder)).toEqual({ buckets: [], counts: [] });
  });
});
