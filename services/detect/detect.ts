/**
 * Detect: merges the batches of all source tasks, closes windows, and says of every live cell how unusual it is.
 * One task a partition of `foreshock.windows`; closed windows go to the same partition, frames to the one of incident.
 */
import type { CellKey } from "../contracts/cell.ts";
import { type Judgement, judgementSchema } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import type { FrameHead } from "../contracts/frame-write.ts";
import { topics } from "../contracts/topics.ts";
import type { WindowRecord } from "../contracts/window.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import type { OutputRecord, Reducer, ReducerStage, TaskContext } from "../stage.ts";
import { emptyNames, nameCells } from "./cell-names.ts";
import type { CellState } from "./cell-state.ts";
import { decodeSnapshot, encodeSnapshot } from "./detect-snapshot.ts";
import { areErrorsOnly, keepTraces } from "./kept-traces.ts";
import { createLiveCells, type DueWindow } from "./live-cells.ts";
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

const toIncident = { topic: topics.frames, partition: 0 };
const noBytes = new Uint8Array(0);

/** A window whose cells have their names, and what its frame is of. */
interface Named extends Omit<DueWindow, "frame"> {
  readonly head: FrameHead;
}

/** One whose frame is handed over as it is. */
interface Due extends Named {
  readonly frame: ReturnType<typeof collectFrame>;
}

function createDetect(context: TaskContext, saved?: readonly Uint8Array[]): Reducer {
  const { task, partition } = context;
  const { lengthMs } = context.judgement.window;
  const restored = saved === undefined ? undefined : decodeSnapshot(saved, lengthMs);
  const merge = createWindowMerge(context.manifests, restored?.merge);
  const names = restored?.names ?? emptyNames();
  const cells = restored?.cells ?? new Map<CellKey, CellState>();
  const codec = restored?.codec ?? createStateCodec();
  const live = createLiveCells(cells, codec);
  /** One for all windows: its buffer has grown to what they need. */
  const frame = openFrame();
  /** Windows that are handed over together: those that wait for the others. */
  const { handsOver } = context;
  let waiting: Due[] = [];
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

  /** Gives a closed window's cells their names. */
  function nameWindow(closed: ClosedWindow): Named {
    const { epoch, windowStartMs, windowMs, appendMs, pipeline } = closed;
    const judgement = judgementOf(epoch);
    const { cells: spans, metricCells: metrics } = closed;
    const heard = preferSpans(names, { spans, metrics }, windowMs);
    const named = nameCells(names, heard, judgement.series);
    noteSpans(names, spans);
    const { traces = 0, cleanTraces = 0 } = pipeline;
    keepTraces(names.kept, { traces, cleanTraces, windowMs });
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
    return {
      head,
      cells: named.cells,
      dropped: new Set(named.dropped),
      time: { windowStartMs, windowMs, isErrorsOnly: areErrorsOnly(names.kept) },
      judgement,
    };
  }

  /** The records of a window: what it held, and what is said of it. */
  function write(closed: ClosedWindow): OutputRecord[] {
    const due = { ...nameWindow(closed), frame };
    live.judge([due]);
    const { epoch, windowStartMs, windowMs, appendMs, pipeline } = closed;
    const merged: WindowRecord = {
      task,
      epoch,
      windowStartMs,
      windowMs,
      appendMs,
      watermarkMs: 0,
      part: 0,
      parts: 1,
      pipeline,
      cells: due.cells,
    };
    return [
      ...encodeWindowParts(merged).map((value) => ({ topic: topics.closed, partition, value })),
      ...frame.finish(due.head).map((value) => ({ ...toIncident, value })),
    ];
  }

  /** Frames of the windows that have waited for `atLeast` of them, as they are. */
  function handOver(closed: readonly ClosedWindow[], atLeast: number): OutputRecord[] {
    for (const window of closed) waiting.push({ ...nameWindow(window), frame: collectFrame() });
    if (waiting.length < atLeast) return [];
    const due = waiting;
    waiting = [];
    live.judge(due);
    return due.map(({ frame, head }) => ({
      ...toIncident,
      value: noBytes,
      frame: frame.finish(head),
    }));
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
      const closed = merge.close();
      if (handsOver !== undefined) return { outputs: handOver(closed, handsOver) };
      return { outputs: closed.flatMap(write) };
    },
    finish(untilMs) {
      const closed = merge.closeUntil(untilMs);
      if (handsOver !== undefined) return { outputs: handOver(closed, 0) };
      return { outputs: closed.flatMap(write) };
    },
    snapshot() {
      if (waiting.length > 0) throw new Error(`${task}: windows wait, so that its state is torn`);
      live.settle();
      return { chunks: encodeSnapshot({ merge: merge.save(), names, cells, codec }) };
    },
  };
}
