/** How much of the traffic fails outright, and how much fails beside it without being sure yet. */
import type { CellKey } from "../contracts/cell.ts";
import { classOf } from "./group-track.ts";
import { failuresLately } from "./outright.ts";
import type { IncidentState } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

/** A failure among few requests, or two among more, is a sign that the rest of a place is about to follow. */
const signDigits = 1.9;
const signFailures = 2;

export interface OutrightShares {
  /** Share of usual traffic in cells of the incident that fail outright. */
  readonly outright: number;
  /** In other cells of their classes that show signs of the same: the place is still unfolding, or it is a part that fails everywhere. */
  readonly unfolding: number;
}

export function outrightShares(
  state: IncidentState,
  /** Cells of the incident. */
  cells: readonly CellKey[],
): OutrightShares {
  const sure = cells.filter((key) => state.cells[key]?.outright.isSure);
  if (sure.length === 0) return { outright: 0, unfolding: 0 };
  const classes = new Set(sure.map(classOf));
  const others = (Object.keys(state.cells) as CellKey[]).filter((key) => {
    const outright = state.cells[key]?.outright;
    if (outright === undefined || outright.isSure || !classes.has(classOf(key))) return false;
    if (outright.digits >= signDigits) return true;
    return cells.includes(key) && failuresLately(outright).bad >= signFailures;
  });
  return { outright: trafficShare(state, sure), unfolding: trafficShare(state, others) };
}
