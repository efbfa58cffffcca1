import { describe, expect, it } from "vitest";
import { learnedRatio } from "../../detectors/learned-ratio.ts";

const prior = { ratio: 0.003, of: 200 };

describe("a learnt ratio", () => {
  it("is the prior's where nothing was seen, and near it after a few requests", () => {
    expect(learnedRatio(0, 0, prior)).toBe(0.003);
    expect(learnedRatio(1, 60, prior)).toBeCloseTo(1.6 / 260, 10);
  });

  it("is drawn towards the prior as long as both may be true", () => {
    expect(learnedRatio(180, 6_000, prior)).toBeCloseTo(180.6 / 6_200, 10);
  });

  it("is what was seen where nothing else ever was, however few requests that is", () => {
    expect(learnedRatio(60, 60, prior)).toBe(1);
    expect(learnedRatio(6_000, 6_000, prior)).toBe(1);
  });
});
