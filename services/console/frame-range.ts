/** Reads frames of a stretch of time back from the log, for incidents whose past no ring holds. */
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
  readonly partitions: number;
  readonly fromMs: number;
  /** Frames appended later are not read. */
  readonly untilMs: number;
  readonly maxFrames: number;
}

/** Calls `take` with every frame in the range, partition after partition. Frames that do not read are passed over. */
export async function readFrames(
  log: Log,
  range: FrameRange,
  take: (frame: Frame, appendMs: number) => void,
): Promise<void> {
  for (let partition = 0; partition < range.partitions; partition++) {
    const place = { topic: topics.frames, partition };
    let fromOffset = await offsetAtTime(log, place, range.fromMs);
    const { end } = await log.offsets(topics.frames, partition);
    let taken = 0;
    while (fromOffset < end && taken < range.maxFrames) {
      const records = await log.read({ ...place, fromOffset, waitMs: 0 });
      if (records.length === 0) break;
      for (const record of records) {
        fromOffset = record.offset + 1;
        if (record.appendMs > range.untilMs) return;
        taken++;
        try {
          take(frameRecord.decode(record.value), record.appendMs);
        } catch {
          // The stage that reads frames for a living reports it; a picture can do without.
        }
      }
    }
  }
}
