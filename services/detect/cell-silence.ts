/**
 * Silence costs next to nothing. A window without any evidence changes no signal but traffic, for which 0 is an observation: the other
 * signals only count such windows and step over all of them at once when the next evidence comes, which leaves them, bit for bit,
 * as if they had been stepped over one by one.
 */
import type { Gap } from "../../detectors/detector.ts";
import type { AnyDetector } from "../../detectors/registry.ts";
import { counterSlots } from "../contracts/measures.ts";
import type { CellWindow } from "../contracts/window.ts";
import { type CellState, spotlessStates } from "./cell-state.ts";
import { isSignalFrozen } from "./freeze.ts";
import { type SignalSource, signalSources } from "./signal-sources.ts";
import { type DetectorPlan, planAt } from "./signal-verdict.ts";

const noCounters: readonly number[] = new Array<number>(counterSlots).fill(0);

const nothing: Omit<CellWindow, "cell" | "counters"> = {
  sketches: {},
  breadth: {},
  dimensions: [],
  gauges: {},
  examples: [],
};

/** The window of a cell that nothing was heard of. */
export function silentWindow(cell: CellWindow["cell"]): CellWindow {
  return { cell, counters: noCounters, ...nothing };
}

/** Whether a window tells nothing of its cell. */
export function isSilent(window: CellWindow): boolean {
  const { counters } = window;
  if (counters === noCounters) return true;
  for (let id = 0; id < counters.length; id++) if (counters[id] !== 0) return false;
  if (window.dimensions.length > 0 || window.examples.length > 0) return false;
  return isEmpty(window.sketches) && isEmpty(window.gauges) && isEmpty(window.breadth);
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  for (const _ in record) return false;
  return true;
}

/** Steps all signals but traffic over the silent windows since the last evidence. Changes `cell`. */
export function catchUp(cell: CellState, windowMs: number): void {
  const windows = cell.silent;
  if (windows === 0) return;
  cell.silent = 0;
  const spotless = new Set<string>();
  for (let index = 0; index < signalSources.length; index++) {
    const source = signalSources[index] as SignalSource;
    if (source.kind === "traffic") continue;
    const plan = planAt(index);
    const signal = cell.signals[index];
    if (signal !== null && signal !== undefined) {
      const isFrozen = (cell.isFrozen && !signal.isAdapting) || isSignalFrozen(signal);
      skip(plan, signal.detectors, { windows, isFrozen });
    } else if (source.kind === "ratio" && source.set === "ratio" && !spotless.has(source.of)) {
      spotless.add(source.of);
      const states = spotlessStates(cell, source.of, windowMs);
      skip(plan, states, { windows, isFrozen: cell.isFrozen });
    }
  }
}

function skip(
  { set, kinds }: DetectorPlan,
  states: readonly unknown[],
  { windows, isFrozen }: { readonly windows: number; readonly isFrozen: boolean },
): void {
  for (let i = 0; i < set.length; i++) {
    const kind = kinds[i];
    if (kind === undefined || kind === "count") continue;
    const { skip: skipWindows, id } = set[i] as AnyDetector;
    if (skipWindows === undefined) throw new Error(`detector ${id} can't skip silent windows`);
    skipWindows(states[i], { kind, windows } satisfies Gap, { isFrozen });
  }
}
