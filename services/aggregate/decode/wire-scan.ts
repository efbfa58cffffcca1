/**
 * The steps of the hand-written reader: varints and lengths read at a position and given back with the next one.
 * Everything works on (bytes, position, end) in local variables; `Scan` carries what a step gives back besides the value.
 * A read past the end gives NaN, which no bound check lets through.
 */
import { ForeshockError } from "../../contracts/errors.ts";
import { wireType } from "../../contracts/wire.ts";

export interface Scan {
  /** Position behind the last value that was read. */
  position: number;
  /** Over the same bytes, for reading several at a time. */
  view: DataView;
}

export const createScan = (): Scan => ({ position: 0, view: viewOf(new Uint8Array(0)) });

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Unsigned varint up to 2^64 as a double; sets `scan.position`. */
export function readVarint(bytes: Uint8Array, position: number, scan: Scan): number {
  const first = bytes[position] as number;
  if (first < 0x80) {
    scan.position = position + 1;
    return first;
  }
  const second = bytes[position + 1] as number;
  if (second < 0x80) {
    scan.position = position + 2;
    return (first & 0x7f) | (second << 7);
  }
  return readLongVarint(bytes, position, scan);
}

function readLongVarint(bytes: Uint8Array, position: number, scan: Scan): number {
  let result = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[position + i];
    if (byte === undefined) throw truncated(position);
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      scan.position = position + i + 1;
      return result;
    }
    scale *= 128;
  }
  throw invalid(`varint longer than 10 bytes at byte ${position}`);
}

/** Like `readVarint` for int32 and enums: of longer values the lower 32 bits, as protobuf reads them. */
export function readInt32(bytes: Uint8Array, position: number, scan: Scan): number {
  const value = readVarint(bytes, position, scan);
  if (value < 2 ** 31) return value;
  let low = 0;
  for (let i = 0; i < 5; i++) low |= ((bytes[position + i] as number) & 0x7f) << (7 * i);
  return low;
}

/** Like `readVarint` for int64: bit 63, the lowest of a tenth byte, is the sign. */
export function readInt64(bytes: Uint8Array, position: number, scan: Scan): number {
  const value = readVarint(bytes, position, scan);
  const isNegative = scan.position === position + 10 && ((bytes[position + 9] as number) & 1) === 1;
  if (!isNegative) return value;
  // The complement is small where the number is, and so keeps its precision.
  let complement = 0;
  for (let i = 8; i >= 0; i--)
    complement = complement * 128 + (~(bytes[position + i] as number) & 0x7f);
  return -complement - 1;
}

/** End of the length-delimited content that begins at `scan.position` afterwards; must not pass `end`. */
export function readLength(bytes: Uint8Array, position: number, end: number, scan: Scan): number {
  const contentEnd = readVarint(bytes, position, scan) + scan.position;
  if (!(contentEnd <= end)) throw truncated(position);
  return contentEnd;
}

/** Position behind a field of any wire type, whose tag has been read. */
export function skipField(
  bytes: Uint8Array,
  position: number,
  end: number,
  fieldTag: number,
  scan: Scan,
): number {
  let next = Number.NaN;
  switch (fieldTag & 7) {
    case 0:
      readVarint(bytes, position, scan);
      next = scan.position;
      break;
    case 1:
      next = position + 8;
      break;
    case 2:
      next = readLength(bytes, position, end, scan);
      break;
    case 5:
      next = position + 4;
      break;
    default:
      throw invalid(`wire type ${fieldTag & 7} at byte ${position} is not one of 0, 1, 2, 5`);
  }
  if (fieldTag < 8) throw invalid(`field number 0 at byte ${position}`);
  if (!(next <= end)) throw truncated(position);
  return next;
}

/** Throws for a known field (1 … `known`) that comes with a wire type that it does not have. Called for tags that matched none. */
export function refuseWireType(fieldTag: number, known: number, position: number): void {
  const field = Math.floor(fieldTag / 8);
  const isKnown = field >= 1 && field <= known && (fieldTag & 7) !== wireType.bytes;
  if (isKnown)
    throw invalid(`field ${field} has wire type ${fieldTag & 7} before byte ${position}`);
}

/** Unsigned 32 bits, little endian. The caller has checked the bounds. */
export const readWord = (view: DataView, position: number): number =>
  view.getUint32(position, true);

/** Whole milliseconds of nanoseconds given as two words, exact up to 2^64 − 1. */
export function nanosToMs(high: number, low: number): number {
  return high * 4294 + Math.floor((high * 967_296 + low) / 1_000_000);
}

export function truncated(position: number): ForeshockError {
  return invalid(`message ends inside a field at byte ${position}`);
}

export function invalid(reason: string): ForeshockError {
  return new ForeshockError("record_invalid", reason);
}
