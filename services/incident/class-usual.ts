/**
 * What is usual in a whole class: of a cell that has had few requests yet, this says more than a constant. Where a tenth of all calls fails from
 * the first one on, no cell has to prove that for itself before it is usual.
 */
import type { CellKey } from "../contracts/cell.ts";
import { type VisibleSignal, visibleSignals } from "../contracts/visible-signals.ts";
import { classOf } from "./group-track.ts";
import type { IncidentState } from "./state.ts";
import type { CellTrack } from "./track.ts";
import type { ClassUsual } from "./usual-ratio.ts";

interface Counts {
  /** All requests learnt from: a kind that nobody had is counted from its first on, and says nothing of those before. */
  of: number;
  readonly bad: Partial<Record<VisibleSignal, number>>;
}

/** By class, from what its cells have learnt so far. */
export function classUsuals(cells: IncidentState["cells"]): ReadonlyMap<string, ClassUsual> {
  const sums = new Map<string, Counts>();
  for (const name in cells) {
    const key = name as CellKey;
    const { signals } = cells[key] as CellTrack;
    let counts = sums.get(classOf(key));
    if (counts === undefined) {
      counts = { of: 0, bad: {} };
      sums.set(classOf(key), counts);
    }
    counts.of += signals.failures?.usual.of ?? 0;
    for (const signal of visibleSignals) {
      const bad = signals[signal]?.usual.bad ?? 0;
      if (bad > 0) counts.bad[signal] = (counts.bad[signal] ?? 0) + bad;
    }
  }
  return new Map([...sums].map(([name, counts]) => [name, ratiosOf(counts)]));
}

function ratiosOf({ of, bad }: Counts): ClassUsual {
  const ratios: Partial<Record<VisibleSignal, number>> = {};
  if (of === 0) return ratios;
  for (const signal of visibleSignals) {
    const count = bad[signal];
    if (count !== undefined) ratios[signal] = Math.min(1, count / of);
  }
  return ratios;
}
