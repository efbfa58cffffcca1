/** Gauges of a window: the last reading of each stream (one instance's, say), summed over a cell's streams. */
import type { CellKey } from "../../contracts/cell.ts";
import { counterSlots } from "../../contracts/measures.ts";
import type { CellWindow } from "../../contracts/window.ts";
import type { GaugeReading, OpenWindow } from "./open-windows.ts";

/** Streams kept of a window, as a bound on memory; further ones are left out. */
const streamLimit = 20_000;

/** Keeps a reading unless a later one of the same stream is known. */
export function keepReading(window: OpenWindow, stream: string, reading: GaugeReading): void {
  const before = window.gauges.get(stream);
  if (before === undefined && window.gauges.size >= streamLimit) return;
  if (before === undefined || reading.timeMs >= before.timeMs) window.gauges.set(stream, reading);
}

/** Cells that have nothing but gauges: sums in thousandths, gauges and cells in the order of their names. */
export function cellsOfGauges(window: OpenWindow): CellWindow[] {
  const byCell = new Map<CellKey, Map<string, number>>();
  for (const { cell, gauge, value } of window.gauges.values()) {
    const sums = byCell.get(cell) ?? new Map<string, number>();
    sums.set(gauge, (sums.get(gauge) ?? 0) + Math.round(value * 1_000));
    byCell.set(cell, sums);
  }
  return [...byCell]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cell, sums]) => ({
      cell,
      counters: new Array<number>(counterSlots).fill(0),
      sketches: {},
      breadth: {},
      dimensions: [],
      gauges: Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1))),
      examples: [],
    }));
}
