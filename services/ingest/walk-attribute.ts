/** Attributes: `KeyValue { string key = 1; AnyValue value = 2; }` and everything that a value can hold. */

import type { AttributeRule } from "../contracts/content-attributes.ts";
import { wireType } from "../contracts/wire.ts";
import { advance, expectWire, fail, readLength, readTag, readVarint, skip } from "./cursor.ts";
import { beginMessage, endMessage, remove } from "./edits.ts";
import { checkText, isAscii } from "./text-check.ts";
import { maxValueDepth, type WalkState } from "./walk-state.ts";
import {
  cutStretch,
  keepModelOnly,
  type Stretch,
  walkErrorText,
  walkLimitedText,
} from "./walk-text.ts";

/** Tags as they stand on the wire. */
const keyTag = 0x0a;
const valueTag = 0x12;
const elementTag = 0x0a;
const textTag = 0x0a;
const boolTag = 0x10;
const intTag = 0x18;
const doubleTag = 0x21;
const listTag = 0x2a;

/**
 * True for an attribute that stays as it is, in the form that nearly all have: a key, then a value that is one scalar,
 * short text or list of short texts, all lengths below 128. False decides nothing: the attribute is to be walked.
 */
export function isPlainAttribute(state: WalkState, start: number, end: number): boolean {
  const { cursor } = state;
  const { bytes } = cursor;
  if (end - start < 4 || bytes[start] !== keyTag) return false;
  const keyEnd = start + 2 + (bytes[start + 1] as number);
  // A length byte of 128 or more leads beyond `end`, as the whole attribute is shorter.
  if (end - start >= 128 || keyEnd + 2 > end || bytes[keyEnd] !== valueTag) return false;
  const at = keyEnd + 2;
  if (at + (bytes[keyEnd + 1] as number) !== end) return false;
  if (state.rules.find(cursor, start + 2, keyEnd) !== "keep") return false;
  if (at === end) return true;
  switch (bytes[at]) {
    case textTag:
      return (
        at + 2 + (bytes[at + 1] as number) === end &&
        end - at - 2 <= state.limits.maxAttributeBytes &&
        isAscii(cursor, at + 2, end)
      );
    case boolTag:
    case intTag:
      return isOneVarint(bytes, at + 1, end);
    case doubleTag:
      return end - at === 9;
    case listTag:
      return at + 2 + (bytes[at + 1] as number) === end && isPlainList(state, at + 2, end);
    default:
      return false;
  }
}

/** Elements of a list, each of them a short text. */
function isPlainList({ cursor, limits }: WalkState, start: number, end: number): boolean {
  const { bytes } = cursor;
  if (end - start > limits.maxAttributeBytes) return false;
  let at = start;
  while (at + 4 <= end) {
    const elementEnd = at + 2 + (bytes[at + 1] as number);
    const isText =
      bytes[at] === elementTag &&
      bytes[at + 2] === textTag &&
      elementEnd <= end &&
      at + 4 + (bytes[at + 3] as number) === elementEnd;
    if (!isText || !isAscii(cursor, at + 4, elementEnd)) return false;
    at = elementEnd;
  }
  return at === end;
}

function isOneVarint(bytes: Uint8Array, start: number, end: number): boolean {
  if (end === start || end - start > 10 || (bytes[end - 1] as number) >= 0x80) return false;
  for (let at = start; at < end - 1; at++) if ((bytes[at] as number) < 0x80) return false;
  return true;
}

/** A `KeyValue` `[pair.start, pair.end)` whose tag is at `tagAt`. */
export function walkAttribute(state: WalkState, tagAt: number, pair: Stretch, depth: number): void {
  const { cursor, edits, cuts } = state;
  const { start, end } = pair;
  if (depth > maxValueDepth) fail(cursor, start, tooDeep);
  const rule = ruleOf(state, start, end);
  const notedBefore = edits.count;
  const removedBefore = edits.removedBytes;
  if (rule !== "drop") {
    const begun = beginMessage(edits, pair.lengthAt, start);
    if (rule === "keep") walkPair(state, start, end, depth);
    if (rule === "keep" || walkSingleText(state, rule, start, end)) {
      endMessage(edits, begun, end, removedBefore);
      return;
    }
    edits.count = notedBefore;
    edits.removedBytes = removedBefore;
  }
  remove(edits, tagAt, end);
  cuts.content++;
}

const tooDeep = `is nested deeper than ${maxValueDepth} levels`;

/** By the last key, which is the one that counts. */
function ruleOf({ cursor, rules }: WalkState, start: number, end: number): AttributeRule {
  let keyStart = start;
  let keyEnd = start;
  for (cursor.at = start; cursor.at < end; ) {
    const tag = readTag(cursor, end);
    if (tag === keyTag) {
      keyEnd = readLength(cursor, end);
      keyStart = cursor.at;
      cursor.at = keyEnd;
    } else skip(cursor, tag & 7, end);
  }
  return rules.find(cursor, keyStart, keyEnd) ?? fail(cursor, keyStart, "is not valid UTF-8");
}

function walkPair(state: WalkState, start: number, end: number, depth: number): void {
  const { cursor } = state;
  for (cursor.at = start; cursor.at < end; ) {
    const tagAt = cursor.at;
    const tag = readTag(cursor, end);
    if (tag >>> 3 > 2) {
      skip(cursor, tag & 7, end);
      continue;
    }
    expectWire(cursor, tag, wireType.bytes, tagAt);
    const lengthAt = cursor.at;
    const fieldEnd = readLength(cursor, end);
    const field = { lengthAt, start: cursor.at, end: fieldEnd };
    if (tag >>> 3 === 1) walkLimitedText(state, field);
    else walkValue(state, field, depth, true);
    cursor.at = fieldEnd;
  }
}

/** Cuts the one text of a pair by its rule. False where the pair has another form, or nothing may stay. */
function walkSingleText(
  state: WalkState,
  rule: "model" | "error text",
  start: number,
  end: number,
): boolean {
  const { cursor, edits } = state;
  if (cursor.bytes[start] !== keyTag) return false;
  cursor.at = start + 1;
  const keyEnd = readLength(cursor, end);
  if (cursor.bytes[keyEnd] !== valueTag) return false;
  cursor.at = keyEnd + 1;
  const valueLengthAt = cursor.at;
  if (readLength(cursor, end) !== end || cursor.bytes[cursor.at] !== textTag) return false;
  const valueStart = cursor.at;
  cursor.at++;
  const lengthAt = cursor.at;
  if (readLength(cursor, end) !== end) return false;
  const text = { lengthAt, start: cursor.at, end };
  checkText(cursor, text.start, end);
  const removedBefore = edits.removedBytes;
  const begun = beginMessage(edits, valueLengthAt, valueStart);
  if (rule === "error text") walkErrorText(state, text);
  else if (!keepModelOnly(state, text)) return false;
  endMessage(edits, begun, end, removedBefore);
  return true;
}

/** An `AnyValue`. Outside attributes (the body of a log record) its texts have no limit of their own. */
export function walkValue(
  state: WalkState,
  value: Stretch,
  depth: number,
  isLimited: boolean,
): void {
  const { cursor, edits } = state;
  const { start, end } = value;
  if (depth > maxValueDepth) fail(cursor, start, tooDeep);
  const removedBefore = edits.removedBytes;
  const begun = beginMessage(edits, value.lengthAt, start);
  for (cursor.at = start; cursor.at < end; ) {
    const tagAt = cursor.at;
    const tag = readTag(cursor, end);
    switch (tag >>> 3) {
      case 1:
      case 5:
      case 6:
      case 7: {
        expectWire(cursor, tag, wireType.bytes, tagAt);
        const lengthAt = cursor.at;
        const fieldEnd = readLength(cursor, end);
        const field = { lengthAt, start: cursor.at, end: fieldEnd };
        walkBoundedValue(state, tag >>> 3, field, { depth, isLimited });
        cursor.at = fieldEnd;
        break;
      }
      case 2:
      case 3:
        expectWire(cursor, tag, wireType.varint, tagAt);
        readVarint(cursor, end);
        break;
      case 4:
        expectWire(cursor, tag, wireType.fixed64, tagAt);
        advance(cursor, 8, end);
        break;
      default:
        skip(cursor, tag & 7, end);
    }
  }
  endMessage(edits, begun, end, removedBefore);
}

interface ValuePlace {
  readonly depth: number;
  readonly isLimited: boolean;
}

function walkBoundedValue(
  state: WalkState,
  number: number,
  field: Stretch,
  place: ValuePlace,
): void {
  const { cursor, limits, cuts } = state;
  if (number === 1) {
    if (place.isLimited) walkLimitedText(state, field);
    else checkText(cursor, field.start, field.end);
  } else if (number !== 7) walkList(state, number === 6, field, place);
  else if (place.isLimited && field.end - field.start > limits.maxAttributeBytes) {
    cutStretch(state, field, limits.maxAttributeBytes);
    cuts.tooLong++;
  }
}

/** Elements of an array, or of a list of pairs; those that lie beyond the limit are dropped. */
function walkList(state: WalkState, isPairs: boolean, list: Stretch, place: ValuePlace): void {
  const { cursor, edits, limits, cuts } = state;
  const { start, end } = list;
  const removedBefore = edits.removedBytes;
  const begun = beginMessage(edits, list.lengthAt, start);
  const fitsUntil = place.isLimited ? start + limits.maxAttributeBytes : end;
  for (cursor.at = start; cursor.at < end; ) {
    const tagAt = cursor.at;
    const tag = readTag(cursor, end);
    if (tag >>> 3 !== 1) {
      skip(cursor, tag & 7, end);
      continue;
    }
    expectWire(cursor, tag, wireType.bytes, tagAt);
    const lengthAt = cursor.at;
    const elementEnd = readLength(cursor, end);
    if (elementEnd > fitsUntil) {
      remove(edits, tagAt, end);
      cuts.tooLong++;
      break;
    }
    const element = { lengthAt, start: cursor.at, end: elementEnd };
    if (isPairs) walkAttribute(state, tagAt, element, place.depth + 1);
    else walkValue(state, element, place.depth + 1, place.isLimited);
    cursor.at = elementEnd;
  }
  endMessage(edits, begun, end, removedBefore);
}
