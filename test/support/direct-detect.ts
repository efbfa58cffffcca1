/**
 * The detect stage for whole windows of one task in order: what `detect.ts` does at close, without decoding, merging and the
 * closed windows that nobody reads here. A test shows that both make the same frames.
 */
import type { CellKey } from "../../services/contracts/cell.ts";
import type { Judgement } from "../../services/contracts/config.ts";
import type { Frame } from "../../services/contracts/frame.ts";
import { counterSlots } from "../../services/contracts/measures.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";
import { judgeCell } from "../../services/detect/cell-judge.ts";
import { emptyNames, nameCells, otherKey } from "../../services/detect/cell-names.ts";
import { type CellState, initialCell } from "../../services/detect/cell-state.ts";

const noCounters = new Array<number>(counterSlots).fill(0);

export class DirectDetect {
  readonly #judgement: Judgement;
  readonly #names = emptyNames();
  readonly #cells = new Map<CellKey, CellState>();

  constructor(judgement: Judgement) {
    this.#judgement = judgement;
  }

  /** The frame of a window: not cut into parts. */
  step(window: WindowRecord): Frame {
    const { series, detect } = this.#judgement;
    const named = nameCells(this.#names, window.cells, series);
    for (const key of named.dropped) this.#cells.delete(key);
    const present = new Map(named.cells.map((cell) => [cell.cell, cell]));
    for (const key of present.keys())
      if (!this.#cells.has(key)) this.#cells.set(key, initialCell(window.windowMs));
    const cells = [...this.#cells.keys()].sort().map((key) => {
      const state = this.#cells.get(key) as CellState;
      const frame = judgeCell(state, present.get(key) ?? silent(key), window, detect);
      if (key === otherKey && state.quiet > series.evictAfterWindows) this.#cells.delete(key);
      return frame;
    });
    const { epoch, windowStartMs, windowMs, appendMs, pipeline } = window;
    return {
      task: "detect/0",
      epoch,
      windowStartMs,
      windowMs,
      appendMs,
      part: 0,
      parts: 1,
      pipeline: {
        spans: pipeline.senders.reduce((sum, { spans }) => sum + spans, 0),
        lateSpans: pipeline.lateSpans,
        clampedSpans: pipeline.clampedSpans,
        duplicateSpans: pipeline.duplicateSpans,
        senders: pipeline.senders.length,
      },
      cells,
    };
  }
}

function silent(cell: CellKey): CellWindow {
  return {
    cell,
    counters: noCounters,
    sketches: {},
    breadth: {},
    dimensions: [],
    gauges: {},
    examples: [],
  };
}
