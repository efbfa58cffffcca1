/**
 * Cells in silence, judged in rows. Of many cells most are silent, and what a silent window reads and changes of a cell is some fifty numbers
 * that lie in as many places of the memory: fetching them costs more than the judging. So they are kept side by side, a row a
 * cell, while the silence lasts. A row is judged by being laid into a stand-in, a cell like any other, which is judged as any
 * other (`judgeCell`) and laid back: what a silent window means is said there alone.
 *
 * A row: the cell's context, what it knows of load (only read), its signal of traffic, then the detectors of traffic (`silentRow`).
 */
import type { RowForm } from "../../detectors/detector.ts";
import { defaultSets } from "../../detectors/registry.ts";
import type { Judgement } from "../contracts/config.ts";
import type { CellFrame } from "../contracts/frame.ts";
import type { CellWindow } from "../contracts/window.ts";
import { judgeCell } from "./cell-judge.ts";
import { type CellState, initialCell, initialSignal, type SignalState } from "./cell-state.ts";
import type { WindowTime } from "./judge-step.ts";
import { trafficIndex } from "./signal-sources.ts";

export interface SilentRows {
  /** The number of a row that is free. */
  take(): number;
  /** Gives it back. */
  free(row: number): void;
  /** Lays a cell into its row, after a silent window of it was judged; false where it can't be: then it is judged as it is. */
  enter(row: number, cell: CellState): boolean;
  /** Takes it out again, into the same cell: as if each window since had been judged of the cell itself. The row stays as it is. */
  leave(row: number, cell: CellState): void;
  /** Judges a silent window of the cell in the row. */
  judge(row: number, window: CellWindow, time: WindowTime, detect: Judgement["detect"]): CellFrame;
  /** Silent windows that its other signals have not been stepped over yet: `silent` of a cell. */
  silentWindows(row: number): number;
}

const set = defaultSets.traffic;
const silentAt = 0;
const driversAt = 9;
const signalAt = driversAt + 12;
const detectorsAt = signalAt + 3;

const forms: readonly (RowForm<unknown> | undefined)[] = set.map(({ silentRow }) => silentRow);
/** Where each detector's part of a row begins. */
const places = forms.map((_, index) =>
  forms.slice(0, index).reduce((at, form) => at + (form?.length ?? 0), detectorsAt),
);
const rowLength = forms.reduce((length, form) => length + (form?.length ?? 0), detectorsAt);
/** A detector of traffic that has no rows needs its own state in every window. */
const canUseRows = forms.every((form) => form !== undefined);

export function createSilentRows(): SilentRows {
  let rows = new Float64Array(64 * rowLength);
  let taken = 0;
  const freed: number[] = [];
  const standIn = initialCell(0);
  const traffic = initialSignal(set, 0);
  standIn.signals[trafficIndex] = traffic;

  return {
    take() {
      const row = freed.pop() ?? taken++;
      if (row * rowLength === rows.length) {
        const grown = new Float64Array(2 * rows.length);
        grown.set(rows);
        rows = grown;
      }
      return row;
    },
    free(row) {
      freed.push(row);
    },
    enter(row, cell) {
      const signal = cell.signals[trafficIndex];
      if (!canUseRows || signal === null || signal === undefined) return false;
      const at = row * rowLength;
      writeContext(cell, rows, at);
      writeDrivers(cell.drivers, rows, at + driversAt);
      writeSignal(signal, rows, at);
      return true;
    },
    leave(row, cell) {
      const at = row * rowLength;
      readContext(rows, at, cell);
      const signal = cell.signals[trafficIndex];
      if (signal !== null && signal !== undefined) readSignal(rows, at, signal);
    },
    judge(row, window, time, detect) {
      const at = row * rowLength;
      readContext(rows, at, standIn);
      readDrivers(rows, at + driversAt, standIn.drivers);
      readSignal(rows, at, traffic);
      const frame = judgeCell(standIn, window, time, detect);
      writeContext(standIn, rows, at);
      writeSignal(traffic, rows, at);
      return frame;
    },
    silentWindows: (row) => rows[row * rowLength + silentAt] as number,
  };
}

/** What is not there is NaN, which no number of a state is. */
function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function writeContext(cell: CellState, row: Float64Array, at: number): void {
  row[at + silentAt] = cell.silent;
  row[at + 1] = cell.seen;
  row[at + 2] = cell.quiet;
  row[at + 3] = cell.usualRequests;
  row[at + 4] = cell.usualWindows;
  row[at + 5] = cell.recentRequests;
  row[at + 6] = cell.recentInput ?? Number.NaN;
  row[at + 7] = cell.usualInput ?? Number.NaN;
  row[at + 8] = cell.isFrozen ? 1 : 0;
}

function readContext(row: Float64Array, at: number, cell: CellState): void {
  // Whole numbers as such, or V8 would keep a box for each, in all cells.
  cell.silent = (row[at + silentAt] as number) | 0;
  cell.seen = (row[at + 1] as number) | 0;
  cell.quiet = (row[at + 2] as number) | 0;
  cell.usualRequests = row[at + 3] as number;
  cell.usualWindows = row[at + 4] as number;
  cell.recentRequests = row[at + 5] as number;
  cell.recentInput = orNull(row[at + 6] as number);
  cell.usualInput = orNull(row[at + 7] as number);
  cell.isFrozen = row[at + 8] === 1;
}

function writeDrivers(drivers: CellState["drivers"], row: Float64Array, at: number): void {
  row[at] = drivers.windowMs;
  row[at + 1] = drivers.seen;
  row[at + 2] = drivers.weight;
  row[at + 3] = drivers.highestLoad;
  row.set(drivers.mean, at + 4);
  row.set(drivers.moments, at + 7);
}

function readDrivers(row: Float64Array, at: number, drivers: CellState["drivers"]): void {
  drivers.windowMs = (row[at] as number) | 0;
  drivers.seen = (row[at + 1] as number) | 0;
  drivers.weight = row[at + 2] as number;
  drivers.highestLoad = row[at + 3] as number;
  for (let i = 0; i < 3; i++) drivers.mean[i] = row[at + 4 + i] as number;
  for (let i = 0; i < 5; i++) drivers.moments[i] = row[at + 7 + i] as number;
}

function writeSignal(signal: SignalState, row: Float64Array, at: number): void {
  row[at + signalAt] = signal.sinceAnomalous;
  row[at + signalAt + 1] = signal.frozenFor;
  row[at + signalAt + 2] = signal.isAdapting ? 1 : 0;
  for (let i = 0; i < forms.length; i++)
    forms[i]?.write(signal.detectors[i], row, at + (places[i] as number));
}

function readSignal(row: Float64Array, at: number, signal: SignalState): void {
  signal.sinceAnomalous = (row[at + signalAt] as number) | 0;
  signal.frozenFor = (row[at + signalAt + 1] as number) | 0;
  signal.isAdapting = row[at + signalAt + 2] === 1;
  for (let i = 0; i < forms.length; i++)
    forms[i]?.read(row, at + (places[i] as number), signal.detectors[i]);
}
