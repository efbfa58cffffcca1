/**
 * How far verdicts have come, read from the log alone: the oldest of the newest windows that each detect task has judged, and
 * the newest one that the incident stage has put behind it. Whatever stalls in front of them shows here.
 */
import { frameRecord } from "../contracts/frame.ts";
import { headers, topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";

export interface Progress {
  /** End of the newest window that all detect tasks have judged, Unix ms; undefined while one has judged none. */
  readonly judgedUntilMs: number | undefined;
  /** End of the newest window before the incident stage's last commit, Unix ms; undefined before the first. */
  readonly decidedUntilMs: number | undefined;
}

export interface Freshness {
  read(signal: AbortSignal): Promise<Progress>;
}

/** Records looked at in one reading; a window is a record or a few for each detect task. */
const tailRecords = 256;
const partition = 0;

/** `detectTasks` is how many there are: one for each partition of windows. */
export function trackFreshness(log: Log, detectTasks: number): Freshness {
  const newest = new Map<string, number>();
  let position = 0;

  async function readTail(signal: AbortSignal): Promise<void> {
    const { start, end } = await log.offsets(topics.frames, partition);
    let fromOffset = Math.max(start, position, end - tailRecords * detectTasks);
    const last = new Map<string, Uint8Array>();
    while (fromOffset < end) {
      const records = await log.read(
        { topic: topics.frames, partition, fromOffset, waitMs: 0 },
        signal,
      );
      if (records.length === 0) break;
      for (const record of records) {
        last.set(record.headers[headers.task] ?? "", record.value);
        fromOffset = record.offset + 1;
      }
    }
    position = fromOffset;
    for (const [task, value] of last) {
      const untilMs = endOf(value);
      if (untilMs !== undefined) newest.set(task, untilMs);
    }
  }

  async function decidedUntilMs(signal: AbortSignal): Promise<number | undefined> {
    const committed = await log.committed("incident", topics.frames, partition);
    if (committed === undefined) return undefined;
    const { start } = await log.offsets(topics.frames, partition);
    if (committed.offset <= start) return undefined;
    const fromOffset = committed.offset - 1;
    const request = { topic: topics.frames, partition, fromOffset, maxBytes: 1, waitMs: 0 };
    const [record] = await log.read(request, signal);
    return record === undefined ? undefined : endOf(record.value);
  }

  return {
    async read(signal) {
      await readTail(signal);
      return {
        judgedUntilMs: newest.size < detectTasks ? undefined : Math.min(...newest.values()),
        decidedUntilMs: await decidedUntilMs(signal),
      };
    },
  };
}

/** End of a frame's window; undefined where it is no frame, which the incident stage complains of. */
function endOf(value: Uint8Array): number | undefined {
  try {
    const { windowStartMs, windowMs } = frameRecord.decode(value);
    return windowStartMs + windowMs;
  } catch {
    return undefined;
  }
}
