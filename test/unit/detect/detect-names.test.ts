import { describe, expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import { type CellWindow, counter } from "../../../services/contracts/window.ts";
import { emptyNames, nameCells, otherKey } from "../../../services/detect/cell-names.ts";
import { aDetect, aJudgement, framesOf, inputOf, runWindows } from "../../support/detect-task.ts";
import { seeded } from "../../support/detect-traffic.ts";
import { aCell, aCellWindow, aWindow, counters } from "../../support/records.ts";

const key = (model: string) => cellKey(aCell({ model }));
const cell = (model: string, requests: number) =>
  aCellWindow({ cell: key(model), counters: counters({ requests, ok: requests }) });
const series = (maxCells: number, evictAfterWindows = 720) =>
  aJudgement({ series: { maxCells, evictAfterWindows } }).series;

describe("naming cells", () => {
  it("keeps the biggest named and watches the rest together", () => {
    const { cells } = nameCells(
      emptyNames(),
      [cell("a", 5), cell("b", 1), cell("c", 2)],
      series(1),
    );
    expect(cells.map((each) => [each.cell, counter(each, "requests")])).toEqual([
      [otherKey, 3],
      [key("a"), 5],
    ]);
  });

  it("keeps the dimensions of who is watched with the rest, also where a window counts them only when asked", () => {
    const dimensions = [{ dimension: "service.version", values: [] }];
    const lazy: CellWindow = Object.create(
      { ...cell("b", 1), dimensions },
      { cell: { value: key("b"), enumerable: true } },
    );
    const { cells } = nameCells(emptyNames(), [cell("a", 5), lazy], series(1));
    expect(cells[0]).toMatchObject({ cell: otherKey, dimensions });
  });

  it("breaks ties by key", () => {
    const { cells } = nameCells(emptyNames(), [cell("a", 1), cell("b", 1)], series(1));
    expect(cells.map((each) => each.cell)).toEqual([otherKey, key("a")]);
  });

  it("gives a name to a newcomer that has clearly more traffic, and drops the smallest", () => {
    const names = emptyNames();
    nameCells(names, [cell("a", 10), cell("b", 3)], series(2));
    const { cells, dropped } = nameCells(names, [cell("a", 10), cell("c", 9)], series(2));
    expect(dropped).toEqual([key("b")]);
    expect(cells.map((each) => each.cell)).toEqual([key("a"), key("c")]);
  });

  it("leaves a name where it is while two cells are about equal", () => {
    const names = emptyNames();
    nameCells(names, [cell("a", 10)], series(1));
    const { dropped } = nameCells(names, [cell("a", 10), cell("b", 21)], series(1));
    expect(dropped).toEqual([]);
  });

  it("takes a name away after enough windows without requests", () => {
    const names = emptyNames();
    nameCells(names, [cell("a", 10)], series(5, 3));
    for (let i = 0; i < 3; i++) expect(nameCells(names, [], series(5, 3)).dropped).toEqual([]);
    expect(nameCells(names, [], series(5, 3)).dropped).toEqual([key("a")]);
    expect(names.cells.size).toBe(0);
  });

  it("says the same whether it knows whom it need not look at or has just been restored", () => {
    const names = emptyNames();
    let restored = emptyNames();
    const random = seeded(5);
    const dropped: string[] = [];
    for (let window = 0; window < 400; window++) {
      const present = ["a", "b", "c", "d", "e", "f", "g"]
        .filter(() => random() < (window % 100 < 60 ? 0.5 : 0.05))
        .map((model) => cell(model, 1 + Math.floor(20 * random())));
      const limits = series(window % 80 < 40 ? 4 : 9, window % 160 < 80 ? 12 : 6);
      const expected = nameCells(restored, present, limits);
      expect(nameCells(names, present, limits)).toEqual(expected);
      dropped.push(...expected.dropped);
      const { window: count, cells, kept } = restored;
      restored = { window: count, cells, kept };
      expect([...names.cells]).toEqual([...cells]);
    }
    expect(dropped.length).toBeGreaterThan(20);
  });

  it("bounds what it tracks", () => {
    const names = emptyNames();
    for (let i = 0; i < 50; i++) nameCells(names, [cell(`m${i}`, 1)], series(2));
    expect(names.cells.size).toBeLessThanOrEqual(6);
  });
});

describe("frames of named cells", () => {
  it("tell of a silent cell until it loses its name", () => {
    const detect = aDetect({ judgement: aJudgement({ series: { evictAfterWindows: 2 } }) });
    const windows = [0, 1, 2, 3, 4].map((index) =>
      aWindow({
        windowStartMs: 1_800_000_000_000 + index * 5_000,
        cells: index === 0 ? [cell("a", 4)] : [],
      }),
    );
    const frames = runWindows(detect, windows);
    expect(frames.map(({ cells }) => cells.map((each) => each.quietWindows))).toEqual([
      [0],
      [1],
      [2],
      [],
      [],
    ]);
  });

  it("watch the rest under one name", () => {
    const detect = aDetect({ judgement: aJudgement({ series: { maxCells: 1 } }) });
    const { outputs } = detect.step(inputOf(aWindow({ cells: [cell("a", 4), cell("b", 1)] })));
    expect(framesOf(outputs)[0]?.cells.map((each) => [each.cell, each.requests])).toEqual([
      [otherKey, 1],
      [key("a"), 4],
    ]);
  });
});
