import { describe, expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import { aDetect, aJudgement, inputOf, runWindows } from "../../support/detect-task.ts";
import {
  healthyTraffic,
  seeded,
  type TrafficShape,
  trafficWindow,
} from "../../support/detect-traffic.ts";
import { aCell, aWindow } from "../../support/records.ts";

const start = 1_800_000_000_000;
const keys = ["a", "b", "c", "d", "e"].map((model) => cellKey(aCell({ model })));

/** What each cell does, by its place; undefined: nothing. Two come late, so that others lose their names. */
function shapesAt(phase: number): readonly (Partial<TrafficShape> | undefined)[] {
  const isLate = phase > 0.7;
  return [
    { errorRatio: isLate ? 0.5 : 0.01 },
    { ttftS: isLate ? 2 : 0.5 },
    phase < 0.5 ? {} : undefined,
    phase > 0.2 && phase < 0.3 ? { ratePerS: 20 } : undefined,
    phase > 0.4 ? { ratePerS: 3 } : undefined,
  ];
}

function* windows(count: number) {
  const random = seeded(7);
  for (let index = 0; index < count; index++) {
    const windowStartMs = start + index * 5_000;
    const shapes = shapesAt(index / count);
    const cells = keys.flatMap((key, i) =>
      shapes[i] === undefined
        ? []
        : [trafficWindow(key, random, { ...healthyTraffic, ...shapes[i] })],
    );
    yield aWindow({ windowStartMs, appendMs: windowStartMs + 16_000, cells });
  }
}

describe("a detect task whose frames are handed over", () => {
  const judgement = aJudgement({ series: { maxCells: 3, evictAfterWindows: 40 } });
  const whole = [...windows(500)];

  it.each([1, 7, 16])(
    "hands over, %i windows at a time, what reading written frames would give",
    (together) => {
      const written = runWindows(aDetect({ judgement }), whole);
      const hands = aDetect({ judgement, handsOver: together });
      const outputs = whole.flatMap((window) => [...hands.step(inputOf(window)).outputs]);
      expect(outputs.length % together).toBe(0);
      outputs.push(...(hands.finish?.(0).outputs ?? []));
      expect(outputs.map(({ frame }) => frame)).toEqual(written);
      expect(outputs.every(({ value }) => value.length === 0)).toBe(true);
      const states = written.flatMap(({ cells }) =>
        cells.flatMap(({ signals }) => signals.map(({ state }) => state)),
      );
      expect(states.filter((state) => state === "anomalous").length).toBeGreaterThan(100);
      expect(new Set(written.map(({ cells }) => cells.length)).size).toBeGreaterThan(1);
    },
  );
});
