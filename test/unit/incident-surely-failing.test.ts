import { expect, test } from "vitest";
import { cellKey } from "../../services/contracts/cell.ts";
import { initialCellTrack } from "../../services/incident/cell-track.ts";
import { initialState } from "../../services/incident/state.ts";
import { surelyFailing } from "../../services/incident/surely-failing.ts";
import { fleetCells } from "../support/incident-fleet.ts";

const keys = fleetCells.map((cell) => cellKey(cell));
const sure = keys[0] as (typeof keys)[number];

/** One model call's cell surely fails with 20 of 100 requests; each other one has `others` of 100 failures. */
function judged(others: number) {
  const state = initialState();
  for (const key of keys) {
    const track = initialCellTrack();
    const isSure = key === sure;
    track.usualRequests = 10;
    track.visible.failures = { bad: isSure ? 20 : others, of: 100, expected: 0.5 };
    track.failing.isSure = isSure;
    track.failing.lately.bad = isSure ? 8 : 0;
    track.failing.lately.of = 40;
    state.cells[key] = track;
  }
  return surelyFailing(state, [sure]);
}

test("what a cell fails beyond the others is told with its share and ratio", () => {
  const { share, ratio, isUnfolding } = judged(0);
  expect(share).toBeCloseTo(1 / 12);
  expect(ratio).toBeCloseTo(0.2);
  expect(isUnfolding).toBe(false);
});

test("chance failures elsewhere do not make it a part of something larger", () => {
  expect(judged(0.6).isUnfolding).toBe(false);
});

test("failures elsewhere that add up to as many do", () => {
  expect(judged(3).isUnfolding).toBe(true);
});

test("without a cell that is sure there is nothing", () => {
  expect(surelyFailing(initialState(), keys)).toEqual({
    share: 0,
    ratio: 0,
    isUnfolding: false,
  });
});
