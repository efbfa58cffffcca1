import { describe, expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import type { OutputRecord } from "../../../services/stage.ts";
import { aDetect, framesOf, inputOf } from "../../support/detect-task.ts";
import { healthyTraffic, seeded, trafficWindow } from "../../support/detect-traffic.ts";
import { aCell, aWindow } from "../../support/records.ts";

const start = 1_800_000_000_000;
const keys = ["a", "b", "c"].map((model) => cellKey(aCell({ model })));

/** One cell fails from a point on, one falls silent for good, one goes on. */
function* windows(count: number) {
  const random = seeded(7);
  for (let index = 0; index < count; index++) {
    const windowStartMs = start + index * 5_000;
    const isLate = index > 0.7 * count;
    const shapes = [{ errorRatio: isLate ? 0.5 : 0.01 }, { ttftS: isLate ? 2 : 0.5 }, {}];
    const cells = keys
      .map((key, i) => trafficWindow(key, random, { ...healthyTraffic, ...shapes[i] }))
      .filter((_, i) => i !== 2 || !isLate);
    yield aWindow({ windowStartMs, appendMs: windowStartMs + 16_000, cells });
  }
}

describe("a detect task whose frames are handed over", () => {
  it("hands over what reading the written frames would give, and writes nothing", () => {
    const writes = aDetect();
    const hands = aDetect({ handsOver: true });
    let signals = 0;
    for (const window of windows(400)) {
      const written = framesOf(writes.step(inputOf(window)).outputs);
      const handed: readonly OutputRecord[] = hands.step(inputOf(window)).outputs;
      expect(handed.map(({ frame }) => frame)).toEqual(written);
      expect(handed.every(({ value }) => value.length === 0)).toBe(true);
      for (const frame of written)
        for (const cell of frame.cells)
          signals += cell.signals.filter(({ state }) => state === "anomalous").length;
    }
    expect(signals).toBeGreaterThan(100);
  });
});
