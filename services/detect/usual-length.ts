/** How long a cell's answers usually are, for telling those that are no answers. */
import { type ExceedanceState, usualQuantile } from "../../detectors/exceedance.ts";
import type { CellState } from "./cell-state.ts";
import { signalSources } from "./signal-sources.ts";

/**
 * Part of the usual median below which an answer is far too short. Lengths are near lognormal with a deviation of .9: one in a hundred is
 * that short by itself, and a cell learns how many of its own are. A median hardly moves while a sixth of the answers are cut.
 */
const farTooShort = 1 / 8;

const lengths = signalSources.findIndex(({ signal }) => signal === "output_tokens");

/** Tokens below which an answer of this cell is far too short; 0 while its usual lengths are unknown. */
export function shortBelow(cell: CellState): number {
  const state = cell.signals[lengths]?.detectors[0] as ExceedanceState | undefined;
  if (state === undefined) return 0;
  return (usualQuantile(state, 0.5) ?? 0) * farTooShort;
}
