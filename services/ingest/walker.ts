/**
 * Walks over the messages of an export request in one pass: checks their structure, their UTF-8 and their depth, and
 * notes the edits that cut content and what is over the limits. It changes nothing itself.
 */
import { wireType } from "../contracts/wire.ts";
import { advance, expectWire, fail, readLength, readTag, readVarint, skip } from "./cursor.ts";
import { beginMessage, endMessage, remove, replace } from "./edits.ts";
import { isGenAiLogRecord, isGenAiSpanEvent } from "./genai-event.ts";
import { otlpMessages } from "./otlp-schema.ts";
import { checkText } from "./text-check.ts";
import { isPlainAttribute, walkAttribute, walkValue } from "./walk-attribute.ts";
import type { SpanIds, WalkState } from "./walk-state.ts";
import { type Stretch, walkErrorText } from "./walk-text.ts";
import {
  droppedCountField,
  fieldKind,
  fieldsPerMessage,
  kinds,
  nestedIndex,
} from "./walker-table.ts";

const spanIndex = otlpMessages.Span.index;
const eventIndex = otlpMessages.SpanEvent.index;
const logIndex = otlpMessages.LogRecord.index;

/** The fields of a message `[start, end)`, by its index in the schema. */
export function walkMessage(state: WalkState, message: number, start: number, end: number): void {
  const { cursor, edits, cuts, limits } = state;
  const outerRules = state.rules;
  if (message === spanIndex) clearIds(state.ids);
  else if (message === eventIndex)
    state.rules = isGenAiSpanEvent(cursor, start, end) ? state.eventRules : state.usualRules;
  else if (message === logIndex)
    state.rules = isGenAiLogRecord(cursor, start, end) ? state.eventRules : state.usualRules;
  const droppedField = droppedCountField[message] as number;
  const row = message * fieldsPerMessage;
  const maxAttributes = droppedField === 0 ? Number.POSITIVE_INFINITY : limits.maxAttributes;
  let attributes = 0;
  let droppedBefore = 0;
  cursor.at = start;
  while (cursor.at < end) {
    const tagAt = cursor.at;
    const tag = readTag(cursor, end);
    const number = tag >>> 3;
    const kind = number < fieldsPerMessage ? kinds[row + number] : fieldKind.unknown;
    if (kind === fieldKind.attribute) {
      expectWire(cursor, tag, wireType.bytes, tagAt);
      const lengthAt = cursor.at;
      const fieldEnd = readLength(cursor, end);
      attributes++;
      if (attributes > maxAttributes) {
        remove(edits, tagAt, fieldEnd);
        cuts.tooMany++;
      } else if (!isPlainAttribute(state, cursor.at, fieldEnd))
        walkAttribute(state, tagAt, { lengthAt, start: cursor.at, end: fieldEnd }, 0);
      cursor.at = fieldEnd;
    } else if (kind === fieldKind.fixed64) {
      expectWire(cursor, tag, wireType.fixed64, tagAt);
      advance(cursor, 8, end);
    } else if (number === droppedField && (tag & 7) === wireType.varint) {
      droppedBefore = readVarint(cursor, end);
    } else walkField(state, message, tag, tagAt, end);
  }
  if (attributes > maxAttributes) {
    // The last value of a field counts, so the sum behind everything else replaces the count before.
    const sum = Math.min(droppedBefore + attributes - maxAttributes, 0x7fffffff);
    replace(edits, end, end, droppedField * 8 + wireType.varint);
    replace(edits, end, end, sum);
  }
  state.rules = outerRules;
}

function clearIds(ids: SpanIds): void {
  ids.traceStart = 0;
  ids.traceBytes = 0;
  ids.spanStart = 0;
  ids.spanBytes = 0;
}

/** One field of a message, whose tag was read; ends behind it. Does not count attributes. */
export function walkField(
  state: WalkState,
  message: number,
  tag: number,
  tagAt: number,
  end: number,
): void {
  const { cursor } = state;
  const number = tag >>> 3;
  const kind =
    number < fieldsPerMessage ? kinds[message * fieldsPerMessage + number] : fieldKind.unknown;
  switch (kind) {
    case fieldKind.varint:
      expectWire(cursor, tag, wireType.varint, tagAt);
      readVarint(cursor, end);
      break;
    case fieldKind.fixed64:
      expectWire(cursor, tag, wireType.fixed64, tagAt);
      advance(cursor, 8, end);
      break;
    case fieldKind.fixed32:
      expectWire(cursor, tag, wireType.fixed32, tagAt);
      advance(cursor, 4, end);
      break;
    case fieldKind.unknown:
      skip(cursor, tag & 7, end);
      break;
    case fieldKind.packedVarint:
    case fieldKind.packedFixed64:
      walkNumbers(state, kind === fieldKind.packedVarint, tag, tagAt, end);
      break;
    default: {
      expectWire(cursor, tag, wireType.bytes, tagAt);
      const lengthAt = cursor.at;
      const fieldEnd = readLength(cursor, end);
      const fieldStart = cursor.at;
      // Names and ids, of which a span has five, without an object for each.
      if (kind === fieldKind.string) checkText(cursor, fieldStart, fieldEnd);
      else if (kind === fieldKind.bytes) {
        if (message === spanIndex) noteId(state.ids, number, fieldStart, fieldEnd);
      } else
        walkBounded(state, message, number, tagAt, { lengthAt, start: fieldStart, end: fieldEnd });
      cursor.at = fieldEnd;
    }
  }
}

/** A list of numbers, packed or one of its elements. */
function walkNumbers(
  { cursor }: WalkState,
  isVarint: boolean,
  tag: number,
  tagAt: number,
  end: number,
): void {
  const single = isVarint ? wireType.varint : wireType.fixed64;
  if ((tag & 7) === single) {
    skip(cursor, single, end);
    return;
  }
  expectWire(cursor, tag, wireType.bytes, tagAt);
  const listEnd = readLength(cursor, end);
  const size = listEnd - cursor.at;
  if (isVarint) while (cursor.at < listEnd) readVarint(cursor, listEnd);
  else if (size % 8 !== 0)
    fail(cursor, cursor.at, `has ${size} bytes, which are not values of 8 bytes`);
  cursor.at = listEnd;
}

/** A field with a length that is neither a plain text nor bytes. */
function walkBounded(
  state: WalkState,
  message: number,
  number: number,
  tagAt: number,
  field: Stretch,
): void {
  const { edits, cuts, limits } = state;
  const place = message * fieldsPerMessage + number;
  switch (kinds[place]) {
    case fieldKind.errorText:
      walkErrorText(state, field);
      break;
    case fieldKind.attribute:
      walkAttribute(state, tagAt, field, 0);
      break;
    case fieldKind.value:
      // The body of a log record. That of a GenAI event is the prompt or the answer.
      if (state.rules.isGenAiEvent && !limits.keepContent) {
        remove(edits, tagAt, field.end);
        cuts.content++;
      } else walkValue(state, field, 0, false);
      break;
    default: {
      const removedBefore = edits.removedBytes;
      const begun = beginMessage(edits, field.lengthAt, field.start);
      walkMessage(state, nestedIndex[place] as number, field.start, field.end);
      endMessage(edits, begun, field.end, removedBefore);
    }
  }
}

function noteId(ids: SpanIds, number: number, start: number, end: number): void {
  if (number === 1) {
    ids.traceStart = start;
    ids.traceBytes = end - start;
  } else if (number === 2) {
    ids.spanStart = start;
    ids.spanBytes = end - start;
  }
}
