/**
 * How frames are written. Binary, because there is an entry a live cell and window, whether anything happened or not: the protobuf
 * wire format, fields numbered below and in `frame-read.ts`, append only. A number is a varint where it is a natural one and a
 * double else; null is an absent field.
 */
import {
  type CellFrame,
  directions,
  type Frame,
  type SignalVerdict,
  signalIds,
  verdictStates,
} from "./frame-shape.ts";
import { outcomes } from "./outcomes.ts";
import { WireWriter } from "./wire.ts";

export const frameVersion = 2;
const heads = new WireWriter();

/** A frame whole, with its `part` and `parts`. */
export function encodeFrame(frame: Frame): Uint8Array {
  writeHead(heads, frame);
  for (const cell of frame.cells) writeCell(heads, cell);
  return heads.finish();
}

/** What a frame is of, without its cells. */
export type FrameHead = Omit<Frame, "cells" | "part" | "parts">;

/** Takes the cells of a frame one by one, so that none has to be kept, and cuts it into parts; then those of the next frame. */
export interface FrameWriter {
  add(cell: CellFrame): void;
  /** The records: one, or more where a part would exceed the limit. Pipeline counts go with the first alone. */
  finish(head: FrameHead): Uint8Array[];
}

/** Room for what is not cells, bytes. */
const headBytes = 512;

export function createFrameWriter(limitBytes: number): FrameWriter {
  const cells = new WireWriter();
  let shares: Uint8Array[] = [];
  return {
    add(cell) {
      const before = cells.size;
      writeCell(cells, cell);
      if (before > 0 && cells.size + headBytes > limitBytes) shares.push(cells.take(before));
    },
    finish(head) {
      if (cells.size > 0 || shares.length === 0) shares.push(cells.finishView());
      const records = shares.map((share, part) => {
        const pipeline = part === 0 ? head.pipeline : noSpans;
        writeHead(heads, { ...head, part, parts: shares.length, pipeline });
        return heads.append(share).finish();
      });
      shares = [];
      return records;
    },
  };
}

const noSpans: Frame["pipeline"] = {
  spans: 0,
  lateSpans: 0,
  clampedSpans: 0,
  duplicateSpans: 0,
  senders: 0,
};

function writeHead(writer: WireWriter, frame: Omit<Frame, "cells">): void {
  writer.uint(1, frameVersion).string(2, frame.task).uint(3, frame.epoch);
  writer.uint(4, frame.windowStartMs).uint(5, frame.windowMs).uint(6, frame.appendMs);
  writer.uint(7, frame.part).uint(8, frame.parts);
  const { pipeline } = frame;
  writer.uintIfSet(9, pipeline.spans).uintIfSet(10, pipeline.lateSpans);
  writer.uintIfSet(11, pipeline.clampedSpans).uintIfSet(12, pipeline.duplicateSpans);
  writer.uintIfSet(13, pipeline.senders);
}

function number(writer: WireWriter, field: number, value: number | null): void {
  if (value === null) return;
  if (Number.isInteger(value) && value >= 0) writer.uint(field, value);
  else writer.double(field, value);
}

function numberIfSet(writer: WireWriter, field: number, value: number): void {
  if (value !== 0) number(writer, field, value);
}

function writeCell(writer: WireWriter, cell: CellFrame): void {
  const start = writer.open(15);
  writer.string(1, cell.cell);
  numberIfSet(writer, 2, cell.requests);
  numberIfSet(writer, 3, cell.failures);
  numberIfSet(writer, 4, cell.limited);
  numberIfSet(writer, 5, cell.authFailures);
  numberIfSet(writer, 6, cell.tenants);
  numberIfSet(writer, 7, cell.tenantsFailed);
  numberIfSet(writer, 8, cell.tenantsLimited);
  numberIfSet(writer, 9, cell.usualRequests);
  numberIfSet(writer, 10, cell.quietWindows);
  if (cell.context !== undefined) {
    number(writer, 11, cell.context.trafficRatio);
    number(writer, 12, cell.context.inputTokensRatio);
    number(writer, 13, cell.context.explainedFactor);
  }
  for (const signal of cell.signals) writeVerdict(writer, signal);
  for (const { dimension, values } of cell.dimensions)
    writer.message(15, () => {
      writer.string(1, dimension);
      for (const value of values) writer.message(2, () => writeValue(writer, value));
    });
  for (const example of cell.examples)
    writer.message(16, () => {
      writer.string(1, example.traceId).string(2, example.spanId);
      writer.uint(3, outcomes.indexOf(example.outcome));
      number(writer, 4, example.durationUs);
      number(writer, 5, example.timeToFirstTokenUs);
    });
  writer.close(start);
}

function writeVerdict(writer: WireWriter, verdict: SignalVerdict): void {
  const start = writer.open(14);
  writer.uint(1, signalIds[verdict.signal]).uint(2, verdictStates.indexOf(verdict.state));
  if (verdict.isFrozen) writer.uint(3, 1);
  number(writer, 4, verdict.seen);
  number(writer, 5, verdict.expected);
  number(writer, 6, verdict.low);
  number(writer, 7, verdict.high);
  numberIfSet(writer, 8, verdict.bad);
  numberIfSet(writer, 9, verdict.of);
  writer.uintIfSet(10, directions.indexOf(verdict.direction));
  numberIfSet(writer, 11, verdict.surprise);
  for (const { detector, surprise } of verdict.reasons) {
    const reason = writer.open(12);
    writer.string(1, detector);
    numberIfSet(writer, 2, surprise);
    writer.close(reason);
  }
  writer.close(start);
}

function writeValue(
  writer: WireWriter,
  value: CellFrame["dimensions"][number]["values"][number],
): void {
  writer.string(1, value.value);
  numberIfSet(writer, 2, value.requests);
  numberIfSet(writer, 3, value.failures);
  numberIfSet(writer, 4, value.limited);
  numberIfSet(writer, 5, value.slow);
  const { latency } = value;
  if (latency === undefined) return;
  writer.message(6, () => writer.packed(1, latency.buckets).packed(2, latency.counts));
}
