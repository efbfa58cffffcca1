/**
 * The live cells of a task, judged cell after cell: where several windows are due, all of a cell's in a row. What a cell remembers lies all
 * over the memory, and fetching it costs more than what is done with it. No cell looks at another, so that the order makes no difference.
 */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import type { FrameWriter } from "../contracts/frame-write.ts";
import type { CellWindow } from "../contracts/window.ts";
import { judgeCell } from "./cell-judge.ts";
import { otherKey } from "./cell-names.ts";
import { silentWindow } from "./cell-silence.ts";
import { fallAsleep, sleepAfterWindows, wakeUp } from "./cell-sleep.ts";
import { type CellState, initialCell } from "./cell-state.ts";
import type { WindowTime } from "./judge-step.ts";
import { createSilentRows } from "./silent-rows.ts";
import type { StateCodec } from "./state-codec.ts";

/** A closed window whose cells have their names. */
export interface DueWindow {
  /** In key order. */
  readonly cells: readonly CellWindow[];
  /** Cells that lost their name in it. */
  readonly dropped: ReadonlySet<CellKey>;
  readonly time: WindowTime;
  readonly judgement: Judgement;
  /** Takes every live cell, in key order. */
  readonly frame: Pick<FrameWriter, "add">;
}

interface LiveCell {
  readonly key: CellKey;
  /** Undefined before it is heard of and once it is dropped. While `isInRow`, what silence changes of it is out of date. */
  cell: CellState | undefined;
  /** Its window when nothing was heard of it. */
  readonly silence: CellWindow;
  /** Its row among those of silent cells. */
  readonly row: number;
  isInRow: boolean;
}

export interface LiveCells {
  /** Judges the windows that are due, in order. Changes the cells. */
  judge(due: readonly DueWindow[]): void;
  /** Brings the cells up to date, so that they can be saved. */
  settle(): void;
}

/** `cells`: by key; changed by what is judged, and good to read after `settle` alone. */
export function createLiveCells(cells: Map<CellKey, CellState>, codec: StateCodec): LiveCells {
  const rows = createSilentRows();
  /** In key order. */
  let order: readonly LiveCell[] = [];
  let hasOrder = false;

  function begin(due: readonly DueWindow[]): readonly LiveCell[] {
    const found = new Set<CellKey>();
    for (const window of due)
      for (const { cell } of window.cells) if (!cells.has(cell)) found.add(cell);
    if (hasOrder && found.size === 0) return order;
    const known = new Map(order.map((live) => [live.key, live]));
    order = [...cells.keys(), ...found].sort().map((key) => known.get(key) ?? create(key));
    hasOrder = true;
    return order;
  }

  function create(key: CellKey): LiveCell {
    const cell = cells.get(key);
    return { key, cell, silence: silentWindow(key), row: rows.take(), isInRow: false };
  }

  function leaveRow(live: LiveCell): void {
    if (live.isInRow && live.cell !== undefined) rows.leave(live.row, live.cell);
    live.isInRow = false;
  }

  function judgeHeard(live: LiveCell, window: CellWindow, due: DueWindow): void {
    leaveRow(live);
    live.cell ??= initialCell(due.time.windowMs);
    wakeUp(live.cell, codec);
    due.frame.add(judgeCell(live.cell, window, due.time, due.judgement.detect));
    // It may be there and tell nothing.
    if (live.cell.silent >= sleepAfterWindows) fallAsleep(live.cell, codec);
  }

  function judgeSilent(live: LiveCell, cell: CellState, due: DueWindow): void {
    const { row, silence } = live;
    const { time, frame, judgement } = due;
    if (live.isInRow) frame.add(rows.judge(row, silence, time, judgement.detect));
    else {
      leaveRow(live);
      frame.add(judgeCell(cell, silence, time, judgement.detect));
      live.isInRow = live.key !== otherKey && rows.enter(row, cell);
    }
    const silent = live.isInRow ? rows.silentWindows(row) : cell.silent;
    if (silent >= sleepAfterWindows) fallAsleep(cell, codec);
  }

  function judge(live: LiveCell, windows: readonly DueWindow[], next: number[]): void {
    const { key } = live;
    for (let at = 0; at < windows.length; at++) {
      const due = windows[at] as DueWindow;
      if (due.dropped.size > 0 && due.dropped.has(key)) forget(live);
      const heard = due.cells[next[at] as number];
      if (heard !== undefined && heard.cell === key) {
        next[at] = (next[at] as number) + 1;
        judgeHeard(live, heard, due);
      } else if (live.cell !== undefined) judgeSilent(live, live.cell, due);
      if (key !== otherKey || live.cell === undefined) continue;
      if (live.cell.quiet > due.judgement.series.evictAfterWindows) forget(live);
    }
  }

  function forget(live: LiveCell): void {
    live.cell = undefined;
    live.isInRow = false;
  }

  return {
    judge(due) {
      const next = due.map(() => 0);
      const gone = new Set<LiveCell>();
      for (const live of begin(due)) {
        const before = live.cell;
        judge(live, due, next);
        if (live.cell === undefined) gone.add(live);
        if (live.cell === before) continue;
        cells.delete(live.key);
        if (live.cell !== undefined) cells.set(live.key, live.cell);
      }
      for (const { row } of gone) rows.free(row);
      if (gone.size > 0) order = order.filter((live) => !gone.has(live));
    },
    settle() {
      for (const live of order)
        if (live.isInRow && live.cell !== undefined) rows.leave(live.row, live.cell);
    },
  };
}
