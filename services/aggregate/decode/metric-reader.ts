/**
 * Metrics requests, field by field: resource, scope, metric, data point. Metrics come by the thousand where spans come by the
 * million, so that points are objects.
 */
import { WireReader } from "../../contracts/wire.ts";
import type { Buckets, PointValue, Tally } from "../metrics/metric-point.ts";
import { type AttributeSlots, clearSlots, readAttribute } from "./attributes.ts";
import { nanosToMs, readWord, type Scan } from "./wire-scan.ts";

/** What a point is read into; `attributes` and `resource` are filled when `onPoint` is called. */
export interface MetricReading {
  readonly bytes: Uint8Array;
  readonly scan: Scan;
  readonly attributes: AttributeSlots;
  readonly resource: AttributeSlots;
}

export interface RawPoint {
  readonly startMs: number;
  readonly timeMs: number;
  /** Undefined where it has none, or none that can be. */
  readonly value: PointValue | undefined;
  /** The attributes as they lie in the record, in the order of their bytes: who has the same is the same stream. */
  readonly attributes: readonly string[];
}

export interface MetricVisitor {
  onResource(): void;
  /** `isWanted`: whether the metric's points are to be read, or only their times. */
  onMetric(name: string, unit: string): boolean;
  onPoint(point: RawPoint): void;
}

/** Throws `record_invalid` for what does not decode. */
export function readMetrics(reading: MetricReading, visitor: MetricVisitor): void {
  eachMessage(new WireReader(reading.bytes), 1, (resource) => {
    readResource(reading, resource);
    visitor.onResource();
    eachMessage(resource, 2, (scope) =>
      eachMessage(scope, 2, (metric) => readMetric(reading, metric, visitor)),
    );
  });
}

/** Reads the resource's attributes and leaves the reader where it was. */
export function readResource(reading: MetricReading, reader: WireReader): void {
  clearSlots(reading.resource);
  const start = reader.position;
  eachMessage(reader, 1, (resource) =>
    eachMessage(resource, 1, ({ position, end }) =>
      readAttribute(reading.bytes, position, end, reading.resource, reading.scan),
    ),
  );
  reader.position = start;
}

/** Gauge, sum, histogram, exponential histogram, summary: the field of each in a metric, and that of its points' attributes. */
const shapes = [
  { field: 5, attributes: 7, shape: "gauge" },
  { field: 7, attributes: 7, shape: "sum" },
  { field: 9, attributes: 9, shape: "histogram" },
  { field: 10, attributes: 1, shape: "exponential" },
  { field: 11, attributes: 7, shape: "summary" },
] as const;
type Shape = (typeof shapes)[number];

function readMetric(reading: MetricReading, reader: WireReader, visitor: MetricVisitor): void {
  const start = reader.position;
  let name = "";
  let unit = "";
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === 10) name = reader.string();
    else if (tag === 26) unit = reader.string();
    else reader.skip(tag % 8);
  }
  const isWanted = visitor.onMetric(name, unit);
  for (const shape of shapes) {
    reader.position = start;
    eachMessage(reader, shape.field, (data) => {
      const kind = kindOf(data);
      eachMessage(data, 1, (point) =>
        visitor.onPoint(readPoint(reading, point, { shape, kind, isWanted })),
      );
    });
  }
}

interface DataKind {
  /** 1 delta, 2 cumulative. */
  readonly temporality: number;
  readonly isMonotonic: boolean;
}

function kindOf(data: WireReader): DataKind {
  const start = data.position;
  let temporality = 0;
  let isMonotonic = false;
  while (data.hasMore()) {
    const tag = data.varint();
    if (tag === 16) temporality = data.varint();
    else if (tag === 24) isMonotonic = data.varint() !== 0;
    else data.skip(tag % 8);
  }
  data.position = start;
  return { temporality, isMonotonic };
}

/** Bit of a point's flags: it has no value, as when a scrape failed. */
const noValue = 1;

/** What is read of a point, by field number: eight-byte words, varints, and where its longer contents lie. */
interface PointFields {
  readonly words: Map<number, number>;
  /** Words of fields that come several times, one by one or packed. */
  readonly lists: { readonly field: number; readonly at: number }[];
  readonly varints: Map<number, number>;
  readonly contents: { readonly field: number; readonly start: number; readonly end: number }[];
}

function readPoint(
  reading: MetricReading,
  point: WireReader,
  of: { readonly shape: Shape; readonly kind: DataKind; readonly isWanted: boolean },
): RawPoint {
  const { bytes, scan } = reading;
  const fields: PointFields = { words: new Map(), lists: [], varints: new Map(), contents: [] };
  while (point.hasMore()) {
    const tag = point.varint();
    const field = Math.floor(tag / 8);
    const at = point.position;
    if (tag % 8 === 0) fields.varints.set(field, point.varint());
    else if (tag % 8 === 2) {
      const end = point.length();
      fields.contents.push({ field, start: point.position, end });
      point.position = end;
    } else {
      point.skip(tag % 8);
      if (tag % 8 !== 1) continue;
      fields.words.set(field, at);
      fields.lists.push({ field, at });
    }
  }
  // Times are fields 2 and 3 of every kind of point.
  const startMs = msAt(scan.view, fields.words.get(2));
  const timeMs = msAt(scan.view, fields.words.get(3));
  if (!of.isWanted) return { startMs, timeMs, value: undefined, attributes: [] };
  clearSlots(reading.attributes);
  const attributes: string[] = [];
  for (const { field, start, end } of fields.contents) {
    if (field !== of.shape.attributes) continue;
    attributes.push(latin1.decode(bytes.subarray(start, end)));
    readAttribute(bytes, start, end, reading.attributes, scan);
  }
  return { startMs, timeMs, value: pointValue(reading, fields, of), attributes: attributes.sort() };
}

const latin1 = new TextDecoder("latin1");

function msAt(view: DataView, at: number | undefined): number {
  return at === undefined ? 0 : nanosToMs(readWord(view, at + 4), readWord(view, at));
}

function pointValue(
  reading: MetricReading,
  fields: PointFields,
  { shape: { shape }, kind }: { readonly shape: Shape; readonly kind: DataKind },
): PointValue | undefined {
  const flags = fields.varints.get(shape === "histogram" ? 10 : shape === "exponential" ? 11 : 8);
  if (((flags ?? 0) & noValue) !== 0) return { kind: "none" };
  if (shape === "summary") return undefined;
  if (shape === "gauge" || shape === "sum") {
    const value = numberOf(reading.scan.view, fields);
    if (!isPossible(value)) return undefined;
    if (shape === "gauge" || (kind.temporality === 2 && !kind.isMonotonic))
      return { kind: "level", level: value };
    // Differences of what may fall say nothing by themselves.
    return kind.isMonotonic
      ? counted(kind, { count: value, sum: Number.NaN, buckets: undefined })
      : undefined;
  }
  const tally =
    shape === "histogram" ? explicitTally(reading, fields) : exponentialTally(reading, fields);
  return tally === undefined ? undefined : counted(kind, tally);
}

function counted({ temporality }: DataKind, tally: Tally): PointValue | undefined {
  if (temporality === 1) return { kind: "delta", tally };
  return temporality === 2 ? { kind: "cumulative", tally } : undefined;
}

/** Nothing is counted beyond this, nor below 0, nor is it no number. */
const countLimit = 2 ** 45;
const isPossible = (value: number): boolean => value >= 0 && value <= countLimit;

/** A double in field 4, an integer in field 6. */
function numberOf(view: DataView, { words }: PointFields): number {
  const double = words.get(4);
  const whole = words.get(6);
  if (double !== undefined) return view.getFloat64(double, true);
  return whole === undefined
    ? Number.NaN
    : readWord(view, whole) + (readWord(view, whole + 4) | 0) * 4_294_967_296;
}

const wordAt = (view: DataView, at: number): number =>
  readWord(view, at) + readWord(view, at + 4) * 4_294_967_296;
const doubleAt = (view: DataView, at: number | undefined): number =>
  at === undefined ? Number.NaN : view.getFloat64(at, true);

/** Count in field 4, sum in 5, packed counts in 6, packed bounds in 7. */
function explicitTally({ scan: { view } }: MetricReading, fields: PointFields): Tally | undefined {
  const at = fields.words.get(4);
  const count = at === undefined ? 0 : wordAt(view, at);
  const counts = packedWords(fields, 6, (from) => wordAt(view, from));
  const bounds = packedWords(fields, 7, (from) => view.getFloat64(from, true));
  if (!isPossible(count) || !counts.every(isPossible)) return undefined;
  const isWhole = counts.length === bounds.length + 1 && isAscending(bounds);
  const buckets: Buckets | undefined = isWhole ? { kind: "explicit", bounds, counts } : undefined;
  return { count, sum: doubleAt(view, fields.words.get(5)), buckets };
}

function packedWords(
  { contents, lists }: PointFields,
  wanted: number,
  read: (at: number) => number,
): number[] {
  const values: number[] = [];
  for (const { field, start, end } of contents) {
    if (field !== wanted) continue;
    for (let at = start; at + 8 <= end; at += 8) values.push(read(at));
  }
  for (const { field, at } of lists) if (field === wanted) values.push(read(at));
  return values;
}

function isAscending(bounds: readonly number[]): boolean {
  return bounds.every(
    (bound, i) => Number.isFinite(bound) && (i === 0 || bound > (bounds[i - 1] as number)),
  );
}

/** Scales that the specification's implementations have; outside of them a bucket has no bounds that a double can hold. */
const smallestScale = -10;
const largestScale = 20;

/** Count in field 4, sum in 5, scale in 6, count of zeros in 7, positive buckets in 8. */
function exponentialTally(reading: MetricReading, fields: PointFields): Tally | undefined {
  const { view } = reading.scan;
  const count = fields.words.has(4) ? wordAt(view, fields.words.get(4) as number) : 0;
  const zeroCount = fields.words.has(7) ? wordAt(view, fields.words.get(7) as number) : 0;
  const scale = signed(fields.varints.get(6) ?? 0);
  if (!isPossible(count) || !isPossible(zeroCount)) return undefined;
  if (scale < smallestScale || scale > largestScale) return undefined;
  let offset = 0;
  const counts: number[] = [];
  for (const { field, start, end } of fields.contents) {
    if (field !== 8) continue;
    const buckets = new WireReader(reading.bytes, start, end);
    while (buckets.hasMore()) {
      const tag = buckets.varint();
      if (tag === 8) offset = signed(buckets.varint());
      else if (tag === 18) counts.push(...buckets.packed());
      else if (tag === 16) counts.push(buckets.varint());
      else buckets.skip(tag % 8);
    }
  }
  if (!counts.every(isPossible) || counts.length > bucketLimit || Math.abs(offset) > 2 ** 31)
    return undefined;
  const buckets: Buckets = { kind: "exponential", scale, offset, zeroCount, counts };
  return { count, sum: doubleAt(view, fields.words.get(5)), buckets };
}

/** Buckets of an exponential histogram; SDKs make at most 160. */
const bucketLimit = 4_096;

/** Zigzag. */
const signed = (raw: number): number => (raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2);

/** Calls `visit` with each length-delimited field of that number; steps over the rest. */
export function eachMessage(
  reader: WireReader,
  field: number,
  visit: (content: WireReader) => void,
): void {
  const wanted = field * 8 + 2;
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === wanted) visit(reader.message());
    else reader.skip(tag % 8);
  }
}
