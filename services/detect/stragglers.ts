/**
 * Requests far slower than nearly all of their cell usually are. A few slow replicas move no percentile that charts follow: of 25 requests one
 * takes five times as long, and the 95th percentile holds it beside the one that is always there. Twice as long as that percentile
 * hardly any request takes by itself, so that a handful of them proves it; how many do is learnt by each cell.
 */
import { sketchCountFrom } from "../../detectors/coarse-histogram.ts";
import { type ExceedanceState, usualBoundary } from "../../detectors/exceedance.ts";
import { sketchCount } from "../../detectors/sketch.ts";
import { type CellWindow, sketch } from "../contracts/window.ts";
import type { CellState } from "./cell-state.ts";
import { type SignalSource, signalSources } from "./signal-sources.ts";

/** Multiple of the usual 95th percentile. */
const farSlower = 2;

export interface Stragglers {
  bad: number;
  /** Requests whose time is known. */
  of: number;
}

interface Timed {
  readonly index: number;
  readonly source: Extract<SignalSource, { kind: "distribution" }>;
}

const timed = (name: string): Timed => {
  const index = signalSources.findIndex(({ signal }) => signal === name);
  return { index, source: signalSources[index] as Timed["source"] };
};
/** A slow replica shows in its tokens; a whole answer takes as long as it is long, so that it counts only where no tokens are timed. */
const ofTokens = [timed("ttft"), timed("time_per_output_token")];
const ofAnswers = [timed("duration")];

export const noStragglers: Readonly<Stragglers> = { bad: 0, of: 0 };

/** Of a window, against what the cell's requests usually take times `factor`; none while that is not known. */
export function stragglersOf(cell: CellState, window: CellWindow, factor: number): Stragglers {
  const hasTokens = ofTokens.some(({ index }) => (cell.signals[index] ?? null) !== null);
  const found = { bad: 0, of: 0 };
  for (const { index, source } of hasTokens ? ofTokens : ofAnswers) {
    const usual = cell.signals[index]?.detectors[0] as ExceedanceState | undefined;
    const boundary = usual === undefined ? undefined : usualBoundary(usual, 0.95);
    if (boundary === undefined) continue;
    const values = sketch(window, source.sketch);
    found.bad += sketchCountFrom(values, boundary, farSlower * factor);
    found.of = Math.max(found.of, sketchCount(values));
  }
  found.bad = Math.min(found.bad, found.of);
  return found;
}
