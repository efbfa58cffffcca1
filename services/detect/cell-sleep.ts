/**
 * What a cell that has fallen silent weighs: all but its traffic is kept as bytes until the next evidence, and those bytes go into
 * checkpoints as they are. A restored cell begins asleep, so that a start does not take in what may never be asked for.
 */
import type { CellState } from "./cell-state.ts";
import { trafficIndex } from "./signal-sources.ts";
import type { StateCodec } from "./state-codec.ts";

/** Silent windows after which a cell is put to sleep: long enough that hardly any wakes up soon. */
export const sleepAfterWindows = 60;

/** What sleeps: everything but traffic, which is judged in silence too. */
type Sleeping = Pick<CellState, "spotless" | "signals">;

/** The sleeping part of a cell that is awake. */
export function sleepingPart(cell: CellState): Sleeping {
  const signals = cell.signals.map((signal, index) => (index === trafficIndex ? null : signal));
  return { spotless: cell.spotless, signals };
}

/** The rest of the cell. */
export function wakingPart(cell: CellState): CellState {
  const signals = cell.signals.map((signal, index) => (index === trafficIndex ? signal : null));
  return { ...cell, asleep: null, spotless: {}, signals };
}

/** Puts a cell to sleep. Changes `cell`. */
export function fallAsleep(cell: CellState, codec: StateCodec): void {
  if (cell.asleep !== null) return;
  cell.asleep = codec.encode(sleepingPart(cell));
  const { spotless, signals } = wakingPart(cell);
  cell.spotless = spotless;
  cell.signals = signals;
}

/** Wakes a cell up, if it sleeps: as if it never had. `traffic`: position of that signal. Changes `cell`. */
export function wakeUp(cell: CellState, codec: StateCodec, traffic = trafficIndex): void {
  if (cell.asleep === null) return;
  const { spotless, signals } = codec.decode(cell.asleep) as Sleeping;
  if (traffic >= 0) signals[traffic] = cell.signals[traffic] ?? null;
  cell.spotless = spotless;
  cell.signals = signals;
  cell.asleep = null;
}
