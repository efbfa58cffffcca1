/** OTLP's `AnyValue` and `KeyValue`: what kind of value it is, and where key and value lie in the record. */
import {
  advance,
  type Cursor,
  fieldBits,
  readLength,
  readSize,
  readVarint,
  skipOther,
} from "./wire.ts";

export const valueKind = {
  none: 0,
  text: 1,
  flag: 2,
  integer: 3,
  double: 4,
  list: 5,
  pairs: 6,
  bytes: 7,
} as const;

/** One object, used again for each value. */
export interface Value {
  kind: number;
  /** Texts, lists, pairs and bytes: the content. */
  start: number;
  end: number;
  /** Flags and integers: halves of the 64 bits. */
  low: number;
  high: number;
  /** Doubles. */
  number: number;
}

export const emptyValue = (): Value => ({ kind: 0, start: 0, end: 0, low: 0, high: 0, number: 0 });

const valueFields = fieldBits(1, 2, 3, 4, 5, 6, 7);

/** Reads the value at [start, end). The last field counts, as protobuf has it. */
export function readValue(cursor: Cursor, start: number, end: number, value: Value): void {
  // What every encoder writes: one field, a short text or a double most of all.
  const { bytes } = cursor;
  const first = bytes[start];
  if (first === 0x0a && bytes[start + 1] === end - start - 2 && end - start < 130) {
    value.kind = valueKind.text;
    value.start = start + 2;
    value.end = end;
    return;
  }
  if (first === 0x21 && end - start === 9) {
    value.kind = valueKind.double;
    value.number = cursor.view.getFloat64(start + 1, true);
    return;
  }
  if (first === 0x18 && end - start <= 4 && readShortInteger(bytes, start + 1, end, value)) return;
  value.kind = valueKind.none;
  cursor.at = start;
  while (cursor.at < end) {
    const tag = readSize(cursor, end);
    switch (tag) {
      case 0x0a:
      case 0x2a:
      case 0x32:
      case 0x3a:
        value.kind = tag >>> 3;
        value.end = readLength(cursor, end);
        value.start = cursor.at;
        cursor.at = value.end;
        break;
      case 0x10:
      case 0x18:
        value.kind = tag >>> 3;
        readVarint(cursor, end);
        value.low = cursor.low;
        value.high = cursor.high;
        break;
      case 0x21:
        value.kind = valueKind.double;
        advance(cursor, 8, end);
        value.number = cursor.view.getFloat64(cursor.at - 8, true);
        break;
      default:
        skipOther(cursor, tag, end, valueFields);
    }
  }
}

/** A varint of up to three bytes that fills [start, end); false: it is another. */
function readShortInteger(bytes: Uint8Array, start: number, end: number, value: Value): boolean {
  let low = 0;
  for (let at = start, shift = 0; at < end; at++, shift += 7) {
    const byte = bytes[at] as number;
    low |= (byte & 0x7f) << shift;
    if (byte < 0x80 !== (at === end - 1)) return false;
  }
  if (end === start) return false;
  value.kind = valueKind.integer;
  value.low = low;
  value.high = 0;
  return true;
}

/** Where the key and the value of a `KeyValue` lie. */
export interface Pair {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

export const emptyPair = (): Pair => ({ keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 });

const pairFields = fieldBits(1, 2);

/** The last key and the last value count. */
export function readPair(cursor: Cursor, start: number, end: number, pair: Pair): void {
  const { bytes } = cursor;
  // What every encoder writes: a short key, then a short value, and nothing else.
  const keyEnd = start + 2 + (bytes[start + 1] as number);
  if (
    end - start < 128 &&
    keyEnd + 2 <= end &&
    bytes[start] === 0x0a &&
    bytes[keyEnd] === 0x12 &&
    keyEnd + 2 + (bytes[keyEnd + 1] as number) === end
  ) {
    pair.keyStart = start + 2;
    pair.keyEnd = keyEnd;
    pair.valueStart = keyEnd + 2;
    pair.valueEnd = end;
    return;
  }
  pair.keyStart = pair.keyEnd = pair.valueStart = pair.valueEnd = start;
  cursor.at = start;
  while (cursor.at < end) {
    const tag = readSize(cursor, end);
    if (tag === 0x0a) {
      pair.keyEnd = readLength(cursor, end);
      pair.keyStart = cursor.at;
      cursor.at = pair.keyEnd;
    } else if (tag === 0x12) {
      pair.valueEnd = readLength(cursor, end);
      pair.valueStart = cursor.at;
      cursor.at = pair.valueEnd;
    } else skipOther(cursor, tag, end, pairFields);
  }
}
