import { describe, expect, it } from "vitest";
import { learnUsual, type UsualRatio } from "../../services/incident/usual-ratio.ts";

const keep = 2 ** (-1 / 4320);
const window = { bad: 1, of: 20 };

function learnt(windows: number, how: { readonly learns: boolean; readonly digits: number }) {
  const usual: UsualRatio = { bad: 0, of: 1000 };
  for (let i = 0; i < windows; i++) learnUsual(usual, window, { ...how, keep });
  return usual;
}

describe("what is usual", () => {
  it("is learnt from what comes while nothing may be wrong", () => {
    const { bad, of } = learnt(10, { learns: true, digits: 0 });
    expect(bad).toBeCloseTo(10, 1);
    expect(of).toBeCloseTo(1198.3, 0);
  });

  it("is learnt later from what may be the beginning of trouble, and in full if it was none", () => {
    const usual = learnt(10, { learns: true, digits: 1 });
    expect(usual.bad).toBeCloseTo(10 / 8, 1);
    expect(usual.held?.bad).toBeCloseTo(70 / 8, 5);
    learnUsual(usual, { bad: 0, of: 20 }, { learns: true, digits: 0, keep });
    expect(usual.bad).toBeCloseTo(10, 1);
    expect(usual.held).toBeUndefined();
  });

  it("is not learnt from trouble, nor from what came before it was known to be some", () => {
    const usual = learnt(10, { learns: true, digits: 1 });
    const { bad } = usual;
    learnUsual(usual, window, { learns: false, digits: 7, keep });
    learnUsual(usual, { bad: 0, of: 20 }, { learns: true, digits: 0, keep });
    expect(usual.bad).toBeCloseTo(bad, 2);
  });

  it("survives JSON as it is", () => {
    const usual = learnt(3, { learns: true, digits: 1 });
    expect(JSON.parse(JSON.stringify(usual))).toEqual(usual);
  });
});
