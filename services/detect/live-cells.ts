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
  /** Undefined before it is heard of and once it is dropped. */
  cell: CellState | undefined;
  /** Its window when nothing was heard of it. */
  readonly silence: CellWindow;
}

/** Returns what judges the windows that are due, in order. Changes `cells`. */
export function createLiveCells(
  cells: Map<CellKey, CellState>,
  codec: StateCodec,
): (due: readonly DueWindow[]) => void {
  /** In key order; undefined once a cell has come or gone. */
  let order: LiveCell[] | undefined;

  function begin(due: readonly DueWindow[]): LiveCell[] {
    const found = new Set<CellKey>();
    for (const window of due)
      for (const { cell } of window.cells) if (!cells.has(cell)) found.add(cell);
    if (order !== undefined && found.size === 0) return order;
    order = [...cells.keys(), ...found]
      .sort()
      .map((key) => ({ key, cell: cells.get(key), silence: silentWindow(key) }));
    return order;
  }

  function judge(live: LiveCell, due: readonly DueWindow[], next: number[]): void {
    const { key, silence } = live;
    for (let at = 0; at < due.length; at++) {
      const { cells: present, dropped, time, judgement, frame } = due[at] as DueWindow;
      if (dropped.size > 0 && dropped.has(key)) live.cell = undefined;
      const heard = present[next[at] as number];
      let window = silence;
      if (heard !== undefined && heard.cell === key) {
        window = heard;
        next[at] = (next[at] as number) + 1;
        live.cell ??= initialCell(time.windowMs);
        wakeUp(live.cell, codec);
      }
      const { cell } = live;
      if (cell === undefined) continue;
      frame.add(judgeCell(cell, window, time, judgement.detect));
      if (cell.silent >= sleepAfterWindows) fallAsleep(cell, codec);
      if (key === otherKey && cell.quiet > judgement.series.evictAfterWindows)
        live.cell = undefined;
    }
  }

  return (due) => {
    const next = due.map(() => 0);
    for (const live of begin(due)) {
      const before = live.cell;
      judge(live, due, next);
      if (live.cell === before) continue;
      cells.delete(live.key);
      if (live.cell !== undefined) cells.set(live.key, live.cell);
      order = undefined;
    }
  };
}
