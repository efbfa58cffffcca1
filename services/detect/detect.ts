/**
 * Detect: merges the batches of all source tasks, closes windows, and says of every live cell how unusual it is.
 * One task a partition of `foreshock.windows`; closed windows go to the same partition, frames to the one of incident.
 */
import type { CellKey } from "../contracts/cell.ts";
import { type Judgement, judgementSchema } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import type { FrameHead, FrameWriter } from "../contracts/frame-write.ts";
import { topics } from "../contracts/topics.ts";
import type { CellWindow, WindowRecord } from "../contracts/window.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import type { OutputRecord, Reducer, ReducerStage, TaskContext } from "../stage.ts";
import { judgeCell } from "./cell-judge.ts";
import { emptyNames, nameCells, otherKey } from "./cell-names.ts";
import { silentWindow } from "./cell-silence.ts";
import { fallAsleep, sleepAfterWindows, wakeUp } from "./cell-sleep.ts";
import { type CellState, initialCell } from "./cell-state.ts";
import { decodeSnapshot, encodeSnapshot } from "./detect-snapshot.ts";
import { areErrorsOnly, keepTraces } from "./kept-traces.ts";
import { collectFrame, encodeWindowParts, openFrame } from "./record-parts.ts";
import { noteSpans, preferSpans } from "./span-preference.ts";
import { createStateCodec } from "./state-codec.ts";
import { type ClosedWindow, createWindowMerge } from "./window-merge.ts";

export const detectStage: ReducerStage = {
  kind: "reducer",
  name: "detect",
  reads: [topics.windows],
  writes: [topics.closed, topics.frames],
  stateVersion: 2,
  checkpoint: "interval",
  create: createDetect,
};

const framesPartition = 0;
const noBytes = new Uint8Array(0);

interface LiveCell {
  readonly key: CellKey;
  readonly cell: CellState;
  /** Its window when nothing was heard of it. */
  readonly silence: CellWindow;
}

/** In key order. */
function liveCells(cells: ReadonlyMap<CellKey, CellState>): LiveCell[] {
  return [...cells]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, cell]) => ({ key, cell, silence: silentWindow(key) }));
}

function createDetect(context: TaskContext, saved?: readonly Uint8Array[]): Reducer {
  const { task, partition } = context;
  const { lengthMs } = context.judgement.window;
  const restored = saved === undefined ? undefined : decodeSnapshot(saved, lengthMs);
  const merge = createWindowMerge(context.manifests, restored?.merge);
  const names = restored?.names ?? emptyNames();
  const cells = restored?.cells ?? new Map<CellKey, CellState>();
  /** Cells in key order, while none has come or gone. */
  let order: readonly LiveCell[] | undefined;
  const codec = restored?.codec ?? createStateCodec();
  const judgements = new Map<number, Judgement>();

  function judgementOf(number: number): Judgement {
    const known = judgements.get(number);
    if (known !== undefined) return known;
    const epoch = context.epochs.find((candidate) => candidate.number === number);
    if (epoch === undefined)
      throw new ForeshockError(
        "epoch_unknown",
        `${task}: a window was made under epoch ${number}; known are ${context.epochs.map((each) => each.number).join(", ") || "none"}`,
      );
    const isNewest = context.epochs.every((each) => each.number <= number);
    const judgement = isNewest ? context.judgement : judgementSchema.parse(epoch.judgement);
    judgements.set(number, judgement);
    return judgement;
  }

  function emit(closed: ClosedWindow): OutputRecord[] {
    const { epoch, windowStartMs, windowMs, appendMs, pipeline } = closed;
    const judgement = judgementOf(epoch);
    const { cells: spans, metricCells: metrics } = closed;
    const heard = preferSpans(names, { spans, metrics }, windowMs);
    const named = nameCells(names, heard, judgement.series);
    noteSpans(names, spans);
    const { traces = 0, cleanTraces = 0 } = pipeline;
    keepTraces(names.kept, { traces, cleanTraces, windowMs });
    drop(named.dropped);
    const window: WindowRecord = {
      task,
      epoch,
      windowStartMs,
      windowMs,
      appendMs,
      watermarkMs: 0,
      part: 0,
      parts: 1,
      pipeline,
      cells: named.cells,
    };
    const head: FrameHead = {
      task,
      epoch,
      windowStartMs,
      windowMs,
      appendMs,
      pipeline: {
        spans: pipeline.senders.reduce((sum, { spans }) => sum + spans, 0),
        lateSpans: pipeline.lateSpans,
        clampedSpans: pipeline.clampedSpans,
        duplicateSpans: pipeline.duplicateSpans,
        senders: pipeline.senders.length,
      },
    };
    const to = { topic: topics.frames, partition: framesPartition };
    if (context.handsOver === true) {
      const whole = collectFrame();
      judgeCells(named.cells, window, judgement, whole);
      return [{ ...to, value: noBytes, frame: whole.finish(head) }];
    }
    const frame = openFrame();
    judgeCells(named.cells, window, judgement, frame);
    return [
      ...encodeWindowParts(window).map((value) => ({ topic: topics.closed, partition, value })),
      ...frame.finish(head).map((value) => ({ ...to, value })),
    ];
  }

  /** Adds all live cells to the frame in key order: those of the window, and the silent ones. */
  function judgeCells(
    present: readonly CellWindow[],
    time: WindowRecord,
    judgement: Judgement,
    frame: Pick<FrameWriter, "add">,
  ): void {
    for (const { cell } of present)
      if (!cells.has(cell)) {
        cells.set(cell, initialCell(time.windowMs));
        order = undefined;
      }
    order ??= liveCells(cells);
    const { windowStartMs, windowMs } = time;
    const when = { windowStartMs, windowMs, isErrorsOnly: areErrorsOnly(names.kept) };
    let next = 0;
    for (const { key, cell, silence } of order) {
      const heard = present[next];
      let window = silence;
      if (heard !== undefined && heard.cell === key) {
        window = heard;
        next++;
        wakeUp(cell, codec);
      }
      frame.add(judgeCell(cell, window, when, judgement.detect));
      if (cell.silent >= sleepAfterWindows) fallAsleep(cell, codec);
      if (key === otherKey && cell.quiet > judgement.series.evictAfterWindows) drop([key]);
    }
  }

  function drop(keys: readonly CellKey[]): void {
    for (const key of keys) cells.delete(key);
    if (keys.length > 0) order = undefined;
  }

  return {
    step(record) {
      let window: WindowRecord;
      try {
        window = decodeWindow(record.value);
      } catch (error) {
        if (!(error instanceof ForeshockError)) throw error;
        return { outputs: [], rejected: { code: error.code, reason: error.message } };
      }
      judgementOf(window.epoch);
      const rejected = merge.offer(window);
      if (rejected !== undefined) return { outputs: [], rejected };
      return { outputs: merge.close().flatMap(emit) };
    },
    finish: (untilMs) => ({ outputs: merge.closeUntil(untilMs).flatMap(emit) }),
    snapshot: () => ({ chunks: encodeSnapshot({ merge: merge.save(), names, cells, codec }) }),
  };
}
