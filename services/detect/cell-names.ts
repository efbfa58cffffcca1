/**
 * Which cells are watched one by one, decided when a window closes: the biggest by decayed traffic keep their names, ties go by key,
 * the rest is watched together as `_other`. A cell without requests for long loses its name.
 */
import { type CellKey, cellKey, otherCell } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import { type CellWindow, counter } from "../contracts/window.ts";
import { mergeCells } from "../contracts/window-merge.ts";
import { type KeptTraces, noTraces } from "./kept-traces.ts";

export interface TrackedCell {
  /** Requests, decayed with a half-life of 120 windows up to `at`. */
  traffic: number;
  /** Window (counted by this task) of the last requests, or gauges. */
  at: number;
  isNamed: boolean;
  /** Window of the last spans; absent where all that is known of the cell came as metrics. */
  spansAt?: number;
}

export interface CellNames {
  /** Windows closed so far. */
  window: number;
  readonly cells: Map<CellKey, TrackedCell>;
  /** Of all cells: whether only traces with errors are kept. */
  kept: KeptTraces;
  /** No cell was heard of last before this window, so that none need be looked at before that is long ago; absent: not known. */
  oldestAt?: number;
  /** Whether all cells have names, so that none need be looked at while none is added; absent: not known. */
  areAllNamed?: boolean;
}

export const otherKey = cellKey(otherCell);

const halfLifeWindows = 120;
/** A challenger must have this much more traffic than the cell whose place it takes: a new name begins without baselines. */
const advantage = 1.25;
/** Cells without a name that are tracked as challengers, as a multiple of the named ones. */
const challengers = 2;

export function emptyNames(): CellNames {
  return { window: 0, cells: new Map(), kept: noTraces() };
}

export interface NamedWindow {
  /** In key order; `_other` among them when it has requests. */
  readonly cells: readonly CellWindow[];
  /** Cells that lost their name in this window: their states are to be dropped. */
  readonly dropped: readonly CellKey[];
}

/** Folds cells without a name into `_other` and updates who has one. Changes `names`. */
export function nameCells(
  names: CellNames,
  cells: readonly CellWindow[],
  series: Judgement["series"],
): NamedWindow {
  const { cells: tracked } = names;
  names.window++;
  for (const cell of cells) {
    const requests = counter(cell, "requests");
    if (cell.cell === otherKey) continue;
    const known = tracked.get(cell.cell);
    if (requests === 0 && Object.keys(cell.gauges).length === 0) continue;
    if (known === undefined) {
      tracked.set(cell.cell, { traffic: requests, at: names.window, isNamed: false });
      names.areAllNamed = false;
    } else {
      known.traffic = trafficAt(known, names.window) + requests;
      known.at = names.window;
    }
  }
  const dropped = evict(names, series.evictAfterWindows);
  dropped.push(...rename(names, series.maxCells));
  return { cells: fold(names, cells), dropped };
}

function trafficAt(cell: TrackedCell, window: number): number {
  return cell.at === window
    ? cell.traffic
    : cell.traffic * 0.5 ** ((window - cell.at) / halfLifeWindows);
}

function evict(names: CellNames, afterWindows: number): CellKey[] {
  const { cells, window, oldestAt = 0 } = names;
  const dropped: CellKey[] = [];
  if (window - oldestAt <= afterWindows) return dropped;
  names.oldestAt = window;
  for (const [key, cell] of cells)
    if (window - cell.at > afterWindows) {
      if (cell.isNamed) dropped.push(key);
      cells.delete(key);
    } else if (cell.at < names.oldestAt) names.oldestAt = cell.at;
  return dropped;
}

function rename(names: CellNames, maxCells: number): CellKey[] {
  const { cells, window } = names;
  if (cells.size <= maxCells) {
    if (names.areAllNamed !== true) for (const cell of cells.values()) cell.isNamed = true;
    names.areAllNamed = true;
    return [];
  }
  names.areAllNamed = false;
  const ranked = [...cells]
    .map(([key, cell]) => ({
      key,
      cell,
      weight: trafficAt(cell, window) * (cell.isNamed ? advantage : 1),
    }))
    .sort((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1));
  const dropped: CellKey[] = [];
  ranked.forEach(({ key, cell }, rank) => {
    if (rank >= maxCells && cell.isNamed) dropped.push(key);
    cell.isNamed = rank < maxCells;
    if (rank >= maxCells * (1 + challengers)) cells.delete(key);
  });
  return dropped;
}

function fold({ cells: tracked }: CellNames, cells: readonly CellWindow[]): CellWindow[] {
  const named: CellWindow[] = [];
  let other: CellWindow | undefined;
  for (const cell of cells) {
    if (tracked.get(cell.cell)?.isNamed === true) named.push(cell);
    else {
      const { counters, sketches, breadth, dimensions, gauges, examples } = cell;
      const renamed = {
        cell: otherKey,
        counters,
        sketches,
        breadth,
        dimensions,
        gauges,
        examples,
      };
      other = other === undefined ? renamed : mergeCells(other, renamed);
    }
  }
  if (other === undefined) return named;
  named.push(other);
  return named.sort((a, b) => (a.cell < b.cell ? -1 : 1));
}
