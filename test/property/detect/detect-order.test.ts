import * as fc from "fast-check";
import { expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import type { WindowRecord } from "../../../services/contracts/window.ts";
import { mergeCells } from "../../../services/contracts/window-merge.ts";
import { detectStage } from "../../../services/detect/detect.ts";
import type { OutputRecord } from "../../../services/stage.ts";
import {
  aDetectContext,
  aJudgement,
  aManifest,
  closedOf,
  inputOf,
} from "../../support/detect-task.ts";
import { healthyTraffic, seeded, trafficWindow } from "../../support/detect-traffic.ts";
import { aCell, aWindow } from "../../support/records.ts";

const startMs = 1_800_000_000_000;
const spanTasks = ["otlp_spans/0", "otlp_spans/1"];
const tasks = [...spanTasks, "otlp_metrics/0"];
const keys = ["a", "b", "c", "d", "e"].map((model) => cellKey(aCell({ model })));
const context = aDetectContext({
  manifests: [aManifest({ tasks })],
  judgement: aJudgement({
    series: { maxCells: 3, evictAfterWindows: 4 },
    detect: { warmUpWindows: 5 },
  }),
});

interface Plan {
  readonly seed: number;
  readonly windows: number;
  /** First window of each task. */
  readonly firsts: readonly number[];
}

/** Each task's batches in its own order; every third window comes in two parts. Failures begin half way. */
function batchesOf({ seed, windows, firsts }: Plan): WindowRecord[][] {
  return tasks.map((task, taskIndex) => {
    const random = seeded(seed * 10 + taskIndex);
    const batches: WindowRecord[] = [];
    for (let index = firsts[taskIndex] ?? 0; index < windows; index++) {
      const cells = keys
        .filter(() => random() < 0.8)
        .map((key) =>
          trafficWindow(key, random, {
            ...healthyTraffic,
            errorRatio: index > windows / 2 ? 0.5 : 0.01,
          }),
        );
      const base = {
        task,
        windowStartMs: startMs + index * 5_000,
        appendMs: startMs + index * 5_000 + 11_000 + Math.floor(random() * 4_000),
      };
      if (index % 3 === 0) {
        batches.push(aWindow({ ...base, cells: cells.slice(0, 2), part: 0, parts: 2 }));
        batches.push(aWindow({ ...base, cells: cells.slice(2), part: 1, parts: 2 }));
      } else batches.push(aWindow({ ...base, cells }));
    }
    return batches;
  });
}

/** One order in which the log may hold the batches: each task's own order is kept. */
function interleave(batches: readonly WindowRecord[][], seed: number): WindowRecord[] {
  const random = seeded(seed);
  const rest = batches.map((each) => [...each]);
  const order: WindowRecord[] = [];
  for (;;) {
    const open = rest.filter(({ length }) => length > 0);
    const next = open[Math.floor(random() * open.length)]?.shift();
    if (next === undefined) return order;
    order.push(next);
  }
}

function run(order: readonly WindowRecord[], restartEvery?: number): OutputRecord[] {
  let detect = detectStage.create(context);
  const outputs: OutputRecord[] = [];
  order.forEach((window, index) => {
    if (restartEvery !== undefined && index % restartEvery === restartEvery - 1)
      detect = detectStage.create(context, detect.snapshot().chunks);
    const result = detect.step(inputOf(window, index));
    expect(result.rejected).toBeUndefined();
    outputs.push(...result.outputs);
  });
  outputs.push(...(detect.finish?.(Number.POSITIVE_INFINITY).outputs ?? []));
  return outputs;
}

const plans = fc.record({
  seed: fc.nat(10_000),
  windows: fc.integer({ min: 2, max: 60 }),
  firsts: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)),
});

it("gives the same closed windows and frames, bit for bit, however the tasks' batches interleave", () =>
  fc.assert(
    fc.property(plans, fc.nat(1_000), fc.nat(1_000), (plan, one, other) => {
      const batches = batchesOf(plan);
      expect(run(interleave(batches, one))).toEqual(run(interleave(batches, other)));
    }),
    { numRuns: 25 },
  ));

it("goes on after a restart at any record as if it had never stopped", () =>
  fc.assert(
    fc.property(plans, fc.nat(1_000), fc.integer({ min: 1, max: 40 }), (plan, order, every) => {
      const batches = interleave(batchesOf(plan), order);
      expect(run(batches, every)).toEqual(run(batches));
    }),
    { numRuns: 25 },
  ));

it("closes each window once, in order, with every request of every task that tells of spans", () =>
  fc.assert(
    fc.property(plans, fc.nat(1_000), (plan, order) => {
      // What metrics say of requests stands in for spans and is not added to them.
      const batches = batchesOf(plan).map((batch, task) =>
        task < spanTasks.length ? batch : batch.map((window) => ({ ...window, cells: [] })),
      );
      const closed = closedOf(run(interleave(batches, order)));
      const starts = closed.map(({ windowStartMs }) => windowStartMs);
      const expected = new Set(batches.flat().map(({ windowStartMs }) => windowStartMs));
      expect(starts).toEqual([...expected].sort((a, b) => a - b));
      for (const window of closed) {
        const shares = batches
          .flat()
          .filter(({ windowStartMs }) => windowStartMs === window.windowStartMs)
          .flatMap(({ cells }) => cells);
        expect(countersOf(window.cells)).toEqual(countersOf(shares));
      }
    }),
    { numRuns: 25 },
  ));

function countersOf(cells: WindowRecord["cells"]): readonly number[] | undefined {
  return cells.length === 0 ? undefined : cells.reduce(mergeCells).counters;
}
