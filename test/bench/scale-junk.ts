/**
 * A million names that nobody meant to be series (a model name with a request id in it, say), against a cell with 1 % of the traffic that
 * arrives in the middle of them: how soon it has a name of its own, and what is remembered of the million.
 */
import { cellKey } from "../../services/contracts/cell.ts";
import { counterIds, counterSlots } from "../../services/contracts/measures.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { emptyNames, nameCells } from "../../services/detect/cell-names.ts";
import { aJudgement } from "../support/detect-task.ts";
import { aCell } from "../support/records.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export interface JunkJob {
  readonly kind: "junk";
  readonly names: number;
}

export interface JunkResult {
  readonly junkNames: number;
  readonly maxCells: number;
  /** Simulated time from the cell's first window to the one that names it. */
  readonly namedAfterS: number;
  /** Most names that were remembered at once, and windows in which the cell had lost its name again. */
  readonly mostTracked: number;
  readonly windowsWithoutName: number;
  readonly heapGrowthBytes: number;
  readonly cpuMsPerWindow: number;
}

const windowMs = 5_000;
const junkPerWindow = 10_000;

export function runJunk({ names: junkNames }: JunkJob): JunkResult {
  const { series } = aJudgement({});
  const names = emptyNames();
  const watched = cellKey(aCell());
  const windows = Math.ceil(junkNames / junkPerWindow);
  const arrives = Math.floor(windows / 2);
  const before = process.memoryUsage().heapUsed;
  const cpuBefore = ownCpuSeconds();
  let namedAt = Number.NaN;
  let mostTracked = 0;
  let windowsWithoutName = 0;
  for (let window = 0; window < windows; window++) {
    const cells = Array.from({ length: junkPerWindow }, (_, index) =>
      cellOf(cellKey(aCell({ model: `gpt-4o/${window * junkPerWindow + index}` })), 1),
    );
    if (window >= arrives) cells.push(cellOf(watched, junkPerWindow / 99));
    nameCells(names, cells, series);
    mostTracked = Math.max(mostTracked, names.cells.size);
    if (window < arrives) continue;
    const isNamed = names.cells.get(watched)?.isNamed === true;
    if (isNamed && Number.isNaN(namedAt)) namedAt = window;
    if (!isNamed && !Number.isNaN(namedAt)) windowsWithoutName++;
  }
  const cpuMsPerWindow = ((ownCpuSeconds() - cpuBefore) * 1000) / windows;
  (globalThis as { gc?: () => void }).gc?.();
  return {
    junkNames,
    maxCells: series.maxCells,
    namedAfterS: ((namedAt - arrives + 1) * windowMs) / 1000,
    mostTracked,
    windowsWithoutName,
    heapGrowthBytes: process.memoryUsage().heapUsed - before,
    cpuMsPerWindow,
  };
}

function cellOf(cell: CellWindow["cell"], requests: number): CellWindow {
  const counters = new Array<number>(counterSlots).fill(0);
  counters[counterIds.requests] = Math.round(requests);
  return { cell, counters, sketches: {}, breadth: {}, dimensions: [], gauges: {}, examples: [] };
}
