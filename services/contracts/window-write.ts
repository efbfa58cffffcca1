/**
 * How windows are written. Binary, because there is one entry a cell and window: the protobuf wire format, fields numbered
 * below and in `window-read.ts`, append only.
 */
import type { SparseSketch } from "../../detectors/sketch.ts";
import { outcomes } from "./outcomes.ts";
import type { CellWindow, DimensionValue, PipelineCounts, WindowRecord } from "./window.ts";
import { WireWriter } from "./wire.ts";

export const windowVersion = 1;
const writer = new WireWriter();

export function encodeWindow(window: WindowRecord): Uint8Array {
  writer.uint(1, windowVersion).string(2, window.task).uintIfSet(3, window.epoch);
  writer.uint(4, window.windowStartMs).uint(5, window.windowMs).uint(6, window.appendMs);
  writer.uintIfSet(7, window.watermarkMs).uintIfSet(8, window.part).uint(9, window.parts);
  const { pipeline } = window;
  writer.uintIfSet(10, pipeline.lateSpans).uintIfSet(11, pipeline.clampedSpans);
  writer.uintIfSet(12, pipeline.duplicateSpans).uintIfSet(13, pipeline.outerSpans);
  writer.uintIfSet(16, pipeline.traces ?? 0).uintIfSet(17, pipeline.cleanTraces ?? 0);
  for (const sender of pipeline.senders) {
    writer.message(14, () =>
      writer
        .string(1, sender.sender)
        .uintIfSet(2, sender.spans)
        .uintIfSet(3, sender.late)
        .uintIfSet(4, sender.clamped),
    );
  }
  for (const cell of window.cells) writer.message(15, () => writeCell(cell));
  return writer.finish();
}

/** Parts are kept below this, well under the record limit, bytes. */
const partBytes = 800 * 1024;

/** The records of a window: one, or as many parts as its cells need. Pipeline counts are in part 0 alone. */
export function encodeWindowParts(window: WindowRecord, limitBytes = partBytes): Uint8Array[] {
  const whole = encodeWindow({ ...window, part: 0, parts: 1 });
  if (whole.length <= limitBytes) return [whole];
  const groups: CellWindow[][] = [[]];
  let room = limitBytes - (whole.length - sizeOf(window.cells));
  for (const cell of window.cells) {
    const size = sizeOf([cell]);
    const current = groups.at(-1) as CellWindow[];
    if (size <= room || current.length === 0) current.push(cell);
    else {
      groups.push([cell]);
      room = limitBytes - 256;
    }
    room -= size;
  }
  const noCounts: PipelineCounts = {
    lateSpans: 0,
    clampedSpans: 0,
    duplicateSpans: 0,
    outerSpans: 0,
    senders: [],
  };
  return groups.map((cells, part) =>
    encodeWindow({
      ...window,
      part,
      parts: groups.length,
      pipeline: part === 0 ? window.pipeline : noCounts,
      cells,
    }),
  );
}

/** Bytes that cells take in a record. */
function sizeOf(cells: readonly CellWindow[]): number {
  for (const cell of cells) writer.message(15, () => writeCell(cell));
  return writer.finish().length;
}

function writeCell(cell: CellWindow): void {
  writer.string(1, cell.cell);
  const ids: number[] = [];
  const counts: number[] = [];
  for (let id = 0; id < cell.counters.length; id++) {
    const count = cell.counters[id] as number;
    if (count !== 0) {
      ids.push(id);
      counts.push(count);
    }
  }
  writer.packed(2, ids).packed(3, counts);
  for (const [id, value] of Object.entries(cell.sketches)) {
    if (value.buckets.length === 0) continue;
    writer.message(4, () => writeSketch(Number(id), value));
  }
  for (const [id, bits] of Object.entries(cell.breadth))
    writer.message(5, () => writer.uint(1, Number(id)).bytes(2, bits));
  for (const { dimension, values } of cell.dimensions) {
    writer.message(6, () => {
      writer.string(1, dimension);
      for (const value of values) writer.message(2, () => writeDimensionValue(value));
    });
  }
  for (const [name, thousandths] of Object.entries(cell.gauges))
    writer.message(7, () => writer.string(1, name).signed(2, thousandths));
  for (const example of cell.examples) {
    writer.message(8, () =>
      writer
        .string(1, example.traceId)
        .string(2, example.spanId)
        .uint(3, outcomes.indexOf(example.outcome))
        .uintIfSet(4, example.durationUs)
        .uintIfSet(5, example.timeToFirstTokenUs),
    );
  }
}

/** Bucket indices are written as steps from one to the next: small numbers, one byte each. */
function writeSketch(id: number, { buckets, counts }: SparseSketch): void {
  writer.uint(1, id);
  writer.packed(
    2,
    buckets.map((bucket, index) => bucket - (index === 0 ? 0 : (buckets[index - 1] as number))),
  );
  writer.packed(3, counts);
}

function writeDimensionValue(value: DimensionValue): void {
  writer.string(1, value.value).uintIfSet(2, value.requests).uintIfSet(3, value.failures);
  writer.uintIfSet(4, value.limited);
  if (value.latency.buckets.length > 0) writer.message(5, () => writeSketch(0, value.latency));
}
