import { describe, expect, it } from "vitest";
import { cellKey } from "../../services/contracts/cell.ts";
import { initialCellTrack } from "../../services/incident/cell-track.ts";
import { stepFarSlower } from "../../services/incident/far-slower.ts";
import { farSlower, forgetFarSlower } from "../../services/incident/far-slower-share.ts";
import { type IncidentState, initialState } from "../../services/incident/state.ts";
import { aCell } from "../support/records.ts";

const minute = 12;
const windowMs = 5_000;
const grey = cellKey(aCell({ model: "gpt-4o", region: "eu-west-1" }));
const other = cellKey(aCell({ model: "gpt-4o", region: "us-east-1" }));

/** Two cells, the first with a tenth of the traffic. */
function fleet(): IncidentState {
  const state = initialState();
  state.cells[grey] = { ...initialCellTrack(), usualRequests: 10 };
  state.cells[other] = { ...initialCellTrack(), usualRequests: 90 };
  return state;
}

function play(state: IncidentState, minutes: number, isSlow: boolean, promptGrowth = 0): void {
  const track = state.cells[grey];
  if (track === undefined) throw new Error("no cell");
  track.straggling.isSure = isSlow;
  track.promptGrowth = promptGrowth;
  for (let window = 0; window < minutes * minute; window++) stepFarSlower(track, windowMs);
}

const share = (state: IncidentState) => farSlower(state, [grey, other]).share;

describe("answers that are far slower than usual", () => {
  it("count after ten minutes and a little", () => {
    const state = fleet();
    play(state, 9, true);
    expect(share(state)).toBe(0);
    play(state, 2, true);
    expect(share(state)).toBeCloseTo(0.1);
  });

  it("count when they come and go, and only while they are there", () => {
    const state = fleet();
    for (let round = 0; round < 3; round++) {
      play(state, 4, true);
      if (round < 2) play(state, 8, false);
    }
    expect(share(state)).toBeCloseTo(0.1);
    play(state, 1, false);
    expect(share(state)).toBe(0);
  });

  it("weigh as much in a tenth for twenty minutes as in a fifth for ten", () => {
    const state = fleet();
    play(state, 21, true);
    const { share: tenth, longestMs, weight } = farSlower(state, [grey, other]);
    expect(tenth).toBeCloseTo(0.1);
    expect(longestMs / 60_000).toBeCloseTo(20, 0);
    expect(weight).toBeCloseTo(0.2, 1);
  });

  it("do not count while prompts are longer", () => {
    const state = fleet();
    play(state, 120, true, Math.log(2));
    expect(share(state)).toBe(0);
  });

  it("do not count while all answers are slower, nor for that time once they are not", () => {
    const state = fleet();
    const tally = state.cells[grey]?.lastingSlow;
    Object.assign(tally ?? {}, { bad: 300, of: 1000, expected: 50 });
    play(state, 120, true);
    expect(share(state)).toBe(0);
    Object.assign(tally ?? {}, { bad: 60 });
    play(state, 9, true);
    expect(share(state)).toBe(0);
    play(state, 2, true);
    expect(share(state)).toBeCloseTo(0.1);
  });

  it("take nearly an hour more once people were paged for them", () => {
    const state = fleet();
    play(state, 60, true);
    forgetFarSlower(state, [grey]);
    play(state, 50, true);
    expect(share(state)).toBe(0);
    play(state, 8, true);
    expect(share(state)).toBeCloseTo(0.1);
  });

  it("are forgotten within a day", () => {
    const state = fleet();
    play(state, 9, true);
    play(state, 24 * 60, false);
    play(state, 9, true);
    expect(share(state)).toBe(0);
  });
});
