import { expect, test } from "vitest";
import { bucketOf } from "../../../detectors/sketch.ts";
import { counterIds, counterSlots, sketchIds } from "../../../services/contracts/measures.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { emptyOrShort } from "../../../services/detect/short-answers.ts";

/** A window with answers of these lengths. */
function windowOf(tokens: readonly number[], empty = 0): CellWindow {
  const counters = new Array<number>(counterSlots).fill(0);
  counters[counterIds.empty] = empty;
  const buckets = [...new Set(tokens.map(bucketOf))].sort((a, b) => a - b);
  const counts = buckets.map((bucket) => tokens.filter((n) => bucketOf(n) === bucket).length);
  return {
    counters,
    sketches: { [sketchIds.outputTokens]: { buckets, counts } },
  } as unknown as CellWindow;
}

test("answers below the bound count, at the bound they do not, and nothing is short while nothing is known", () => {
  expect(emptyOrShort(windowOf([0, 3, 15, 16, 200]), 16)).toBe(3);
  expect(emptyOrShort(windowOf([0, 3, 15, 16, 200]), 0)).toBe(0);
});

test("an empty answer counts once, whether its length was told or not", () => {
  expect(emptyOrShort(windowOf([0, 120], 1), 10)).toBe(1);
  expect(emptyOrShort(windowOf([120], 2), 10)).toBe(2);
});
