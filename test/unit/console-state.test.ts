import { describe, expect, it } from "vitest";
import { createCellSeries } from "../../services/console/cell-series.ts";
import { cellState, nowView } from "../../services/console/now.ts";
import {
  applyCommand,
  applyDelivery,
  applyFrame,
  applyIncident,
  emptyConsoleState,
} from "../../services/console/state.ts";
import { timelineOf } from "../../services/console/timeline.ts";
import { aDelivery, sceneFrame, sickCell } from "../support/console-scene.ts";
import { anIncident, incidentStartMs } from "../support/incidents.ts";
import { aCellFrame, aFrame, aVerdict } from "../support/records.ts";

const startMs = 1_800_000_000_000;
const value = (seen: number) => ({ seen, expected: 1, low: 0, high: 2 });
const options = {
  nowMs: startMs + 20_000,
  staleAfterMs: 30_000,
  endpoints: { otlpHttp: "", otlpGrpc: "" },
  withPoints: true,
};

describe("createCellSeries", () => {
  it("keeps the newest windows, shows gaps as nulls and takes repeats once", () => {
    const series = createCellSeries(5_000, 20_000);
    series.put(0, value(9));
    series.put(20_000, value(1));
    series.put(20_000, value(2));
    series.put(30_000, value(3));
    series.put(10_000, value(8));
    expect(series.points(30_000).map(({ atMs, seen }) => [atMs, seen])).toEqual([
      [20_000, 2],
      [25_000, null],
      [30_000, 3],
    ]);
  });

  it("has no points when all of them are too old", () => {
    const series = createCellSeries(5_000, 20_000);
    series.put(0, value(9));
    expect(series.points(20_000)).toEqual([]);
  });
});

describe("applyFrame", () => {
  it("takes a frame twice as once, and parts of a window together", () => {
    const state = emptyConsoleState(5_000);
    const frame = sceneFrame({ windowStartMs: startMs, slowness: 1 });
    const parts = [frame.cells.slice(0, 10), frame.cells.slice(10)].map((cells, part) => ({
      ...frame,
      cells,
      part,
      parts: 2,
    }));
    for (const part of [...parts, ...parts]) applyFrame(state, part, startMs + 16_000);
    const now = nowView(state, options);
    expect(now.cells).toHaveLength(24);
    expect(now.cells.every(({ points }) => points.length <= 1)).toBe(true);
    expect(now.pipeline).toMatchObject({ spansPerSecond: 460, verdictDelayMs: 11_000 });
  });

  it("does not take windows that close without telemetry for data", () => {
    const state = emptyConsoleState(5_000);
    const pipeline = { spans: 0, lateSpans: 0, clampedSpans: 0, duplicateSpans: 0, senders: 0 };
    applyFrame(state, aFrame({ windowStartMs: startMs, pipeline }), startMs);
    expect(nowView(state, options).health.level).toBe("empty");
    applyFrame(
      state,
      aFrame({ windowStartMs: startMs, pipeline: { ...pipeline, spans: 1 } }),
      startMs,
    );
    expect(nowView(state, options).health.level).toBe("learning");
  });

  it("forgets a cell that no frame names any more", () => {
    const state = emptyConsoleState(5_000);
    applyFrame(state, aFrame({ windowStartMs: startMs, cells: [aCellFrame()] }), startMs);
    applyFrame(state, aFrame({ windowStartMs: startMs + 120_000 }), startMs + 120_000);
    expect(nowView(state, options).cells).toHaveLength(1);
    applyFrame(state, aFrame({ windowStartMs: startMs + 125_000 }), startMs + 125_000);
    expect(nowView(state, options).cells).toHaveLength(0);
  });
});

describe("cellState", () => {
  it("is the incident's severity first", () => {
    expect(cellState(aCellFrame(), "page")).toBe("page");
    expect(cellState(aCellFrame({ signals: [aVerdict()] }), "none")).toBe("normal");
  });

  it("is silent only when requests were to be expected", () => {
    const quiet = { requests: 0, signals: [aVerdict({ state: "blind" })] };
    expect(
      cellState(aCellFrame({ ...quiet, quietWindows: 3, usualRequests: 100 }), undefined),
    ).toBe("silent");
    expect(
      cellState(aCellFrame({ ...quiet, quietWindows: 3, usualRequests: 0.2 }), undefined),
    ).toBe("normal");
  });

  it("is learning while no signal is judged, watching when any is unusual", () => {
    const warming = aVerdict({ state: "warming" });
    expect(cellState(aCellFrame({ signals: [warming] }), undefined)).toBe("learning");
    expect(cellState(aCellFrame({ signals: [warming, aVerdict()] }), undefined)).toBe("normal");
    expect(cellState(aCellFrame({ signals: [aVerdict({ state: "watching" })] }), undefined)).toBe(
      "watching",
    );
  });
});

describe("the main signal", () => {
  const frameWith = (signals: ReturnType<typeof aVerdict>[]) =>
    aFrame({ windowStartMs: startMs, cells: [aCellFrame({ cell: sickCell, signals })] });
  const mainOf = (signals: ReturnType<typeof aVerdict>[], incident = false) => {
    const state = emptyConsoleState(5_000);
    applyFrame(state, frameWith(signals), startMs);
    if (incident) applyIncident(state, anIncident({ cells: [sickCell], leadingSignal: "retries" }));
    return nowView(state, options).cells[0]?.main?.signal;
  };
  const calm = aVerdict({ signal: "ttft" });

  it("is the incident's, else the most surprising, else what moves first", () => {
    const failing = aVerdict({ signal: "failures", state: "anomalous", surprise: 6 });
    const slow = aVerdict({ signal: "duration", state: "watching", surprise: 3 });
    const retries = aVerdict({ signal: "retries" });
    expect(mainOf([calm, slow, failing, retries], true)).toBe("retries");
    expect(mainOf([calm, slow, failing])).toBe("failures");
    expect(mainOf([aVerdict({ signal: "failures" }), calm])).toBe("ttft");
  });

  it("stays when a window has nothing to say of it", () => {
    const state = emptyConsoleState(5_000);
    applyFrame(state, frameWith([aVerdict({ signal: "duration" })]), startMs);
    const quiet = {
      ...frameWith([aVerdict({ signal: "traffic", seen: 0 })]),
      windowStartMs: startMs + 5_000,
    };
    applyFrame(state, quiet, startMs + 5_000);
    expect(nowView(state, options).cells[0]?.main).toMatchObject({
      signal: "duration",
      state: "blind",
      seen: null,
    });
  });

  it("stays also where metrics alone tell of a cell, and not in every window", () => {
    const state = emptyConsoleState(5_000);
    applyFrame(state, frameWith([aVerdict({ signal: "in_flight", seen: 12 })]), startMs);
    const next = { ...frameWith([]), windowStartMs: startMs + 5_000 };
    applyFrame(state, next, startMs + 5_000);
    expect(nowView(state, options).cells[0]?.main).toMatchObject({
      signal: "in_flight",
      unit: "requests",
      seen: null,
    });
  });

  it("gives way where the cell never has a value for it", () => {
    const never = aVerdict({ signal: "ttft", seen: null });
    expect(mainOf([never, aVerdict({ signal: "duration" })])).toBe("duration");
  });
});

describe("incidents", () => {
  it("keep what people said, whichever record came first", () => {
    const state = emptyConsoleState(5_000);
    applyCommand(
      state,
      { kind: "acknowledge", incident: "7f3a91c2", by: "ada", atMs: startMs, note: "" },
      startMs,
    );
    applyDelivery(state, aDelivery());
    applyDelivery(state, aDelivery());
    applyIncident(state, anIncident());
    expect(applyIncident(state, anIncident())).toBe(false);
    expect(nowView(state, options).incidents).toMatchObject([{ acknowledgedBy: "ada" }]);
    expect(state.deliveries.get("7f3a91c2")).toHaveLength(1);
  });

  it("are remembered by the worst that they were", () => {
    const state = emptyConsoleState(5_000);
    applyIncident(state, anIncident());
    applyIncident(
      state,
      anIncident({
        revision: 2,
        severity: "none",
        phase: "resolved",
        transition: "resolved",
        resolvedMs: startMs,
      }),
    );
    expect(nowView(state, options).incidents).toMatchObject([
      { severity: "page", phase: "resolved" },
    ]);
  });
});

describe("timelineOf", () => {
  it("puts first signs, transitions, deliveries and people in order", () => {
    const paged = anIncident();
    const resolved = anIncident({
      revision: 2,
      transition: "resolved",
      phase: "resolved",
      atMs: incidentStartMs + 600_000,
    });
    const entries = timelineOf(
      {
        latest: resolved,
        revisions: [paged, resolved],
        acknowledged: { by: "ada", atMs: incidentStartMs + 60_000, note: "on it" },
      },
      [
        aDelivery({ atMs: incidentStartMs + 31_000 }),
        aDelivery({
          key: "x",
          sink: "hook",
          outcome: "failed",
          detail: "HTTP 500",
          atMs: incidentStartMs + 90_000,
        }),
      ],
    );
    expect(entries.map(({ kind, what }) => [kind, what])).toEqual([
      ["sign", "First tokens unusual: 2.9 s, expected 0.9–1.4 s"],
      ["sign", "Failing requests unusual: 1.8 %, expected ≤ 0.4 %"],
      ["paged", "Page: claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading"],
      ["delivery", "Told terminal (paged)"],
      ["acknowledged", "Acknowledged by ada"],
      ["failure", "Could not tell hook (paged)"],
      ["resolved", "Resolved"],
    ]);
  });
});
