import { describe, expect, it } from "vitest";
import { usualRatio } from "../../services/incident/tally.ts";

const prior = { ratio: 0.003, of: 200 };

describe("a learnt ratio", () => {
  it("is the prior's where nothing was seen, and near it after a few requests", () => {
    expect(usualRatio({ bad: 0, of: 0 }, prior)).toBe(0.003);
    expect(usualRatio({ bad: 1, of: 60 }, prior)).toBeCloseTo(1.6 / 260, 10);
  });

  it("is drawn towards the prior as long as both may be true", () => {
    expect(usualRatio({ bad: 180, of: 6_000 }, prior)).toBeCloseTo(180.6 / 6_200, 10);
  });

  it("is what was seen where nothing else ever was, however few requests that is", () => {
    expect(usualRatio({ bad: 60, of: 60 }, prior)).toBe(1);
    expect(usualRatio({ bad: 6_000, of: 6_000 }, prior)).toBe(1);
  });
});
