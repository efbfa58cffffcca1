/** Attribute values as they lie in the record: read into slots that are used again for every span, no object a value. */
import { findKey, isKey, type KeyTable } from "./key-table.ts";
import {
  invalid,
  readInt64,
  readLength,
  readVarint,
  type Scan,
  skipField,
  truncated,
} from "./wire-scan.ts";

export const valueKind = {
  none: 0,
  text: 1,
  flag: 2,
  integer: 3,
  double: 4,
  list: 5,
  other: 6,
} as const;

/** One slot a known attribute, indexed by its number in the key table. */
export interface AttributeSlots {
  readonly table: KeyTable;
  readonly kinds: Uint8Array;
  /** Texts, lists and bytes: where the content lies in the record. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Flags (0, 1), integers and doubles. */
  readonly numbers: Float64Array;
  /**
   * Interned text of each slot once somebody has asked for it: some are asked for five times, a resource's for every span. It holds
   * where `idsOf` has the number of the reading, which rises with every clearing.
   */
  readonly ids: Int32Array;
  readonly idsOf: Float64Array;
  reading: number;
  /** Slots in use, for clearing. */
  readonly used: Int32Array;
  usedCount: number;
  /** Spans of one library have the same attributes in the same order: which one came after how many known ones last time. */
  readonly expected: Int32Array;
}

export function createAttributeSlots(table: KeyTable): AttributeSlots {
  const size = table.lengths.length;
  return {
    table,
    kinds: new Uint8Array(size),
    starts: new Int32Array(size),
    ends: new Int32Array(size),
    numbers: new Float64Array(size),
    ids: new Int32Array(size),
    idsOf: new Float64Array(size),
    reading: 1,
    used: new Int32Array(size),
    usedCount: 0,
    expected: new Int32Array(size + 1),
  };
}

export function clearSlots(slots: AttributeSlots): void {
  for (let i = 0; i < slots.usedCount; i++) slots.kinds[slots.used[i] as number] = valueKind.none;
  slots.usedCount = 0;
  slots.reading++;
}

const keyTag = 0x0a;
const valueTag = 0x12;

/**
 * Reads a `KeyValue` at [position, end). Values of names that are not in the table are left alone. What every encoder writes (a
 * short name, then a short value, and nothing else) is read without a call.
 */
export function readAttribute(
  bytes: Uint8Array,
  position: number,
  end: number,
  slots: AttributeSlots,
  scan: Scan,
): void {
  const keyStart = position + 2;
  const keyEnd = keyStart + (bytes[position + 1] as number);
  const isUsual =
    bytes[position] === keyTag &&
    keyEnd - keyStart < 0x80 &&
    keyEnd + 2 <= end &&
    bytes[keyEnd] === valueTag;
  if (!isUsual) {
    readUnusualAttribute(bytes, position, end, slots, scan);
    return;
  }
  let field = slots.expected[slots.usedCount] as number;
  if (
    keyEnd - keyStart < 4 ||
    slots.table.lengths[field] !== keyEnd - keyStart ||
    !isKey(slots.table, field, scan.view, keyStart, keyEnd)
  ) {
    field = findKey(slots.table, scan.view, keyStart, keyEnd);
    if (field >= 0) slots.expected[slots.usedCount] = field;
  }
  const valueStart = keyEnd + 2;
  const valueLength = bytes[keyEnd + 1] as number;
  if (valueLength >= 0x80 || valueStart + valueLength !== end) {
    readUnusualAttribute(bytes, position, end, slots, scan);
    return;
  }
  if (field < 0) return;
  if (slots.kinds[field] === valueKind.none) slots.used[slots.usedCount++] = field;
  const tag = bytes[valueStart] as number;
  const contentStart = valueStart + 2;
  // A tag and one byte: a length, a small number or a flag.
  const second = bytes[valueStart + 1] as number;
  if ((tag === 0x0a || tag === 0x2a) && contentStart + second === end) {
    slots.kinds[field] = tag === 0x0a ? valueKind.text : valueKind.list;
    slots.starts[field] = contentStart;
    slots.ends[field] = end;
  } else if (tag === 0x18 && contentStart === end && second < 0x80) {
    slots.kinds[field] = valueKind.integer;
    slots.numbers[field] = second;
  } else if (tag === 0x18 && contentStart + 1 === end && (bytes[contentStart] as number) < 0x80) {
    slots.kinds[field] = valueKind.integer;
    slots.numbers[field] = (second & 0x7f) | ((bytes[contentStart] as number) << 7);
  } else if (tag === 0x21 && valueStart + 9 === end) {
    slots.kinds[field] = valueKind.double;
    slots.numbers[field] = scan.view.getFloat64(valueStart + 1, true);
  } else readValue(bytes, valueStart, end, slots, field, scan);
}

/** Any order, repeats and unknown fields. The last key and the last value count. */
function readUnusualAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  slots: AttributeSlots,
  scan: Scan,
): void {
  let position = start;
  let field = findKey(slots.table, scan.view, start, start);
  let valueStart = end;
  let valueEnd = end;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === keyTag || fieldTag === valueTag) {
      const contentEnd = readLength(bytes, position, end, scan);
      if (fieldTag === keyTag) field = findKey(slots.table, scan.view, scan.position, contentEnd);
      else {
        valueStart = scan.position;
        valueEnd = contentEnd;
      }
      position = contentEnd;
    } else {
      if (fieldTag >> 3 === 1 || fieldTag >> 3 === 2)
        throw invalid(
          `wire type ${fieldTag & 7} of an attribute's key or value at byte ${position}`,
        );
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  if (position !== end) throw truncated(position);
  if (field < 0) return;
  if (slots.kinds[field] === valueKind.none) slots.used[slots.usedCount++] = field;
  readValue(bytes, valueStart, valueEnd, slots, field, scan);
}

/** Reads an `AnyValue`; of several the last counts. Six parameters, because an object a value would cost more than the rest. */
function readValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  slots: AttributeSlots,
  field: number,
  scan: Scan,
): void {
  let position = start;
  let kind: number = valueKind.other;
  while (position < end) {
    let fieldTag = bytes[position] as number;
    if (fieldTag < 0x80) position++;
    else {
      fieldTag = readVarint(bytes, position, scan);
      position = scan.position;
    }
    switch (fieldTag) {
      case 0x0a:
      case 0x2a:
      case 0x32:
      case 0x3a:
        slots.ends[field] = readLength(bytes, position, end, scan);
        slots.starts[field] = scan.position;
        position = slots.ends[field] as number;
        kind =
          fieldTag === 0x0a ? valueKind.text : fieldTag === 0x2a ? valueKind.list : valueKind.other;
        break;
      case 0x10:
        slots.numbers[field] = readVarint(bytes, position, scan) === 0 ? 0 : 1;
        position = scan.position;
        kind = valueKind.flag;
        break;
      case 0x18:
        slots.numbers[field] = readInt64(bytes, position, scan);
        position = scan.position;
        kind = valueKind.integer;
        break;
      case 0x21:
        if (position + 8 > end) throw truncated(position);
        slots.numbers[field] = scan.view.getFloat64(position, true);
        position += 8;
        kind = valueKind.double;
        break;
      default:
        if (fieldTag >> 3 >= 1 && fieldTag >> 3 <= 7)
          throw invalid(`wire type ${fieldTag & 7} of an attribute's value at byte ${position}`);
        position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  if (position !== end) throw truncated(position);
  slots.kinds[field] = kind;
}

/**
 * First text of a list (`ArrayValue`) that lies at [start, end): its end, with `scan.position` at its start;
 * −1 where the list does not begin with a text.
 */
export function firstListText(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
  if (start >= end || bytes[start] !== 0x0a) return -1;
  const itemEnd = readLength(bytes, start + 1, end, scan);
  const itemStart = scan.position;
  if (itemStart >= itemEnd || bytes[itemStart] !== 0x0a) return -1;
  return readLength(bytes, itemStart + 1, itemEnd, scan);
}
