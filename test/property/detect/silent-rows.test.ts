import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type CellKey, cellKey } from "../../../services/contracts/cell.ts";
import type { CellFrame } from "../../../services/contracts/frame.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { judgeCell } from "../../../services/detect/cell-judge.ts";
import { silentWindow } from "../../../services/detect/cell-silence.ts";
import { wakeUp } from "../../../services/detect/cell-sleep.ts";
import { type CellState, initialCell } from "../../../services/detect/cell-state.ts";
import { createLiveCells } from "../../../services/detect/live-cells.ts";
import { createStateCodec } from "../../../services/detect/state-codec.ts";
import { aJudgement } from "../../support/detect-task.ts";
import { healthyTraffic, seeded, trafficWindow } from "../../support/detect-traffic.ts";
import { aCell } from "../../support/records.ts";

const windowMs = 5_000;
const startMs = 1_800_000_000_000;
const keys = ["a", "b", "c"].map((model) => cellKey(aCell({ model })));
const judgement = aJudgement({});
const { detect } = judgement;

/** Windows with requests, and after them some without: long enough for blocks to end and for cells to fall asleep. */
const runs = fc.record({
  busy: fc.integer({ min: 1, max: 50 }),
  silent: fc.oneof(fc.nat(5), fc.nat(250)),
  errorRatio: fc.constantFrom(0, 0.01, 0.6),
});
type Run = typeof runs extends fc.Arbitrary<infer T> ? T : never;

function windowsOf(key: CellKey, of: readonly Run[], seed: number): (CellWindow | undefined)[] {
  const random = seeded(seed);
  return of.flatMap(({ busy, silent, errorRatio }) => [
    ...Array.from({ length: busy }, () =>
      trafficWindow(key, random, { ...healthyTraffic, errorRatio }),
    ),
    ...new Array<undefined>(silent).fill(undefined),
  ]);
}

it("judges cells in silence from their rows as it would from their states, frames and states bit for bit", () =>
  fc.assert(
    fc.property(
      fc.array(fc.array(runs, { minLength: 1, maxLength: 5 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 90 }),
      (plans, settleEvery) => {
        const windows = plans.map((plan, at) => windowsOf(keys[at] as CellKey, plan, at));
        const count = Math.max(...windows.map(({ length }) => length));
        const codec = createStateCodec();
        const cells = new Map<CellKey, CellState>();
        const live = createLiveCells(cells, codec);
        const plain = keys.map(() => initialCell(windowMs));
        for (let index = 0; index < count; index++) {
          const time = { windowStartMs: startMs + index * windowMs, windowMs };
          const present = windows.flatMap((each) => each[index] ?? []);
          const frames: CellFrame[] = [];
          const frame = { add: (cell: CellFrame) => frames.push(cell) };
          live.judge([{ cells: present, dropped: new Set(), time, judgement, frame }]);
          const expected = keys.map((key, at) =>
            judgeCell(
              plain[at] as CellState,
              windows[at]?.[index] ?? silentWindow(key),
              time,
              detect,
            ),
          );
          expect(frames).toStrictEqual(expected);
          if (index % settleEvery === 0) live.settle();
        }
        live.settle();
        for (const cell of cells.values()) wakeUp(cell, codec);
        expect(keys.map((key) => cells.get(key))).toStrictEqual(plain);
      },
    ),
    { numRuns: 10 },
  ));
