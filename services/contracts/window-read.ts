/** How windows are read: every version that was ever written. */
import { emptySketch, type SparseSketch } from "../../detectors/sketch.ts";
import type { CellKey } from "./cell.ts";
import { ForeshockError } from "./errors.ts";
import { counterSlots } from "./measures.ts";
import { outcomes } from "./outcomes.ts";
import type {
  CellWindow,
  DimensionCounts,
  DimensionValue,
  Example,
  SenderCounts,
  WindowRecord,
} from "./window.ts";
import { windowVersion } from "./window-write.ts";
import { WireReader } from "./wire.ts";

export function decodeWindow(bytes: Uint8Array): WindowRecord {
  const cells: CellWindow[] = [];
  const head = readHead(bytes, (cell) => cells.push(readCell(cell)));
  return { ...head, cells };
}

/** Everything but the cells, of which it says how many there are. */
export function decodeWindowHead(bytes: Uint8Array): WindowHead & { readonly cellCount: number } {
  let cellCount = 0;
  const head = readHead(bytes, () => cellCount++);
  return { ...head, cellCount };
}

type WindowHead = Omit<WindowRecord, "cells">;

function readHead(bytes: Uint8Array, onCell: (cell: WireReader) => void): WindowHead {
  const reader = new WireReader(bytes);
  const numbers = new Array<number>(18).fill(0);
  const senders: SenderCounts[] = [];
  let task = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 2) task = reader.string();
    else if (field === 14) senders.push(readSender(reader.message()));
    else if (field === 15) onCell(reader.message());
    else if (field < numbers.length && tag % 8 === 0) numbers[field] = reader.varint();
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
      ...(at(16) > 0 && { traces: at(16), cleanTraces: at(17) }),
      senders,
    },
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
        cell = reader.name() as CellKey;
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
        const name = nested.name();
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
  // Each is a step from the one before.
  for (let i = 1; i < steps.length; i++) steps[i] = (steps[i] as number) + (steps[i - 1] as number);
  return { id, sketch: { buckets: steps, counts } };
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
    if (tag === 10) dimension = reader.name();
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
    if (field === 1) value = reader.name();
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
