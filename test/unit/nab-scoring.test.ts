import { describe, expect, it } from "vitest";
import {
  bestThreshold,
  normalised,
  probationOf,
  profiles,
  rawAt,
  type Scored,
  worthOf,
} from "../bench/nab/scoring.ts";

const windows = [[200, 249]] as const;

function scored(scores: Float64Array): Scored {
  const rows = scores.length;
  return {
    series: {
      name: "a/b.csv",
      category: "a",
      timestamps: [],
      timesMs: [],
      values: [],
      probationRows: probationOf(rows),
      windows: windows.length,
      ...worthOf(rows, windows),
    },
    scores,
  };
}

const with1At = (...rows: readonly number[]) =>
  Float64Array.from({ length: 400 }, (_, row) => (rows.includes(row) ? 1 : 0));

describe("the benchmark's score", () => {
  const of = (...rows: readonly number[]) =>
    normalised(rawAt([scored(with1At(...rows))], profiles.standard, 0.5), profiles.standard);

  it("is 0 for silence and 100 for the first row of the window alone", () => {
    expect(of()).toBe(0);
    expect(of(200)).toBeCloseTo(100, 6);
  });

  it("is less for a later row of the window, and an alert far from it costs its weight", () => {
    expect(of(240)).toBeLessThan(of(210));
    // Far before: −0.11 of the 2 that lie between silence and perfection.
    expect(of(200, 100)).toBeCloseTo(100 - 50 * 0.11, 6);
    expect(of(200, 399)).toBeCloseTo(100 - 50 * 0.11, 1);
  });

  it("does not look at the first rows", () => {
    expect(of(200, 59)).toBe(of(200));
    expect(of(200, 60)).toBeLessThan(of(200));
  });

  it("is swept to the threshold that is best over all rows", () => {
    const scores = with1At();
    scores[205] = 0.7;
    scores[100] = 0.6;
    expect(bestThreshold([scored(scores)], profiles.standard)).toBe(0.7);
  });
});
