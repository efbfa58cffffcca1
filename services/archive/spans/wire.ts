/**
 * Steps over the protobuf wire format at a position in a record. One cursor object for all records, since it is read and
 * written for every field of every span.
 */
import { ForeshockError } from "../../contracts/errors.ts";

export interface Cursor {
  bytes: Buffer;
  /** Over the same bytes. */
  view: DataView;
  at: number;
  /** Lower half of the last 64-bit varint; `high` is its upper one. Both unsigned. */
  low: number;
  high: number;
}

export function createCursor(): Cursor {
  return {
    bytes: Buffer.alloc(0),
    view: new DataView(new ArrayBuffer(0)),
    at: 0,
    low: 0,
    high: 0,
  };
}

export function setBytes(cursor: Cursor, value: Uint8Array): void {
  cursor.bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  cursor.view = new DataView(value.buffer, value.byteOffset, value.length);
  cursor.at = 0;
}

export function invalid(at: number, reason: string): never {
  throw new ForeshockError("record_invalid", `trace request: byte ${at} ${reason}`);
}

/** Lengths and tags: below 2^32, or the record is refused. */
export function readSize(cursor: Cursor, end: number): number {
  const start = cursor.at;
  if (start < end) {
    const first = cursor.bytes[start] as number;
    if (first < 0x80) {
      cursor.at = start + 1;
      return first;
    }
  }
  return readLongSize(cursor, start, end);
}

function readLongSize(cursor: Cursor, start: number, end: number): number {
  readVarint(cursor, end);
  if (cursor.high !== 0) invalid(start, "begins a length or tag beyond 32 bits");
  return cursor.low;
}

/** A varint of up to 64 bits, into `low` and `high`. */
export function readVarint(cursor: Cursor, end: number): void {
  const { bytes } = cursor;
  const start = cursor.at;
  let low = 0;
  let high = 0;
  for (let i = 0; i < 10; i++) {
    if (start + i >= end) invalid(start, "begins a varint that does not end");
    const byte = bytes[start + i] as number;
    const bits = byte & 0x7f;
    if (i < 4) low |= bits << (7 * i);
    else if (i === 4) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (7 * i - 32);
    if (byte < 0x80) {
      cursor.at = start + i + 1;
      cursor.low = low >>> 0;
      cursor.high = high >>> 0;
      return;
    }
  }
  invalid(start, "begins a varint longer than 10 bytes");
}

/** Reads a length; the content is [cursor.at, returned) afterwards. */
export function readLength(cursor: Cursor, end: number): number {
  const start = cursor.at;
  const contentEnd = readSize(cursor, end) + cursor.at;
  if (contentEnd > end) invalid(start, "begins a length that passes the end");
  return contentEnd;
}

export function advance(cursor: Cursor, count: number, end: number): void {
  if (cursor.at + count > end)
    invalid(cursor.at, `begins a value of ${count} bytes that passes the end`);
  cursor.at += count;
}

/** Steps over a field of any wire type, whose tag was read. */
export function skipField(cursor: Cursor, tag: number, end: number): void {
  if (tag < 8) invalid(cursor.at, "follows field number 0");
  switch (tag & 7) {
    case 0:
      readVarint(cursor, end);
      return;
    case 1:
      advance(cursor, 8, end);
      return;
    case 2:
      cursor.at = readLength(cursor, end);
      return;
    case 5:
      advance(cursor, 4, end);
      return;
    default:
      invalid(cursor.at, `follows wire type ${tag & 7}, which is not one of 0, 1, 2, 5`);
  }
}

/** Steps over a field that the reader does not take; refuses one of `wanted` (bits by field number) in another wire type. */
export function skipOther(cursor: Cursor, tag: number, end: number, wanted: number): void {
  const field = tag >>> 3;
  if (field < 32 && (wanted >>> field) & 1)
    invalid(cursor.at, `follows field ${field} with wire type ${tag & 7}`);
  skipField(cursor, tag, end);
}

/** Bits of field numbers, for `skipOther`. */
export function fieldBits(...fields: readonly number[]): number {
  return fields.reduce((bits, field) => bits | (1 << field), 0);
}

/** The text at [start, end). */
export function textAt(cursor: Cursor, start: number, end: number): string {
  return cursor.bytes.toString("utf8", start, end);
}
