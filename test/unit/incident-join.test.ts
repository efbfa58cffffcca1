import { describe, expect, it } from "vitest";
import { cellKey } from "../../services/contracts/cell.ts";
import {
  detectTasks,
  type FleetWindow,
  initialJoin,
  type JoinState,
  joinFrame,
} from "../../services/incident/join.ts";
import { aCell, aCellFrame, aFrame } from "../support/records.ts";

const startMs = 1_800_000_000_000;
const at = (window: number) => startMs + window * 5_000;

const cellOf = (model: string) => aCellFrame({ cell: cellKey(aCell({ model })) });

function frame(task: string, window: number, overrides: Parameters<typeof aFrame>[0] = {}) {
  return aFrame({ task, windowStartMs: at(window), appendMs: at(window) + 15_000, ...overrides });
}

function take(
  state: JoinState,
  given: ReturnType<typeof aFrame>,
  partitions = 2,
): readonly FleetWindow[] {
  const joined = joinFrame(state, given, detectTasks(partitions));
  if ("refused" in joined) throw new Error(joined.refused);
  return joined.windows;
}

describe("joining frames", () => {
  it("waits for every detect task and puts cells in key order", () => {
    const state = initialJoin();
    expect(take(state, frame("detect/1", 0, { cells: [cellOf("a")] }))).toEqual([]);
    const whole = take(state, frame("detect/0", 0, { cells: [cellOf("c"), cellOf("b")] }));
    expect(whole.map(({ windowStartMs }) => windowStartMs)).toEqual([at(0)]);
    expect(whole[0]?.cells.map(({ cell }) => cell.split("\u001f")[2])).toEqual(["a", "b", "c"]);
  });

  it("gives windows in order when one task runs ahead", () => {
    const state = initialJoin();
    for (const window of [0, 1, 2]) expect(take(state, frame("detect/0", window))).toEqual([]);
    expect(take(state, frame("detect/1", 0)).map((w) => w.windowStartMs)).toEqual([at(0)]);
    expect(take(state, frame("detect/1", 1)).map((w) => w.windowStartMs)).toEqual([at(1)]);
  });

  it("lets a task begin at a later window than another", () => {
    const state = initialJoin();
    take(state, frame("detect/0", 0, { cells: [cellOf("a")] }));
    take(state, frame("detect/0", 1, { cells: [cellOf("a")] }));
    const whole = take(state, frame("detect/1", 1, { cells: [cellOf("b")] }));
    expect(whole.map((w) => [w.windowStartMs, w.cells.length])).toEqual([
      [at(0), 1],
      [at(1), 2],
    ]);
  });

  it("takes a window in parts, and its pipeline counts once", () => {
    const state = initialJoin();
    const pipeline = { spans: 7, lateSpans: 1, clampedSpans: 0, duplicateSpans: 0, senders: 2 };
    const part = (number: number, model: string) =>
      frame("detect/0", 0, { part: number, parts: 2, pipeline, cells: [cellOf(model)] });
    expect(take(state, part(0, "a"), 1)).toEqual([]);
    const whole = take(state, part(1, "b"), 1);
    expect(whole[0]?.cells).toHaveLength(2);
    expect(whole[0]?.pipeline).toEqual(pipeline);
  });

  it("says the latest append time over all tasks", () => {
    const state = initialJoin();
    take(state, frame("detect/0", 0, { appendMs: at(0) + 90_000 }));
    expect(take(state, frame("detect/1", 0))[0]?.appendMs).toBe(at(0) + 90_000);
  });

  it.each([
    ["an unknown task", frame("detect/7", 1), "detect/7"],
    ["a window that was complete before", frame("detect/0", 0), "already complete"],
    ["a part out of order", frame("detect/0", 1, { part: 1, parts: 2 }), "part 1, expected 0"],
  ])("refuses %s", (_, given, message) => {
    const state = initialJoin();
    take(state, frame("detect/0", 0), 1);
    const before = JSON.stringify(state);
    const joined = joinFrame(state, given, detectTasks(1));
    expect("refused" in joined && joined.refused).toContain(message);
    expect(JSON.stringify(state)).toBe(before);
  });
});
