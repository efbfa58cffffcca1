import { expect, it } from "vitest";
import { cellKey } from "../../services/contracts/cell.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { initialCellTrack } from "../../services/incident/cell-track.ts";
import type { FleetWindow } from "../../services/incident/join.ts";
import { silentCells } from "../../services/incident/silence.ts";
import { initialState } from "../../services/incident/state.ts";
import { fleetCells, fleetWindowMs } from "../support/incident-fleet.ts";
import { aCellFrame } from "../support/records.ts";

it.each([
  { seenWindows: 3, isTold: false },
  { seenWindows: 60, isTold: true },
])(
  "ten minutes without requests of a cell that had some in $seenWindows windows: told is $isTold",
  (each) => {
    const [quiet, busy] = fleetCells.map(cellKey);
    if (quiet === undefined || busy === undefined) throw new Error("the fleet has no two cells");
    const state = initialState();
    const track = { ...initialCellTrack(), usualRequests: 1, seenWindows: each.seenWindows };
    state.cells[quiet] = { ...track, quietWindows: 600_000 / fleetWindowMs };
    state.cells[busy] = track;
    const memories = { [quiet]: { usualRequests: 1, longestQuiet: 2 } };
    const cells = [quiet, busy].map((cell) => aCellFrame({ cell }));
    const window = { windowMs: fleetWindowMs, windowStartMs: 0, cells } as unknown as FleetWindow;
    const told = silentCells(state, memories, { window, judgement: judgementSchema.parse({}) });
    expect([...told.keys()]).toEqual(each.isTold ? [quiet] : []);
  },
);
