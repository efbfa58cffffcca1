import { ForeshockError } from "../contracts/errors.ts";
import { wireType } from "../contracts/wire.ts";

/**
 * A position in the bytes of a request, moved by the functions below. One object for all requests, since it is read and
 * written for every field of every span.
 */
export interface Cursor {
  bytes: Buffer;
  /** Over the same bytes. */
  view: DataView;
  at: number;
  /** Where the last failure was. */
  failedAt: number;
}

export function createCursor(): Cursor {
  const cursor = { bytes: Buffer.alloc(0), view: new DataView(new ArrayBuffer(0)) };
  return { ...cursor, at: 0, failedAt: 0 };
}

export function setBytes(cursor: Cursor, bytes: Buffer): void {
  cursor.bytes = bytes;
  cursor.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  cursor.at = 0;
}

/** Throws `payload_invalid` with the reason alone; the place is described by whoever catches it. */
export function fail(cursor: Cursor, at: number, reason: string): never {
  cursor.failedAt = at;
  throw new ForeshockError("payload_invalid", reason);
}

/** Up to 2^53 exactly; larger ones as the nearest double. */
export function readVarint(cursor: Cursor, end: number): number {
  if (cursor.at < end) {
    const byte = cursor.bytes[cursor.at] as number;
    if (byte < 0x80) {
      cursor.at++;
      return byte;
    }
  }
  return readLongVarint(cursor, end);
}

function readLongVarint(cursor: Cursor, end: number): number {
  const start = cursor.at;
  let result = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (cursor.at >= end) fail(cursor, start, "ends inside a varint");
    const byte = cursor.bytes[cursor.at++] as number;
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) return result;
    scale *= 128;
  }
  return fail(cursor, start, "has a varint longer than 10 bytes");
}

/** Field number × 8 + wire type; neither the number 0 nor more than 32 bits. */
export function readTag(cursor: Cursor, end: number): number {
  const start = cursor.at;
  const tag = readVarint(cursor, end);
  if (tag < 8 || tag > 0xffffffff) fail(cursor, start, `has a field tag of ${tag}`);
  return tag;
}

/** Reads a length; the content is `[cursor.at, returned)` afterwards. */
export function readLength(cursor: Cursor, end: number): number {
  const start = cursor.at;
  const size = readVarint(cursor, end);
  const left = end - cursor.at;
  if (size > left) fail(cursor, start, `has a length of ${size} bytes where ${left} are left`);
  return cursor.at + size;
}

export function advance(cursor: Cursor, count: number, end: number): void {
  if (count > end - cursor.at) fail(cursor, cursor.at, `ends inside a value of ${count} bytes`);
  cursor.at += count;
}

export function skip(cursor: Cursor, wire: number, end: number): void {
  if (wire === wireType.varint) readVarint(cursor, end);
  else if (wire === wireType.fixed64) advance(cursor, 8, end);
  else if (wire === wireType.bytes) cursor.at = readLength(cursor, end);
  else if (wire === wireType.fixed32) advance(cursor, 4, end);
  else fail(cursor, cursor.at - 1, `has wire type ${wire}; 0, 1, 2 and 5 are allowed`);
}

export function expectWire(cursor: Cursor, tag: number, expected: number, tagAt: number): void {
  if ((tag & 7) !== expected)
    fail(cursor, tagAt, `has wire type ${tag & 7} instead of ${expected}`);
}

export function hasPrefix(cursor: Cursor, end: number, prefix: Uint8Array): boolean {
  const { bytes, at } = cursor;
  if (end - at < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}
