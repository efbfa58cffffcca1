/**
 * Merges the batches of all source tasks and closes a window once every task of the manifest in effect has passed it.
 * The outcome depends on the batches alone, not on how those of different tasks interleave.
 */
import type { CellKey } from "../contracts/cell.ts";
import { ForeshockError } from "../contracts/errors.ts";
import type { Manifest } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type {
  CellWindow,
  PipelineCounts,
  SenderCounts,
  WindowRecord,
} from "../contracts/window.ts";
import { mergeCells } from "../contracts/window-merge.ts";
import type { Rejection } from "../stage.ts";

export interface WindowMerge {
  /** Takes a batch; says why when it does not fit what the task has sent before. */
  offer(record: WindowRecord): Rejection | undefined;
  /** Windows that can be closed now, in order. */
  close(): ClosedWindow[];
  /** Closes everything that starts before `untilMs`, whoever has passed. */
  closeUntil(untilMs: number): ClosedWindow[];
  save(): SavedMerge;
}

/** A merged window: its cells in key order, what spans and logs say of them and what metrics say apart. */
export interface ClosedWindow {
  readonly epoch: number;
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly appendMs: number;
  readonly pipeline: PipelineCounts;
  readonly cells: readonly CellWindow[];
  readonly metricCells: readonly CellWindow[];
}

export interface SavedMerge {
  /** Start of the last complete window, by task. */
  readonly passed: Readonly<Record<string, number>>;
  readonly lastClosedMs: number | null;
  readonly pending: readonly WindowRecord[];
}

/** Senders kept of a window, largest first. */
const senderLimit = 500;

export function createWindowMerge(manifests: readonly Manifest[], saved?: SavedMerge): WindowMerge {
  const passed = new Map<string, number>(Object.entries(saved?.passed ?? {}));
  const pending = new Map<number, Map<string, WindowRecord[]>>();
  let lastClosedMs = saved?.lastClosedMs ?? Number.NEGATIVE_INFINITY;
  for (const record of saved?.pending ?? []) keep(record);

  function keep(record: WindowRecord): void {
    const { windowStartMs, task } = record;
    const byTask = pending.get(windowStartMs) ?? new Map<string, WindowRecord[]>();
    pending.set(windowStartMs, byTask);
    const parts = byTask.get(task);
    if (parts === undefined) byTask.set(task, [record]);
    else parts.push(record);
  }

  function manifestAt(windowStartMs: number): Manifest {
    let found: Manifest | undefined;
    for (const manifest of manifests)
      if (manifest.effectiveFromMs <= windowStartMs) found = manifest;
    found ??= manifests[0];
    if (found === undefined)
      throw new ForeshockError("record_invalid", "no manifest is known: windows can't be closed");
    return found;
  }

  function hasPassed(windowStartMs: number): boolean {
    for (const task of manifestAt(windowStartMs).tasks)
      if (!((passed.get(task) ?? Number.NEGATIVE_INFINITY) >= windowStartMs)) return false;
    return true;
  }

  function take(isDue: (windowStartMs: number) => boolean): ClosedWindow[] {
    const closed: ClosedWindow[] = [];
    for (const start of [...pending.keys()].sort((a, b) => a - b)) {
      if (!isDue(start)) break;
      const byTask = pending.get(start) ?? new Map<string, WindowRecord[]>();
      pending.delete(start);
      lastClosedMs = start;
      const order = manifestAt(start).tasks;
      closed.push(mergeRecords(order.flatMap((task) => byTask.get(task) ?? [])));
    }
    return closed;
  }

  return {
    offer(record) {
      const { task, windowStartMs, part, parts } = record;
      const before = passed.get(task) ?? Number.NEGATIVE_INFINITY;
      if (windowStartMs <= before || windowStartMs <= lastClosedMs)
        return {
          code: "record_invalid",
          reason: `${task} sends window ${windowStartMs}, but has passed ${before} and ${lastClosedMs} is closed`,
        };
      if (!manifestAt(windowStartMs).tasks.includes(task))
        return {
          code: "record_invalid",
          reason: `${task} is not among the tasks of manifest ${manifestAt(windowStartMs).number}`,
        };
      const expected = pending.get(windowStartMs)?.get(task)?.length ?? 0;
      if (part !== expected || part >= parts)
        return {
          code: "record_invalid",
          reason: `${task} sends part ${part} of ${parts} of window ${windowStartMs}, expected part ${expected}`,
        };
      keep(record);
      if (part === parts - 1) passed.set(task, windowStartMs);
      return undefined;
    },
    close: () => take(hasPassed),
    closeUntil: (untilMs) => take((start) => start < untilMs),
    save: () => ({
      passed: Object.fromEntries(passed),
      lastClosedMs: lastClosedMs === Number.NEGATIVE_INFINITY ? null : lastClosedMs,
      pending: [...pending.values()].flatMap((byTask) => [...byTask.values()].flat()),
    }),
  };
}

function mergeRecords(records: readonly WindowRecord[]): ClosedWindow {
  const [first] = records;
  if (first === undefined)
    throw new ForeshockError("record_invalid", "a window without any batch can't be closed");
  const ofMetrics = records.filter(({ task }) => task.startsWith(metricTasks));
  const others = records.filter(({ task }) => !task.startsWith(metricTasks));
  return {
    epoch: Math.max(...records.map((record) => record.epoch)),
    windowStartMs: first.windowStartMs,
    windowMs: first.windowMs,
    appendMs: Math.max(...records.map((record) => record.appendMs)),
    pipeline: mergePipelines(records.map((record) => record.pipeline)),
    cells: mergeShares(others),
    metricCells: mergeShares(ofMetrics),
  };
}

const metricTasks = `${topics.metrics}/`;

function mergeShares(records: readonly WindowRecord[]): CellWindow[] {
  const cells = new Map<CellKey, CellWindow>();
  for (const record of records)
    for (const cell of record.cells) {
      const before = cells.get(cell.cell);
      cells.set(cell.cell, before === undefined ? cell : mergeCells(before, cell));
    }
  return [...cells.values()].sort((a, b) => (a.cell < b.cell ? -1 : a.cell > b.cell ? 1 : 0));
}

function mergePipelines(counts: readonly PipelineCounts[]): PipelineCounts {
  const total = (
    name: "lateSpans" | "clampedSpans" | "duplicateSpans" | "outerSpans" | "traces" | "cleanTraces",
  ) => counts.reduce((sum, count) => sum + (count[name] ?? 0), 0);
  const senders = new Map<string, SenderCounts>();
  for (const { senders: some } of counts)
    for (const sender of some) {
      const before = senders.get(sender.sender);
      senders.set(
        sender.sender,
        before === undefined
          ? sender
          : {
              sender: sender.sender,
              spans: before.spans + sender.spans,
              late: before.late + sender.late,
              clamped: before.clamped + sender.clamped,
            },
      );
    }
  return {
    lateSpans: total("lateSpans"),
    clampedSpans: total("clampedSpans"),
    duplicateSpans: total("duplicateSpans"),
    outerSpans: total("outerSpans"),
    traces: total("traces"),
    cleanTraces: total("cleanTraces"),
    senders: [...senders.values()]
      .sort((a, b) => b.spans - a.spans || (a.sender < b.sender ? -1 : 1))
      .slice(0, senderLimit),
  };
}
