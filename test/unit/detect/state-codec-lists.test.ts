import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { createStateCodec } from "../../../services/detect/state-codec.ts";

setFlagsFromString("--allow-natives-syntax");
/** Whether V8 keeps a list as doubles side by side, without a box for each. */
const isPlain = new Function("list", "return %HasDoubleElements(list)") as (
  list: number[],
) => boolean;

test("lists of numbers stay plain doubles however often states with other lists are written", () => {
  const codec = createStateCodec();
  const states = Array.from({ length: 400 }, (_, cell) => ({
    sums: Array.from({ length: 12 }, (_, i) => cell + i + 0.5),
    detectors: [{ counts: [cell + 0.25, 1.5] }, { counts: [0.75] }, null],
    names: ["a", "b"],
  }));
  for (let round = 0; round < 100; round++) for (const state of states) codec.encodeView(state);
  const lists = states.flatMap(({ sums, detectors }) => [
    sums,
    ...detectors.flatMap((detector) => (detector === null ? [] : [detector.counts])),
  ]);
  expect(lists.filter((list) => !isPlain(list))).toHaveLength(0);
  expect(isPlain([{}] as unknown as number[])).toBe(false);
});
