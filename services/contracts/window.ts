/**
 * Windows: what aggregate writes (a batch for one source task) and what detect closes (the merge over all tasks).
 * Binary, because there is one entry a cell and window: the protobuf wire format, fields numbered below, append only.
 */
import { emptySketch, mergeSketches, type SparseSketch } from "../../detectors/sketch.ts";
import type { CellKey } from "./cell.ts";
import { ForeshockError } from "./errors.ts";
import { breadthIds, type CounterName, counterIds, counterSlots, sketchIds } from "./measures.ts";
import { type Outcome, outcomes } from "./outcomes.ts";
import { WireReader, WireWriter } from "./wire.ts";

export const windowVersion = 1;

/** One source task's share of a window (topic `foreshock.windows`), or all tasks' (topic `foreshock.closed`). */
export interface WindowRecord {
  /** Who wrote it: `otlp_spans/0` (a source partition) for batches, `detect/0` for closed windows. */
  readonly task: string;
  readonly epoch: number;
  /** Start of the window, Unix ms; its end is excluded. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** Append time of the record that let the window close (closed: the latest over all tasks), Unix ms. */
  readonly appendMs: number;
  /** Batches only: the task's watermark, Unix ms. */
  readonly watermarkMs: number;
  /** A window too large for one record comes as parts 0 … parts − 1, in order. */
  readonly part: number;
  readonly parts: number;
  /** The same in the batches for every partition, and in part 0 alone: add up over tasks, not over partitions. */
  readonly pipeline: PipelineCounts;
  readonly cells: readonly CellWindow[];
}

/** What happened to records themselves, for telling a broken pipeline from a broken service. */
export interface PipelineCounts {
  /** Spans whose window had closed before they came. */
  readonly lateSpans: number;
  /** Spans with an end after their arrival by more than the allowed skew. */
  readonly clampedSpans: number;
  /** Spans that came a second time. */
  readonly duplicateSpans: number;
  /** Spans that describe a call that an inner span describes as well. */
  readonly outerSpans: number;
  readonly senders: readonly SenderCounts[];
}

export interface SenderCounts {
  /** `service.name` and `service.instance.id`, joined by `/`. */
  readonly sender: string;
  readonly spans: number;
  readonly late: number;
  readonly clamped: number;
}

export interface CellWindow {
  readonly cell: CellKey;
  /** Indexed by `counterIds`. */
  readonly counters: readonly number[];
  /** Indexed by `sketchIds`; absent ones are empty. */
  readonly sketches: Readonly<Record<number, SparseSketch>>;
  /** Indexed by `breadthIds`: bitmaps for linear counting. */
  readonly breadth: Readonly<Record<number, Uint8Array>>;
  readonly dimensions: readonly DimensionCounts[];
  /** Gauges that came as metrics (such as requests in flight), in thousandths. */
  readonly gauges: Readonly<Record<string, number>>;
  readonly examples: readonly Example[];
}

export interface DimensionCounts {
  /** Attribute name of the telemetry, such as `service.version`. */
  readonly dimension: string;
  /** Largest values by requests, ties by name; the rest summed under `_other`. */
  readonly values: readonly DimensionValue[];
}

export interface DimensionValue {
  readonly value: string;
  readonly requests: number;
  /** Outcomes of the group `failure`. */
  readonly failures: number;
  readonly limited: number;
  /**
   * Half-octave histogram (index ⌊2·log2 µs⌋, counts) of the time to first token, of the duration where there is none:
   * "slow" is judged later, against the cell's own baseline.
   */
  readonly latency: SparseSketch;
}

export interface Example {
  /** Lower-case hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  readonly outcome: Outcome;
  readonly durationUs: number;
  readonly timeToFirstTokenUs: number;
}

export function counter(window: CellWindow, name: CounterName): number {
  return window.counters[counterIds[name]] ?? 0;
}

export function sketch(window: CellWindow, name: keyof typeof sketchIds): SparseSketch {
  return window.sketches[sketchIds[name]] ?? emptySketch;
}

/** Examples kept per cell and window. */
export const exampleLimit = 4;
/** Values kept per dimension, cell and window. */
const dimensionValueLimit = 12;

const writer = new WireWriter();

export function encodeWindow(window: WindowRecord): Uint8Array {
  writer.uint(1, windowVersion).string(2, window.task).uintIfSet(3, window.epoch);
  writer.uint(4, window.windowStartMs).uint(5, window.windowMs).uint(6, window.appendMs);
  writer.uintIfSet(7, window.watermarkMs).uintIfSet(8, window.part).uint(9, window.parts);
  const { pipeline } = window;
  writer.uintIfSet(10, pipeline.lateSpans).uintIfSet(11, pipeline.clampedSpans);
  writer.uintIfSet(12, pipeline.duplicateSpans).uintIfSet(13, pipeline.outerSpans);
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

export function decodeWindow(bytes: Uint8Array): WindowRecord {
  const reader = new WireReader(bytes);
  const numbers = new Array<number>(16).fill(0);
  const senders: SenderCounts[] = [];
  const cells: CellWindow[] = [];
  let task = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 2) task = reader.string();
    else if (field === 14) senders.push(readSender(reader.message()));
    else if (field === 15) cells.push(readCell(reader.message()));
    else if (field < 14 && tag % 8 === 0) numbers[field] = reader.varint();
    else reader.skip(tag % 8);
  }
  const at = (field: number) => numbers[field] as number;
  if (at(1) < 1 || at(1) > windowVersion)
    throw new ForeshockError(
      "record_invalid",
      `window record has version ${at(1)}; this program reads 1 to ${windowVersion}`,
    );
  return {
    task,
    epoch: at(3),
    windowStartMs: at(4),
    windowMs: at(5),
    appendMs: at(6),
    watermarkMs: at(7),
    part: at(8),
    parts: at(9),
    pipeline: {
      lateSpans: at(10),
      clampedSpans: at(11),
      duplicateSpans: at(12),
      outerSpans: at(13),
      senders,
    },
    cells,
  };
}

function readSender(reader: WireReader): SenderCounts {
  const numbers = [0, 0, 0, 0, 0];
  let sender = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) sender = reader.string();
    else if (field < 5 && tag % 8 === 0) numbers[field] = reader.varint();
    else reader.skip(tag % 8);
  }
  const [, , spans = 0, late = 0, clamped = 0] = numbers;
  return { sender, spans, late, clamped };
}

function readCell(reader: WireReader): CellWindow {
  let cell = "" as CellKey;
  let ids: number[] = [];
  let counts: number[] = [];
  const sketches: Record<number, SparseSketch> = {};
  const breadth: Record<number, Uint8Array> = {};
  const dimensions: DimensionCounts[] = [];
  const gauges: Record<string, number> = {};
  const examples: Example[] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    switch (Math.floor(tag / 8)) {
      case 1:
        cell = reader.string() as CellKey;
        break;
      case 2:
        ids = reader.packed();
        break;
      case 3:
        counts = reader.packed();
        break;
      case 4: {
        const { id, sketch: value } = readSketch(reader.message());
        sketches[id] = value;
        break;
      }
      case 5: {
        const { id, bytes } = readBits(reader.message());
        breadth[id] = bytes;
        break;
      }
      case 6:
        dimensions.push(readDimension(reader.message()));
        break;
      case 7: {
        const nested = reader.message();
        nested.varint();
        const name = nested.string();
        nested.varint();
        gauges[name] = nested.signed();
        break;
      }
      case 8:
        examples.push(readExample(reader.message()));
        break;
      default:
        reader.skip(tag % 8);
    }
  }
  const counters = new Array<number>(counterSlots).fill(0);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id < counterSlots) counters[id] = counts[i] ?? 0;
  }
  return { cell, counters, sketches, breadth, dimensions, gauges, examples };
}

function readSketch(reader: WireReader): { id: number; sketch: SparseSketch } {
  let id = 0;
  let steps: number[] = [];
  let counts: number[] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === 8) id = reader.varint();
    else if (tag === 18) steps = reader.packed();
    else if (tag === 26) counts = reader.packed();
    else reader.skip(tag % 8);
  }
  let bucket = 0;
  const buckets = steps.map((step) => (bucket += step));
  return { id, sketch: { buckets, counts } };
}

function readBits(reader: WireReader): { id: number; bytes: Uint8Array } {
  let id = 0;
  let bytes = new Uint8Array(0);
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === 8) id = reader.varint();
    else if (tag === 18)
      bytes = Uint8Array.from(reader.view()); // a Buffer's slice would be no copy
    else reader.skip(tag % 8);
  }
  return { id, bytes };
}

function readDimension(reader: WireReader): DimensionCounts {
  let dimension = "";
  const values: DimensionValue[] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === 10) dimension = reader.string();
    else if (tag === 18) values.push(readDimensionValue(reader.message()));
    else reader.skip(tag % 8);
  }
  return { dimension, values };
}

function readDimensionValue(reader: WireReader): DimensionValue {
  const numbers = [0, 0, 0, 0, 0];
  let value = "";
  let latency: SparseSketch = emptySketch;
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) value = reader.string();
    else if (field === 5) latency = readSketch(reader.message()).sketch;
    else if (field < 5 && tag % 8 === 0) numbers[field] = reader.varint();
    else reader.skip(tag % 8);
  }
  const [, , requests = 0, failures = 0, limited = 0] = numbers;
  return { value, requests, failures, limited, latency };
}

function readExample(reader: WireReader): Example {
  const numbers = [0, 0, 0, 0, 0, 0];
  let traceId = "";
  let spanId = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) traceId = reader.string();
    else if (field === 2) spanId = reader.string();
    else if (field < 6 && tag % 8 === 0) numbers[field] = reader.varint();
    else reader.skip(tag % 8);
  }
  const [, , , outcome = 0, durationUs = 0, timeToFirstTokenUs = 0] = numbers;
  return { traceId, spanId, outcome: outcomes[outcome] ?? "other", durationUs, timeToFirstTokenUs };
}

/**
 * Merges two shares of the same cell and window. Counts add, bitmaps join, dimension values are cut again to the limit,
 * examples to theirs (see `pickExamples`).
 */
export function mergeCells(left: CellWindow, right: CellWindow): CellWindow {
  return {
    cell: left.cell,
    counters: left.counters.map((count, id) => count + (right.counters[id] ?? 0)),
    sketches: mergeRecords(left.sketches, right.sketches, mergeSketches),
    breadth: mergeRecords(left.breadth, right.breadth, joinBits),
    dimensions: mergeDimensions(left.dimensions, right.dimensions),
    gauges: mergeRecords(left.gauges, right.gauges, (a, b) => a + b),
    examples: pickExamples([...left.examples, ...right.examples]),
  };
}

function mergeRecords<T>(
  left: Readonly<Record<string, T>>,
  right: Readonly<Record<string, T>>,
  merge: (a: T, b: T) => T,
): Record<string, T> {
  const merged: Record<string, T> = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const before = merged[key];
    merged[key] = before === undefined ? value : merge(before, value);
  }
  return merged;
}

function joinBits(left: Uint8Array, right: Uint8Array): Uint8Array {
  const longer = left.length >= right.length ? left : right;
  const shorter = longer === left ? right : left;
  const joined = Uint8Array.from(longer);
  for (let i = 0; i < shorter.length; i++)
    joined[i] = (joined[i] as number) | (shorter[i] as number);
  return joined;
}

function mergeDimensions(
  left: readonly DimensionCounts[],
  right: readonly DimensionCounts[],
): DimensionCounts[] {
  const byName = new Map(left.map((counts) => [counts.dimension, counts.values]));
  for (const { dimension, values } of right)
    byName.set(dimension, [...(byName.get(dimension) ?? []), ...values]);
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([dimension, values]) => ({ dimension, values: limitDimensionValues(values) }));
}

/** Sums equal values, keeps the largest by requests (ties by name) and sums the rest under `_other`, which comes last. */
export function limitDimensionValues(values: readonly DimensionValue[]): DimensionValue[] {
  const byValue = new Map<string, DimensionValue>();
  for (const value of values) {
    const before = byValue.get(value.value);
    byValue.set(value.value, before === undefined ? value : addDimensionValues(before, value));
  }
  const other = byValue.get("_other");
  byValue.delete("_other");
  const ranked = [...byValue.values()].sort(
    (a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1),
  );
  const rest = ranked.slice(dimensionValueLimit);
  if (other !== undefined) rest.push(other);
  const kept = ranked.slice(0, dimensionValueLimit);
  if (rest.length > 0) kept.push({ ...rest.reduce(addDimensionValues), value: "_other" });
  return kept;
}

function addDimensionValues(left: DimensionValue, right: DimensionValue): DimensionValue {
  return {
    value: left.value,
    requests: left.requests + right.requests,
    failures: left.failures + right.failures,
    limited: left.limited + right.limited,
    latency: mergeSketches(left.latency, right.latency),
  };
}

/** Failures first, then the slowest; ties by span and trace id, so that the choice does not depend on order. */
export function pickExamples(examples: readonly Example[]): Example[] {
  const failed = (example: Example) => (example.outcome === "ok" ? 0 : 1);
  const idsOf = ({ spanId, traceId }: Example) => spanId + traceId;
  return [...examples]
    .sort(
      (a, b) =>
        failed(b) - failed(a) || b.durationUs - a.durationUs || (idsOf(a) < idsOf(b) ? -1 : 1),
    )
    .slice(0, exampleLimit);
}

/** Name of a breadth bitmap's estimate: linear counting, n ≈ −m·ln(zero bits / m) over m bits. Whang et al. 1990. */
export function estimateBreadth(window: CellWindow, name: keyof typeof breadthIds): number {
  const bits = window.breadth[breadthIds[name]];
  if (bits === undefined) return 0;
  let set = 0;
  for (const byte of bits) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) set++;
  }
  const size = bits.length * 8;
  return set >= size ? size : Math.round(-size * Math.log((size - set) / size));
}
