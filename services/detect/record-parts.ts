/** Cuts windows and frames that are too large for one record into parts. */
import type { CellFrame, Frame } from "../contracts/frame.ts";
import { createFrameWriter, type FrameHead, type FrameWriter } from "../contracts/frame-write.ts";
import { recordLimitBytes } from "../contracts/records.ts";
import type { WindowRecord } from "../contracts/window.ts";
import { encodeWindow } from "../contracts/window-write.ts";

/** Parts stay below this, bytes: headers and the log's own fields need room under the limit of a record. */
const partLimitBytes = Math.floor(recordLimitBytes * 0.88);

/**
 * Encodes `record` whole, or in as few equal shares of its cells as fit. A single cell that is too large by itself is
 * a part of its own: nothing is dropped here.
 */
function encodeInParts<Cell, Whole extends { readonly cells: readonly Cell[] }>(
  record: Whole,
  encode: (part: Whole & { part: number; parts: number }) => Uint8Array,
  limitBytes = partLimitBytes,
): Uint8Array[] {
  const whole = encode({ ...record, part: 0, parts: 1 });
  if (whole.length <= limitBytes || record.cells.length <= 1) return [whole];
  for (let parts = Math.ceil(whole.length / limitBytes); ; parts++) {
    const share = Math.ceil(record.cells.length / parts);
    const count = Math.ceil(record.cells.length / share);
    const encoded = Array.from({ length: count }, (_, part) =>
      encode({
        ...record,
        cells: record.cells.slice(part * share, (part + 1) * share),
        part,
        parts: count,
      }),
    );
    if (share === 1 || encoded.every(({ length }) => length <= limitBytes)) return encoded;
  }
}

const noPipeline: WindowRecord["pipeline"] = {
  lateSpans: 0,
  clampedSpans: 0,
  duplicateSpans: 0,
  outerSpans: 0,
  senders: [],
};

/** Pipeline counts go with the first part only, so that readers may add up parts. */
export function encodeWindowParts(window: WindowRecord, limitBytes?: number): Uint8Array[] {
  return encodeInParts(
    window,
    (part) => encodeWindow(part.part === 0 ? part : { ...part, pipeline: noPipeline }),
    limitBytes,
  );
}

export function encodeFrameParts(frame: Frame, limitBytes?: number): Uint8Array[] {
  const writer = openFrame(limitBytes);
  for (const cell of frame.cells) writer.add(cell);
  return writer.finish(frame);
}

/** A frame that is handed over as it is: not written, and so not cut. */
export function collectFrame(): { add(cell: CellFrame): void; finish(head: FrameHead): Frame } {
  const cells: CellFrame[] = [];
  return {
    add: (cell) => cells.push(cell),
    finish: (head) => ({ ...head, part: 0, parts: 1, cells }),
  };
}

/** A frame to be filled cell by cell, and after it others. */
export function openFrame(limitBytes = partLimitBytes): FrameWriter {
  return createFrameWriter(limitBytes);
}
