import { describe, expect, it } from "vitest";
import { mergeNow } from "../../services/console/web/live-now.ts";
import { matches, matrixOf, shownValue } from "../../services/console/web/matrix-model.ts";
import { sparklinePaths } from "../../services/console/web/sparkline-paths.ts";
import type { CellView, Now, Point } from "../../services/contracts/http-api.ts";

const aPoint = (atMs: number, seen: number | null, band: Partial<Point> = {}): Point => ({
  atMs,
  seen,
  expected: null,
  low: null,
  high: null,
  ...band,
});

const aCellView = (overrides: Partial<CellView> = {}): CellView => ({
  cell: "c1",
  kind: "genai",
  provider: "openai",
  model: "gpt-4o",
  region: "eu-west-1",
  operation: "chat",
  state: "normal",
  requestsPerSecond: 20,
  incident: null,
  main: {
    signal: "ttft",
    words: "first tokens",
    unit: "µs",
    state: "normal",
    seen: 1,
    expected: 1,
    low: 0,
    high: 2,
    bad: 0,
    of: 100,
  },
  points: [],
  newest: null,
  ...overrides,
});

describe("sparklinePaths", () => {
  const box = { width: 106, height: 26 };

  it("draws a gap as a gap", () => {
    const points = [aPoint(0, 1), aPoint(1, 1), aPoint(2, null), aPoint(3, 1), aPoint(4, 2)];
    const { line, dot } = sparklinePaths(points, true, box);
    expect(line).toBe("M2 13L27 13M77 13L102 3");
    expect(dot).toEqual({ x: 102, y: 3 });
  });

  it("draws a window alone between gaps as a dot", () => {
    const points = [aPoint(0, 2), aPoint(1, null), aPoint(2, 2)];
    expect(sparklinePaths(points, true, box).line).toBe("M2 3h0M102 3h0");
  });

  it("draws the band as a closed shape from low to high", () => {
    const band = { low: 1, high: 2 };
    const points = [aPoint(0, 1.5, band), aPoint(1, 1.5, band)];
    expect(sparklinePaths(points, true, box).band).toBe("M2 3L102 3L102 13L2 13Z");
  });

  it("starts ratios at zero, and latencies below what was seen", () => {
    const points = [aPoint(0, 100), aPoint(1, 110)];
    expect(sparklinePaths(points, true, box).line).toBe("M2 4.8L102 3");
    expect(sparklinePaths(points, false, box).line).toBe("M2 16.3L102 3");
  });

  it("draws nothing where nothing was seen, and a flat line on zeros", () => {
    expect(sparklinePaths([], true, box)).toEqual({ band: "", line: "", dot: null });
    expect(sparklinePaths([aPoint(0, null, { low: 0, high: 1 })], true, box)).toEqual({
      band: "",
      line: "",
      dot: null,
    });
    expect(sparklinePaths([aPoint(0, 0), aPoint(1, 0)], true, box).line).toBe("M2 23L102 23");
  });

  it("cuts off a lone spike, but never the newest value", () => {
    const calm = Array.from({ length: 40 }, (_, at) => aPoint(at, at === 20 ? 100 : 2));
    expect(sparklinePaths(calm, true, box).dot).toEqual({ x: 102, y: 3 });
    const risen = [...calm, aPoint(40, 8)];
    expect(sparklinePaths(risen, true, box).line).toContain("L52 3L");
    expect(sparklinePaths(risen, true, box).dot).toEqual({ x: 102, y: 3 });
  });

  it("has no dot when the newest window is a gap", () => {
    expect(sparklinePaths([aPoint(0, 1), aPoint(1, null)], true, box).dot).toBeNull();
  });
});

describe("matrixOf", () => {
  it("has a row a model and a column a region, operations inside", () => {
    const cells = [
      aCellView({ cell: "1", operation: "chat" }),
      aCellView({ cell: "2", operation: "embeddings" }),
      aCellView({ cell: "3", region: "us-east-1" }),
      aCellView({ cell: "4", model: "o3", region: "" }),
    ];
    const { regions, rows } = matrixOf(cells);
    expect(regions).toEqual(["eu-west-1", "us-east-1", "no region"]);
    expect(
      rows.map(({ title, columns }) => [
        title,
        columns.map((column) => column.map(({ cell }) => cell)),
      ]),
    ).toEqual([
      ["gpt-4o", [["1", "2"], ["3"], []]],
      ["o3", [[], [], ["4"]]],
    ]);
  });

  it("has a row a route, with its service, and says what is watched together", () => {
    const { rows } = matrixOf([
      aCellView({ kind: "http", provider: "web", model: "", operation: "POST /login" }),
      aCellView({ kind: "http", provider: "web", model: "", operation: "GET /sessions/{id}" }),
      aCellView({ provider: "_other", model: "_other", region: "_other", operation: "_other" }),
    ]);
    expect(rows.map(({ title, subtitle }) => [title, subtitle])).toEqual([
      ["POST /login", "web"],
      ["GET /sessions/{id}", "web"],
      ["all others", "watched together"],
    ]);
  });
});

describe("shownValue", () => {
  const main = { ...aCellView().main, seen: null } as CellView["main"];
  const minute = 60_000;

  it("is the newest, else one of the last minute, marked as earlier", () => {
    expect(shownValue(aCellView())).toEqual({ value: 1, isNewest: true });
    const points = [aPoint(0, 5), aPoint(minute, null)];
    expect(shownValue(aCellView({ main, points, newest: aPoint(minute, null) }))).toEqual({
      value: 5,
      isNewest: false,
    });
    expect(shownValue(aCellView({ main, points, newest: aPoint(minute + 1, null) }))).toEqual({
      value: null,
      isNewest: false,
    });
    expect(shownValue(aCellView({ main: null }))).toEqual({ value: null, isNewest: true });
  });
});

describe("matches", () => {
  it("wants every word somewhere", () => {
    expect(matches(aCellView(), "GPT eu-west")).toBe(true);
    expect(matches(aCellView(), "gpt us-east")).toBe(false);
    expect(matches(aCellView({ state: "silent" }), "silent")).toBe(true);
  });
});

describe("mergeNow", () => {
  const aNow = (cells: readonly CellView[]): Now => ({
    atMs: 0,
    health: { level: "good", sentence: "", ageMs: 0 },
    pipeline: {
      windowMs: 5_000,
      newestDataMs: 0,
      staleAfterMs: 0,
      verdictDelayMs: null,
      spansPerSecond: 0,
      lateSpans: 0,
      clampedSpans: 0,
      duplicateSpans: 0,
      senders: 0,
    },
    incidents: [],
    cells: [...cells],
    hiddenCells: 0,
    silences: [],
    endpoints: { otlpHttp: "", otlpGrpc: "" },
  });
  const minute = 60_000;

  it("adds the newest point and lets go what is older than a quarter of an hour", () => {
    const before = aNow([aCellView({ points: [aPoint(0, 1), aPoint(14 * minute, 2)] })]);
    const { now, needsWhole } = mergeNow(
      before,
      aNow([aCellView({ newest: aPoint(15 * minute, 3) })]),
    );
    expect(needsWhole).toBe(false);
    expect(now.cells[0]?.points.map(({ atMs }) => atMs)).toEqual([14 * minute, 15 * minute]);
  });

  it("takes the same window twice as one", () => {
    const before = aNow([aCellView({ points: [aPoint(1, 1)] })]);
    const { now } = mergeNow(before, aNow([aCellView({ newest: aPoint(1, 2) })]));
    expect(now.cells[0]?.points).toEqual([aPoint(1, 2)]);
  });

  it("asks for the whole when a cell is new or shows another signal", () => {
    const newest = aPoint(1, 1);
    expect(mergeNow(undefined, aNow([])).needsWhole).toBe(true);
    expect(mergeNow(aNow([]), aNow([aCellView({ newest })])).needsWhole).toBe(true);
    const other = aCellView({ newest, main: null });
    expect(mergeNow(aNow([aCellView()]), aNow([other])).needsWhole).toBe(true);
  });
});
