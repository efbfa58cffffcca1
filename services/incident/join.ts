/** Joins the frames of all detect tasks: a window is whole when every task has said its part of it. */
import type { CellFrame, Frame } from "../contracts/frame.ts";

/** A window over all detect tasks, its cells in key order. */
export interface FleetWindow {
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** The latest append time over all tasks: the moment that let the window be decided. */
  readonly appendMs: number;
  readonly epoch: number;
  readonly pipeline: Frame["pipeline"];
  readonly cells: readonly CellFrame[];
}

export interface JoinState {
  /** Complete windows that wait for the other tasks, oldest first, by task. */
  readonly waiting: Record<string, FleetWindow[]>;
  /** Parts of a window that is not complete yet, by task. */
  readonly parts: Record<string, Frame[]>;
  /** Tasks that have delivered a window at least once. */
  readonly started: Record<string, true>;
  lastWindowStartMs: number;
}

export function initialJoin(): JoinState {
  return { waiting: {}, parts: {}, started: {}, lastWindowStartMs: -1 };
}

export function detectTasks(partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => `detect/${partition}`);
}

/**
 * Takes a frame in and returns what became whole, in order. A reason instead, when the frame can not be part of the
 * join: the state is then unchanged.
 */
export function joinFrame(
  state: JoinState,
  frame: Frame,
  tasks: readonly string[],
): { readonly windows: readonly FleetWindow[] } | { readonly refused: string } {
  const { task, windowStartMs } = frame;
  if (!tasks.includes(task))
    return { refused: `frame of ${task}: the manifest has ${tasks.join(", ")}` };
  const waiting = state.waiting[task] ?? [];
  const newest = waiting[waiting.length - 1]?.windowStartMs ?? state.lastWindowStartMs;
  if (windowStartMs <= newest && newest >= 0)
    return { refused: `frame of ${task} for ${windowStartMs}: ${newest} was already complete` };
  const parts = state.parts[task] ?? [];
  const begun = parts[0];
  if (frame.part !== parts.length || (begun !== undefined && begun.windowStartMs !== windowStartMs))
    return {
      refused: `frame of ${task} for ${windowStartMs}: part ${frame.part}, expected ${parts.length}`,
    };
  parts.push(frame);
  if (parts.length < frame.parts) {
    state.parts[task] = parts;
    return { windows: [] };
  }
  delete state.parts[task];
  waiting.push(mergeFrames(parts));
  state.waiting[task] = waiting;
  state.started[task] = true;
  return { windows: takeWhole(state, tasks) };
}

function takeWhole(state: JoinState, tasks: readonly string[]): FleetWindow[] {
  const whole: FleetWindow[] = [];
  for (;;) {
    const heads: FleetWindow[] = [];
    for (const task of tasks) {
      const head = state.waiting[task]?.[0];
      if (head === undefined) return whole;
      heads.push(head);
    }
    // A task whose first frame is for a later window has nothing to say about this one.
    const next = Math.min(...heads.map((head) => head.windowStartMs));
    const shares: FleetWindow[] = [];
    for (const task of tasks) {
      const queue = state.waiting[task] ?? [];
      const head = queue[0];
      if (head?.windowStartMs !== next) continue;
      shares.push(head);
      queue.shift();
    }
    state.lastWindowStartMs = next;
    whole.push(mergeWindows(shares));
  }
}

function mergeFrames(parts: readonly Frame[]): FleetWindow {
  return mergeWindows(
    parts.map((part, index) => ({
      windowStartMs: part.windowStartMs,
      windowMs: part.windowMs,
      appendMs: part.appendMs,
      epoch: part.epoch,
      // Parts of one frame repeat the task's pipeline counts.
      pipeline: index === 0 ? part.pipeline : noPipeline,
      cells: part.cells,
    })),
  );
}

const noPipeline: Frame["pipeline"] = {
  spans: 0,
  lateSpans: 0,
  clampedSpans: 0,
  duplicateSpans: 0,
  senders: 0,
};

function mergeWindows(shares: readonly FleetWindow[]): FleetWindow {
  const first = shares[0] as FleetWindow;
  const cells = shares.flatMap((share) => share.cells);
  return {
    windowStartMs: first.windowStartMs,
    windowMs: first.windowMs,
    appendMs: Math.max(...shares.map((share) => share.appendMs)),
    epoch: Math.max(...shares.map((share) => share.epoch)),
    pipeline: {
      spans: sum(shares, (p) => p.spans),
      lateSpans: sum(shares, (p) => p.lateSpans),
      clampedSpans: sum(shares, (p) => p.clampedSpans),
      duplicateSpans: sum(shares, (p) => p.duplicateSpans),
      // A sender may be seen by several tasks: the largest count is a lower bound for how many there are.
      senders: Math.max(...shares.map((share) => share.pipeline.senders)),
    },
    cells: cells.toSorted((a, b) => (a.cell < b.cell ? -1 : a.cell > b.cell ? 1 : 0)),
  };
}

function sum(shares: readonly FleetWindow[], of: (pipeline: Frame["pipeline"]) => number): number {
  return shares.reduce((total, share) => total + of(share.pipeline), 0);
}
