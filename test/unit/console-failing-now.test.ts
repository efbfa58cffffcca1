import { describe, expect, it } from "vitest";
import { failingNow } from "../../services/console/failing-now.ts";
import { applyFrame, applyIncident, emptyConsoleState } from "../../services/console/state.ts";
import { cellKey } from "../../services/contracts/cell.ts";
import { anIncident } from "../support/incidents.ts";
import { aCell, aCellFrame, aFrame, aVerdict } from "../support/records.ts";

const startMs = 1_800_000_000_000;
const windowMs = 5_000;
const failingCell = cellKey(aCell({ region: "eu-west-1" }));
const otherCell = cellKey(aCell({ region: "us-east-1" }));

/** An incident of two cells and the windows of each, by number of the window: requests that end badly, of 100. */
function now(
  windows: Readonly<Record<string, Readonly<Record<string, number>>>>,
  incident = anIncident({ cells: [failingCell, otherCell] }),
): number | null {
  const state = emptyConsoleState(windowMs);
  for (const [cell, bad] of Object.entries(windows))
    for (const [window, count] of Object.entries(bad)) {
      const signals = [
        aVerdict({ signal: "failures", bad: count, expected: 0.02 }),
        aVerdict({ signal: "ttft", bad: 90, expected: 1 }),
      ];
      const cells = [aCellFrame({ cell: cell as typeof failingCell, signals })];
      const windowStartMs = startMs + Number(window) * windowMs;
      applyFrame(state, aFrame({ windowStartMs, windowMs, cells }), windowStartMs);
    }
  applyIncident(state, incident);
  const known = state.incidents.get(incident.incident);
  if (known === undefined) throw new Error("no incident");
  return failingNow(state, known);
}

describe("how much of an incident fails now", () => {
  it("is the newest window's, beyond the usual, over the incident's cells", () => {
    expect(now({ [failingCell]: { 0: 10, 1: 42 }, [otherCell]: { 0: 0, 1: 2 } })).toBeCloseTo(0.2);
  });

  it("does not count cells that are no part of it, nor such that have had no window lately", () => {
    const cells = { [failingCell]: { 0: 52 }, [otherCell]: { 0: 2 } };
    expect(now(cells, anIncident({ cells: [failingCell] }))).toBeCloseTo(0.5);
    expect(now({ [failingCell]: { 0: 52 }, [otherCell]: { 9: 2 } })).toBeCloseTo(0);
  });

  it("is that of the kind of request that has it worst", () => {
    const classify = cellKey(aCell({ operation: "classify" }));
    const incident = anIncident({ cells: [failingCell, classify] });
    expect(now({ [failingCell]: { 0: 52 }, [classify]: { 0: 2 } }, incident)).toBeCloseTo(0.5);
    expect(now({ [failingCell]: { 0: 2 }, [classify]: { 0: 32 } }, incident)).toBeCloseTo(0.3);
  });

  it("is unknown without requests, and once it is over", () => {
    expect(now({})).toBeNull();
    const over = anIncident({
      cells: [failingCell],
      phase: "resolved",
      transition: "resolved",
      resolvedMs: startMs,
    });
    expect(now({ [failingCell]: { 0: 52 } }, over)).toBeNull();
  });
});
