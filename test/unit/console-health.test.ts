import { describe, expect, it } from "vitest";
import { type HealthInput, healthOf } from "../../services/console/web/health.ts";
import type { CellState } from "../../services/contracts/http-api.ts";

const nowMs = 1_800_000_000_000;

const aPicture = (
  states: readonly CellState[],
  overrides: Partial<HealthInput> = {},
): HealthInput => ({
  nowMs,
  pipeline: { newestDataMs: nowMs - 6_000, staleAfterMs: 30_000 },
  incidents: [],
  cells: states.map((state) => ({ state })),
  hiddenCells: 0,
  ...overrides,
});

const cells = (count: number, state: CellState = "normal") => Array<CellState>(count).fill(state);
const page = { severity: "page", phase: "firing", title: "" } as const;
const ticket = { severity: "ticket", phase: "resolving", title: "" } as const;

describe("healthOf", () => {
  it("is good when every cell is normal and the data fresh", () => {
    expect(healthOf(aPicture(cells(24)))).toEqual({
      level: "good",
      sentence: "All 24 cells normal, newest data 6 s old",
      ageMs: 6_000,
    });
  });

  it("is never good on old data, and says what was so before", () => {
    const pipeline = { newestDataMs: nowMs - 30_001, staleAfterMs: 30_000 };
    expect(healthOf(aPicture(cells(24), { pipeline }))).toMatchObject({
      level: "stale",
      sentence: "No new data for 30 s; before that: all 24 cells normal",
    });
    expect(healthOf(aPicture(cells(24), { pipeline, incidents: [page] })).level).toBe("stale");
  });

  it("is empty before the first data", () => {
    const pipeline = { newestDataMs: null, staleAfterMs: 30_000 };
    expect(healthOf(aPicture([], { pipeline }))).toEqual({
      level: "empty",
      sentence: "No telemetry has arrived yet",
      ageMs: null,
    });
  });

  it("counts pages before tickets, and leaves out what is pending or resolved", () => {
    const states = [...cells(20), ...cells(3, "page"), "ticket" as const];
    expect(healthOf(aPicture(states, { incidents: [page, ticket] }))).toMatchObject({
      level: "page",
      sentence: "1 page and 1 ticket open, 4 of 24 cells degraded, newest data 6 s old",
    });
    expect(
      healthOf(
        aPicture(cells(24), {
          incidents: [
            { ...page, phase: "resolved" },
            { ...page, phase: "pending" },
          ],
        }),
      ).level,
    ).toBe("good");
  });

  it("names what is watched, silent and learning", () => {
    const states: CellState[] = [...cells(20), "watching", "watching", "silent", "learning"];
    expect(healthOf(aPicture(states))).toMatchObject({
      level: "watching",
      sentence:
        "20 of 24 cells normal, 2 watched closely, 1 silent, 1 still learning, newest data 6 s old",
    });
    expect(healthOf(aPicture([...cells(3), "learning"])).level).toBe("good");
    expect(healthOf(aPicture(cells(5, "learning")))).toMatchObject({
      level: "learning",
      sentence: "All 5 cells are still learning what is normal, newest data 6 s old",
    });
  });

  it("says so when telemetry holds no model calls", () => {
    expect(healthOf(aPicture([]))).toMatchObject({
      level: "learning",
      sentence: "Telemetry arrives, but no model calls yet, newest data 6 s old",
    });
  });
});
