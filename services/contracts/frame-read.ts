/** How binary frames are read (see `frame-write.ts`); unknown fields are skipped. */
import type { CellKey } from "./cell.ts";
import { ForeshockError } from "./errors.ts";
import {
  type CellFrame,
  directions,
  type Frame,
  type SignalName,
  type SignalVerdict,
  signalIds,
  verdictStates,
} from "./frame-shape.ts";
import { outcomes } from "./outcomes.ts";
import { type WireReader, wireType } from "./wire.ts";

const signalById = new Map<number, SignalName>(
  (Object.entries(signalIds) as [SignalName, number][]).map(([name, id]) => [id, name]),
);

export function readFrame(reader: WireReader, version: number): Frame {
  const at = new Array<number>(14).fill(0);
  const cells: CellFrame[] = [];
  let task = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 2) task = reader.string();
    else if (field === 15) cells.push(readCell(reader.message()));
    else if (field < 14 && tag % 8 === wireType.varint) at[field] = reader.varint();
    else reader.skip(tag % 8);
  }
  if (at[1] !== version)
    throw new ForeshockError(
      "record_invalid",
      `frame: version ${at[1]}; this program reads 1 to ${version}`,
    );
  const [, , , epoch = 0, windowStartMs = 0, windowMs = 0, appendMs = 0, part = 0, parts = 0] = at;
  const [spans = 0, lateSpans = 0, clampedSpans = 0, duplicateSpans = 0, senders = 0] = at.slice(9);
  const pipeline = { spans, lateSpans, clampedSpans, duplicateSpans, senders };
  return { task, epoch, windowStartMs, windowMs, appendMs, part, parts, pipeline, cells };
}

/** A varint or a double; others are skipped and read as 0. */
function number(reader: WireReader, type: number): number {
  if (type === wireType.varint) return reader.varint();
  if (type === wireType.fixed64) return reader.double();
  reader.skip(type);
  return 0;
}

function readCell(reader: WireReader): CellFrame {
  let cell = "" as CellKey;
  const at = new Array<number>(11).fill(0);
  const context: { -readonly [Key in keyof NonNullable<CellFrame["context"]>]: number | null } = {
    trafficRatio: null,
    inputTokensRatio: null,
    explainedFactor: null,
  };
  const signals: SignalVerdict[] = [];
  const dimensions: CellFrame["dimensions"] = [];
  const examples: CellFrame["examples"] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) cell = reader.name() as CellKey;
    else if (field < 11) at[field] = number(reader, tag % 8);
    else if (field === 11) context.trafficRatio = number(reader, tag % 8);
    else if (field === 12) context.inputTokensRatio = number(reader, tag % 8);
    else if (field === 13) context.explainedFactor = number(reader, tag % 8);
    else if (field === 14) signals.push(readVerdict(reader.message()));
    else if (field === 15) dimensions.push(readDimension(reader.message()));
    else if (field === 16) examples.push(readExample(reader.message()));
    else reader.skip(tag % 8);
  }
  const { explainedFactor } = context;
  return {
    cell,
    requests: at[2] as number,
    failures: at[3] as number,
    limited: at[4] as number,
    authFailures: at[5] as number,
    tenants: at[6] as number,
    tenantsFailed: at[7] as number,
    tenantsLimited: at[8] as number,
    usualRequests: at[9] as number,
    quietWindows: at[10] as number,
    ...(explainedFactor === null ? {} : { context: { ...context, explainedFactor } }),
    signals,
    dimensions,
    examples,
  };
}

function readVerdict(reader: WireReader): SignalVerdict {
  const at = new Array<number>(12).fill(0);
  const shown: (number | null)[] = [null, null, null, null];
  const reasons: SignalVerdict["reasons"] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field >= 4 && field <= 7) shown[field - 4] = number(reader, tag % 8);
    else if (field < 12) at[field] = number(reader, tag % 8);
    else if (field === 12) reasons.push(readReason(reader.message()));
    else reader.skip(tag % 8);
  }
  const [seen = null, expected = null, low = null, high = null] = shown;
  return {
    signal: known("signal", signalById.get(at[1] as number), at[1] as number),
    state: known("state", verdictStates[at[2] as number], at[2] as number),
    isFrozen: at[3] === 1,
    seen,
    expected,
    low,
    high,
    bad: at[8] as number,
    of: at[9] as number,
    direction: known("direction", directions[at[10] as number], at[10] as number),
    surprise: at[11] as number,
    reasons,
  };
}

function known<T>(what: string, value: T | undefined, id: number): T {
  if (value === undefined)
    throw new ForeshockError("record_invalid", `frame: ${what} ${id} is not known to this program`);
  return value;
}

function readReason(reader: WireReader): SignalVerdict["reasons"][number] {
  let detector = "";
  let surprise = 0;
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) detector = reader.name();
    else if (field === 2) surprise = number(reader, tag % 8);
    else reader.skip(tag % 8);
  }
  return { detector, surprise };
}

type Dimension = CellFrame["dimensions"][number];

function readDimension(reader: WireReader): Dimension {
  let dimension = "";
  const values: Dimension["values"] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) dimension = reader.name();
    else if (field === 2) values.push(readValue(reader.message()));
    else reader.skip(tag % 8);
  }
  return { dimension, values };
}

function readValue(reader: WireReader): Dimension["values"][number] {
  const at = [0, 0, 0, 0, 0, 0];
  let value = "";
  let latency: { buckets: number[]; counts: number[] } | undefined;
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) value = reader.name();
    else if (field < 6) at[field] = number(reader, tag % 8);
    else if (field === 6) latency = readHistogram(reader.message());
    else reader.skip(tag % 8);
  }
  const [, , requests = 0, failures = 0, limited = 0, slow = 0] = at;
  return {
    value,
    requests,
    failures,
    limited,
    slow,
    ...(latency === undefined ? {} : { latency }),
  };
}

function readHistogram(reader: WireReader): { buckets: number[]; counts: number[] } {
  let buckets: number[] = [];
  let counts: number[] = [];
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) buckets = reader.packed();
    else if (field === 2) counts = reader.packed();
    else reader.skip(tag % 8);
  }
  return { buckets, counts };
}

function readExample(reader: WireReader): CellFrame["examples"][number] {
  const at = [0, 0, 0, 0, 0, 0];
  let traceId = "";
  let spanId = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    if (field === 1) traceId = reader.string();
    else if (field === 2) spanId = reader.string();
    else if (field < 6) at[field] = number(reader, tag % 8);
    else reader.skip(tag % 8);
  }
  const [, , , outcome = 0, durationUs = 0, timeToFirstTokenUs = 0] = at;
  return {
    traceId,
    spanId,
    outcome: known("outcome", outcomes[outcome], outcome),
    durationUs,
    timeToFirstTokenUs,
  };
}
