/** How much of the traffic surely fails in part, and whether that is all that fails. */
import type { CellKey } from "../contracts/cell.ts";
import { classOf, failingOf } from "./group-track.ts";
import type { IncidentState } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

export interface SurelyFailing {
  /** Share of usual traffic in cells that surely fail in part, and the ratio that fails there lately. */
  readonly share: number;
  readonly ratio: number;
  /** Whether other cells of their classes fail as well, and much: a page now would name a part for the whole. */
  readonly isUnfolding: boolean;
}

/** Failures elsewhere count where they are this many deviations beyond the usual, and this part of those in the sure cells. */
const deviations = 2;
const part = 0.5;

export function surelyFailing(
  state: IncidentState,
  /** Cells of the incident. */
  cells: readonly CellKey[],
): SurelyFailing {
  const sure = cells.filter((key) => state.cells[key]?.failing.isSure);
  if (sure.length === 0) return { share: 0, ratio: 0, isUnfolding: false };
  let bad = 0;
  let of = 0;
  for (const key of sure) {
    const lately = state.cells[key]?.failing.lately;
    bad += lately?.bad ?? 0;
    of += lately?.of ?? 0;
  }
  const classes = new Set(sure.map(classOf));
  const here = new Set(sure);
  let own = 0;
  let others = 0;
  let expected = 0;
  for (const key of Object.keys(state.cells) as CellKey[]) {
    const track = state.cells[key];
    if (track === undefined || !classes.has(classOf(key))) continue;
    const tally = failingOf(track.visible, track.isLimitBroad);
    if (here.has(key)) own += tally.bad - tally.expected;
    else {
      others += tally.bad - tally.expected;
      expected += tally.expected;
    }
  }
  return {
    share: trafficShare(state, sure),
    ratio: of > 0 ? bad / of : 0,
    isUnfolding: others > deviations * Math.sqrt(expected + 1) && others > part * own,
  };
}
