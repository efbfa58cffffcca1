/** Reads frames of a stretch of time back from the log, for incidents whose past no ring holds. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Frame, frameRecord } from "../contracts/frame.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";

/** First offset whose record was appended at or after `fromMs`: append times never fall, so halving finds it. */
export async function offsetAtTime(
  log: Log,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  fromMs: number,
): Promise<number> {
  let { start: low, end: high } = await log.offsets(topic, partition);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await log.read({
      topic,
      partition,
      fromOffset: middle,
      maxBytes: 1,
      waitMs: 0,
    });
    if (record === undefined || record.appendMs >= fromMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface FrameRange {
  readonly partition: number;
  readonly fromOffset: number;
  /** Frames appended later are not read. */
  readonly untilMs: number;
  readonly maxFrames: number;
}

/** So much is decoded before others have their turn. */
const readBytes = 256 * 1024;

/** Calls `take` with every frame in the range and returns where to read on. Frames that do not read are passed over. */
export async function readFrames(
  log: Log,
  range: FrameRange,
  take: (frame: Frame) => void,
): Promise<number> {
  const place = { topic: topics.frames, partition: range.partition };
  const { start, end } = await log.offsets(place.topic, place.partition);
  let fromOffset = Math.max(range.fromOffset, start);
  for (let taken = 0; fromOffset < end && taken < range.maxFrames; await nextTurn()) {
    const records = await log.read({ ...place, fromOffset, maxBytes: readBytes, waitMs: 0 });
    if (records.length === 0) break;
    for (const record of records) {
      if (record.appendMs > range.untilMs) return fromOffset;
      fromOffset = record.offset + 1;
      taken++;
      try {
        take(frameRecord.decode(record.value));
      } catch {
        // The stage that reads frames for a living reports it; a picture can do without.
      }
    }
  }
  return fromOffset;
}
