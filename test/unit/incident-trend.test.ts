import { describe, expect, test } from "vitest";
import { namedRandom } from "../../services/chatbot/random.ts";
import { isRising } from "../../services/incident/forecast.ts";
import { fitTrend, isBend } from "../../services/incident/trend.ts";

const minutes = 15;
const noise = 0.05;

function noisy(seed: number, level: (minute: number) => number): number[] {
  const source = namedRandom(seed, "trend");
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - source.unit())) * Math.cos(2 * Math.PI * source.unit());
  return Array.from({ length: minutes }, (_, minute) => level(minute) + noise * normal());
}

/** Of 2,000 courses, the share that is said to rise. */
function risingShare(level: (minute: number) => number): number {
  let rising = 0;
  for (let seed = 0; seed < 2_000; seed++) if (isRising(noisy(seed, level))) rising++;
  return rising / 2_000;
}

describe("a rising course", () => {
  test.each([2, 4, 6, 8, 10])("is not seen in a step %i minutes ago", (ago) => {
    expect(risingShare((minute) => (minute >= minutes - ago ? 0.3 : 0))).toBeLessThan(0.005);
  });

  test("is not seen in noise", () => {
    expect(risingShare(() => 0)).toBeLessThan(0.005);
  });

  test.each([8, 10, 15])("is seen in a ramp of %i minutes", (long) => {
    const level = (minute: number) => 0.08 * Math.max(0, minute - (minutes - long - 1));
    expect(risingShare(level)).toBeGreaterThan(0.9);
  });

  test("is seen in what doubles every two minutes", () => {
    expect(risingShare((minute) => 0.01 * 2 ** (minute / 2))).toBeGreaterThan(0.9);
  });
});

describe("a bend", () => {
  test("is told from a step", () => {
    expect(isBend([0, 0, 0, 1, 1, 1])).toBe(false);
    expect(isBend([0, 0, 0, 1, 2, 3])).toBe(true);
    expect(isBend([0, undefined, 0, 1, undefined, 1, 1])).toBe(false);
  });
});

test("a line is fitted through outliers and gaps, and not through three points", () => {
  const values = [0, 1, 2, 90, 4, undefined, 6, 7];
  expect(fitTrend(values, 1.28)?.slope).toBe(1);
  expect(fitTrend(values, 1.28)?.last).toBe(7);
  expect(fitTrend([1, 2, undefined, 3], 1.28)).toBeUndefined();
});
