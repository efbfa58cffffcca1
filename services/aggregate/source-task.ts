/**
 * One source partition: records in, a batch for each window out once the watermark has passed its end.
 *
 * The state of the task is the last minute of the log: a snapshot names the offset from which everything that open
 * windows need lies in the log, and how event time stood there; stepping on from it gives the same windows again, and
 * those that were written before are not written twice. What metrics' streams said before open windows is in the snapshot.
 */
import { ForeshockError } from "../contracts/errors.ts";
import type { SenderCounts } from "../contracts/window.ts";
import type { InputRecord, OutputRecord, Reducer, Rejection, TaskContext } from "../stage.ts";
import { batchesOf } from "./batch-writer.ts";
import { textOf } from "./decode/texts.ts";
import type { Intake } from "./intake/intake.ts";
import { createCandidates } from "./spans/candidates.ts";
import { decodeSnapshot, encodeSnapshot, type SavedTask } from "./task-snapshot.ts";
import {
  createOpenWindows,
  earliestNeeded,
  type OpenWindow,
  positionAfter,
  senderIn,
  startPosition,
  windowAt,
  windowIndexOf,
} from "./windows/open-windows.ts";

/** How long before a window a call is looked for that describes the same request as one in it, ms. */
const horizonMs = 15_000;

/**
 * How many horizons back spans are remembered, and the log is read again after a restart. What counts in an open window depends on
 * calls one horizon before it, whether those counted on calls another one before them, and the way from these up on
 * spans one more before.
 */
const rememberedHorizons = 3;

/** After a longer gap in time (a day of 5 s windows) the empty windows within it are left out. */
const gapLimit = 17_280;

export function createSourceTask(
  context: TaskContext,
  createIntake: (horizonWindows: number, chunks: readonly Uint8Array[]) => Intake,
  chunks: readonly Uint8Array[] | undefined,
): Reducer {
  const saved: SavedTask | undefined = chunks === undefined ? undefined : decodeSnapshot(chunks);
  const { window: times, series } = context.judgement;
  const { lengthMs } = times;
  const horizonWindows = Math.max(1, Math.ceil(horizonMs / lengthMs));
  const remembered = rememberedHorizons * horizonWindows;
  const intake = createIntake(horizonWindows, chunks?.slice(1) ?? []);
  const windows = createOpenWindows(
    times,
    series.dimensions.length,
    saved?.position ?? startPosition,
  );
  const noCandidates = createCandidates(series.dimensions.length);
  /** Last window that was written. */
  let closedThrough = saved?.closedThrough ?? Number.NEGATIVE_INFINITY;
  let nextOffset: number | undefined;

  return {
    step(record) {
      nextOffset = record.offset + 1;
      const { items, rejected } = decode(record);
      take(record, items);
      const outputs = closeBefore(windowIndexOf(windows, windows.position.watermarkMs));
      intake.tidy(windows);
      return rejected === undefined ? { outputs } : { outputs, rejected };
    },
    finish(untilMs) {
      return { outputs: closeBefore(Math.ceil(untilMs / lengthMs)) };
    },
    snapshot() {
      const oldest = Math.max(windows.firstOpen ?? Number.NEGATIVE_INFINITY, closedThrough + 1);
      const earliest = earliestNeeded(windows, oldest - remembered);
      const chunk = encodeSnapshot({
        closedThrough,
        position: earliest?.before ?? windows.position,
      });
      const rewindTo = earliest?.firstOffset ?? nextOffset;
      const saved = [chunk, ...intake.save()];
      return rewindTo === undefined ? { chunks: saved } : { chunks: saved, rewindTo };
    },
  };

  /** Stages the record's items. A heartbeat is an empty request; a record that does not decode lets time pass, too. */
  function decode(record: InputRecord): { items: number; rejected?: Rejection } {
    if (record.value.length === 0) return { items: 0 };
    try {
      return { items: intake.read(record.value) };
    } catch (error) {
      if (!(error instanceof ForeshockError) || error.code !== "record_invalid") throw error;
      return { items: 0, rejected: { code: error.code, reason: error.message } };
    }
  }

  function take(record: InputRecord, items: number): void {
    const { appendMs: arrivedBefore } = windows.position;
    const appendMs = Math.max(arrivedBefore, record.appendMs);
    const clampAbove = appendMs + times.allowedSkewMs;
    let latestMs = Number.NEGATIVE_INFINITY;
    for (let item = 0; item < items; item++) {
      const timeMs = Math.min(intake.timeOf(item), appendMs);
      if (timeMs > latestMs) latestMs = timeMs;
    }
    const after = positionAfter(windows, appendMs, latestMs);
    windows.firstOpen ??= windowIndexOf(windows, after.watermarkMs);
    const { firstOpen } = windows;
    for (let item = 0; item < items; item++) {
      const endMs = intake.timeOf(item);
      const isClamped = endMs > clampAbove;
      const index = windowIndexOf(windows, isClamped ? appendMs : endMs);
      if (index < firstOpen) {
        countLate(windowAt(windows, firstOpen, record.offset), item);
        continue;
      }
      const window = windowAt(windows, index, record.offset);
      const put = intake.put(item, window);
      if (put === "taken") {
        const tally = senderIn(window, intake.senderOf(item));
        tally.spans++;
        if (isClamped) {
          tally.clamped++;
          window.clampedSpans++;
        }
      } else if (put === "repeat") window.duplicateSpans++;
      else countLate(window, item);
    }
    windows.position = after;
  }

  function countLate(window: OpenWindow, item: number): void {
    window.lateSpans++;
    senderIn(window, intake.senderOf(item)).late++;
  }

  function closeBefore(end: number): OutputRecord[] {
    const outputs: OutputRecord[] = [];
    let index = windows.firstOpen;
    if (index === undefined || !(end > index)) return outputs;
    while (index < end) {
      if (end - index > gapLimit && !windows.byIndex.has(index)) index = afterGap(index, end);
      outputs.push(...close(index));
      index++;
    }
    windows.firstOpen = index;
    const oldest = index - remembered;
    for (const known of [...windows.byIndex.keys()])
      if (known < oldest) windows.byIndex.delete(known);
    intake.closedBefore(index, oldest);
    return outputs;
  }

  /** Next window that holds anything or lies within the limit. */
  function afterGap(index: number, end: number): number {
    let next = end - gapLimit;
    for (const known of windows.byIndex.keys()) if (known > index && known < next) next = known;
    return next;
  }

  function close(index: number): OutputRecord[] {
    const window = windows.byIndex.get(index);
    const isNew = index > closedThrough;
    let outputs: OutputRecord[] = [];
    if (window !== undefined) intake.closing(index, window);
    if (isNew) {
      closedThrough = index;
      outputs = write(index, window);
    }
    if (window !== undefined) {
      window.candidates.count = 0;
      if (windows.spare.length < 4) windows.spare.push(window.candidates);
      window.candidates = noCandidates;
      window.senders.clear();
      window.points = [];
      window.logs.clear();
      window.roots = [];
    }
    return outputs;
  }

  function write(index: number, window: OpenWindow | undefined): OutputRecord[] {
    const windowStartMs = index * lengthMs;
    const closed = intake.close(index, window, windows);
    const head = {
      task: context.task,
      windowStartMs,
      windowMs: lengthMs,
      appendMs: Math.max(0, windows.position.appendMs),
      watermarkMs: Math.max(windows.position.watermarkMs, windowStartMs + lengthMs),
      pipeline: {
        lateSpans: window?.lateSpans ?? 0,
        clampedSpans: window?.clampedSpans ?? 0,
        duplicateSpans: window?.duplicateSpans ?? 0,
        outerSpans: closed.outerSpans,
        traces: closed.traces ?? 0,
        cleanTraces: closed.cleanTraces ?? 0,
        senders: window === undefined ? [] : sendersOf(window),
      },
    };
    return batchesOf(head, closed.cells, context);
  }

  function sendersOf(window: OpenWindow): SenderCounts[] {
    const byName = new Map<string, SenderCounts>();
    for (const [id, tally] of window.senders) {
      const sender = id === 0 ? "_other" : textOf(intake.texts, id);
      byName.set(sender, { sender, ...tally });
    }
    return [...byName.values()].sort((a, b) => (a.sender < b.sender ? -1 : 1));
  }
}
