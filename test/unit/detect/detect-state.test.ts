import { describe, expect, it } from "vitest";
import { binomialExact } from "../../../detectors/binomial-exact.ts";
import { cellKey } from "../../../services/contracts/cell.ts";
import { decodeWindow } from "../../../services/contracts/window-read.ts";
import { judgeCell } from "../../../services/detect/cell-judge.ts";
import { wakeUp } from "../../../services/detect/cell-sleep.ts";
import { type CellState, initialCell } from "../../../services/detect/cell-state.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../services/detect/detect-snapshot.ts";
import { countAbove } from "../../../services/detect/frame-dimensions.ts";
import { encodeWindowParts } from "../../../services/detect/record-parts.ts";
import { createStateCodec } from "../../../services/detect/state-codec.ts";
import { aJudgement } from "../../support/detect-task.ts";
import { healthyTraffic, seeded, trafficWindow } from "../../support/detect-traffic.ts";
import { aCell, aCellWindow, aWindow } from "../../support/records.ts";

const key = cellKey(aCell());
const windowMs = 5_000;
const { detect } = aJudgement({});

/** A cell after `windows` of traffic, with these limited requests in the last. */
function aged(windows: number, limitRatioAt: (index: number) => number): CellState {
  const cell = initialCell(windowMs);
  const random = seeded(3);
  for (let index = 0; index < windows; index++)
    judgeCell(
      cell,
      trafficWindow(key, random, { ...healthyTraffic, limitRatio: limitRatioAt(index) }),
      { windowStartMs: index * windowMs, windowMs },
      detect,
    );
  return cell;
}

const snapshotOf = (cell: CellState, codec = createStateCodec()) => ({
  codec,
  merge: { passed: { "otlp_spans/0": 5 }, lastClosedMs: 5, pending: [aWindow()] },
  names: {
    window: 7,
    cells: new Map([[key, { traffic: 1 / 3, at: 7, isNamed: true, spansAt: 6 }]]),
    kept: { all: 70, clean: 1.5 },
  },
  cells: new Map([[key, cell]]),
});

describe("state of a cell", () => {
  it("is shared by ratios that never were anything but zero, and parts at the first bad request", () => {
    const cell = aged(50, (index) => (index === 49 ? 1 : 0));
    const rateLimited = cell.signals[1];
    const own = rateLimited?.detectors[0] as ReturnType<typeof binomialExact.initialState>;
    const shared = cell.spotless.requests?.[0] as typeof own;
    expect(own.seen).toBe(shared.seen);
    expect(own.of).toBe(shared.of);
    expect(own.bad).toBeGreaterThan(0);
    expect(shared.bad).toBe(0);
    // Of the same denominator, never bad: still without a state of their own.
    expect(cell.signals[2]).toBeNull();
    expect(cell.signals[8]).toBeNull();
  });
});

describe("snapshots", () => {
  it("read back as they were, whatever the size of the chunks", () => {
    const state = snapshotOf(aged(100, () => 0.01));
    const chunks = encodeSnapshot(state, 777);
    expect(chunks.every(({ length }) => length <= 777)).toBe(true);
    const restored = decodeSnapshot(chunks, windowMs);
    for (const cell of restored.cells.values()) wakeUp(cell, restored.codec);
    const { merge, names, cells } = restored;
    expect({ merge, names, cells }).toEqual({
      merge: state.merge,
      names: state.names,
      cells: state.cells,
    });
  });

  it("that are torn are refused", () => {
    const chunks = encodeSnapshot(snapshotOf(aged(2, () => 0)), 500);
    for (const some of [chunks.slice(0, -1), [], [new Uint8Array([9, 0, 0, 0, 0])]])
      expect(() => decodeSnapshot(some, windowMs)).toThrow(
        expect.objectContaining({ code: "checkpoint_invalid" }),
      );
  });

  it("let a detector of another version learn again, and leave the others alone", () => {
    const state = snapshotOf(aged(100, () => 0.01));
    const [whole] = encodeSnapshot(state, Number.MAX_SAFE_INTEGER) as [Uint8Array];
    // Same length, so that the entries stay where they are.
    const text = Buffer.from(whole).toString("latin1");
    const older = text.replaceAll(
      '"id":"binomial-exact","stateVersion":1',
      '"id":"binomial-exact","stateVersion":0',
    );
    expect(older).not.toBe(text);
    const restored = decodeSnapshot([Buffer.from(older, "latin1")], windowMs).cells.get(key);
    const before = state.cells.get(key);
    expect(restored?.signals[0]?.detectors[0]).toEqual(binomialExact.initialState(windowMs));
    expect(restored?.signals[0]?.detectors[1]).toEqual(before?.signals[0]?.detectors[1]);
    expect(restored?.signals[5]).toEqual(before?.signals[5]);
  });
});

describe("records", () => {
  it("too large for the log come in parts, pipeline counts with the first alone", () => {
    const cells = Array.from({ length: 40 }, (_, index) =>
      aCellWindow({ cell: cellKey(aCell({ model: `model-${index}` })) }),
    );
    const pipeline = { ...aWindow().pipeline, lateSpans: 3 };
    const parts = encodeWindowParts(aWindow({ cells, pipeline }), 1_000).map(decodeWindow);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ part, parts: count }) => [part, count])).toEqual(
      parts.map((_, index) => [index, parts.length]),
    );
    expect(parts.flatMap((each) => each.cells)).toEqual(cells);
    expect(parts.map((each) => each.pipeline.lateSpans)).toEqual([
      3,
      ...parts.slice(1).map(() => 0),
    ]);
  });
});

describe("slow requests of a dimension", () => {
  it.each([
    // Bucket 40 is 2^20 … 2^20.5 µs.
    [2 ** 19.9, 10],
    [2 ** 20, 10],
    [2 ** 20.25, 5],
    [2 ** 20.6, 0],
  ])("above %f µs are counted in half octaves, the cut one by its share", (limit, expected) => {
    expect(countAbove({ buckets: [40], counts: [10] }, limit)).toBe(expected);
  });
});
