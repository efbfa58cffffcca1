import { isUtf8 } from "node:buffer";
import { ForeshockError } from "../contracts/errors.ts";
import { wireType } from "../contracts/wire.ts";
import { type AttributeRules, createAttributeRules } from "./attribute-rules.ts";
import { genAiEventPrefix } from "./content-attributes.ts";
import { beginMessage, createEdits, type Edits, endMessage, remove, replace } from "./edits.ts";
import { knownErrorTextBytes } from "./error-text.ts";
import { findModel } from "./model-parameter.ts";
import { otlpMessages } from "./otlp-schema.ts";
import {
  droppedCountField,
  fieldKind,
  fieldsPerMessage,
  kinds,
  nestedIndex,
} from "./walker-table.ts";

export interface WalkerLimits {
  /** Longer attribute values are cut to this many bytes. */
  readonly maxAttributeBytes: number;
  /** Further attributes of a span, event, link, log record, scope or resource are dropped. */
  readonly maxAttributes: number;
  readonly keepContent: boolean;
  /** Further names of content attributes; a trailing `*` matches any ending. */
  readonly contentAttributes: readonly string[];
}

/** Attributes cut since the walker was made, by reason. */
export interface CutCounts {
  content: number;
  tooLong: number;
  tooMany: number;
}

/** Where the ids of the last span walked lie; −1 where it has none. */
export interface SpanIds {
  traceStart: number;
  traceBytes: number;
  spanStart: number;
  spanBytes: number;
}

/**
 * Walks over messages of an export request in one pass: checks their structure, their UTF-8 and their depth, and notes
 * the edits that cut content and what is over the limits. It reads positions of `bytes` and changes nothing itself.
 * Not reentrant: one request at a time.
 */
export interface Walker {
  readonly edits: Edits;
  readonly cuts: CutCounts;
  readonly ids: SpanIds;
  /** Where the last error was met. */
  readonly failedAt: number;
  begin(bytes: Buffer): void;
  /** Next position to be read. */
  position: number;
  /** Field number × 8 + wire type; neither the number 0 nor more than 32 bits. */
  readTag(end: number): number;
  /** Reads a length; the content is `[position, returned)` afterwards. */
  readLength(end: number): number;
  /** The fields of a message `[start, end)`, such as a span's. */
  walkMessage(messageIndex: number, start: number, end: number): void;
  /** One field whose tag was read; ends behind it. */
  walkField(messageIndex: number, tag: number, tagAt: number, end: number): void;
  fail(at: number, reason: string): never;
}

/** Attribute values may be nested this deep. */
export const maxValueDepth = 32;

const messageIndex = {
  span: otlpMessages.Span.index,
  event: otlpMessages.SpanEvent.index,
  log: otlpMessages.LogRecord.index,
};
const eventNameKey = Buffer.from("event.name");
const genAiPrefix = Buffer.from(genAiEventPrefix);
const modelStart = Buffer.from('{"model":');
const closingBrace = 0x7d;

export function createWalker(limits: WalkerLimits): Walker {
  const { maxAttributeBytes, maxAttributes, keepContent } = limits;
  const edits = createEdits();
  const cuts: CutCounts = { content: 0, tooLong: 0, tooMany: 0 };
  const ids: SpanIds = { traceStart: -1, traceBytes: 0, spanStart: -1, spanBytes: 0 };
  const usualRules = createAttributeRules(
    keepContent ? undefined : limits.contentAttributes,
    false,
  );
  const eventRules = createAttributeRules(keepContent ? undefined : limits.contentAttributes, true);
  let bytes: Buffer = Buffer.alloc(0);
  let position = 0;
  let failedAt = 0;
  let rules: AttributeRules = usualRules;

  function fail(at: number, reason: string): never {
    failedAt = at;
    throw new ForeshockError("payload_invalid", reason);
  }

  function readVarint(end: number): number {
    if (position < end) {
      const byte = bytes[position] as number;
      if (byte < 0x80) {
        position++;
        return byte;
      }
    }
    return readLongVarint(end);
  }

  function readLongVarint(end: number): number {
    const start = position;
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (position >= end) fail(start, "ends inside a varint");
      const byte = bytes[position++] as number;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
      scale *= 128;
    }
    return fail(start, "has a varint longer than 10 bytes");
  }

  /** Field number × 8 + wire type. */
  function readTag(end: number): number {
    const start = position;
    const tag = readVarint(end);
    if (tag < 8 || tag > 0xffffffff) fail(start, `has a field tag of ${tag}`);
    return tag;
  }

  function readLength(end: number): number {
    const start = position;
    const size = readVarint(end);
    if (size > end - position)
      fail(start, `has a length of ${size} bytes where ${end - position} are left`);
    return position + size;
  }

  function advance(count: number, end: number): void {
    if (count > end - position) fail(position, `ends inside a value of ${count} bytes`);
    position += count;
  }

  function skip(wire: number, end: number): void {
    if (wire === wireType.varint) readVarint(end);
    else if (wire === wireType.fixed64) advance(8, end);
    else if (wire === wireType.bytes) position = readLength(end);
    else if (wire === wireType.fixed32) advance(4, end);
    else fail(position - 1, `has wire type ${wire}; 0, 1, 2 and 5 are allowed`);
  }

  function expectWire(wire: number, expected: number, at: number): void {
    if (wire !== expected) fail(at, `has wire type ${wire} instead of ${expected}`);
  }

  function checkText(start: number, end: number): void {
    if (end - start > 48) {
      if (!isUtf8(bytes.subarray(start, end))) fail(start, "is not valid UTF-8");
      return;
    }
    let bits = 0;
    for (let at = start; at < end; at++) bits |= bytes[at] as number;
    if (bits >= 0x80 && !isUtf8(bytes.subarray(start, end))) fail(start, "is not valid UTF-8");
  }

  function cutText(lengthAt: number, start: number, end: number, keptBytes: number): void {
    replace(edits, lengthAt, start, keptBytes);
    remove(edits, start + keptBytes, end);
  }

  /** Bytes of a text that fit the limit, without half a character at the end. */
  function fittingBytes(start: number): number {
    let end = start + maxAttributeBytes;
    while (end > start && ((bytes[end] as number) & 0xc0) === 0x80) end--;
    return end - start;
  }

  function walkMessage(message: number, start: number, end: number): void {
    const outerRules = rules;
    if (message === messageIndex.event || message === messageIndex.log)
      rules = isGenAiEvent(message, start, end) ? eventRules : usualRules;
    const droppedField = droppedCountField[message] as number;
    let attributes = 0;
    let droppedBefore = 0;
    position = start;
    while (position < end) {
      const tagAt = position;
      const tag = readTag(end);
      const number = tag >>> 3;
      if (droppedField !== 0 && number === droppedField && (tag & 7) === wireType.varint) {
        droppedBefore = readVarint(end);
        continue;
      }
      const kind =
        number < fieldsPerMessage ? (kinds[message * fieldsPerMessage + number] as number) : 0;
      if (kind === fieldKind.attribute && droppedField !== 0 && attributes++ >= maxAttributes) {
        expectWire(tag & 7, wireType.bytes, tagAt);
        position = readLength(end);
        remove(edits, tagAt, position);
        cuts.tooMany++;
        continue;
      }
      walkField(message, tag, tagAt, end);
    }
    if (attributes > maxAttributes) {
      // The last value of a field counts, so the sum behind everything else replaces the count before.
      const sum = Math.min(droppedBefore + attributes - maxAttributes, 0x7fffffff);
      replace(edits, end, end, droppedField * 8 + wireType.varint);
      replace(edits, end, end, sum);
    }
    rules = outerRules;
  }

  function walkField(message: number, tag: number, tagAt: number, end: number): void {
    const wire = tag & 7;
    const number = tag >>> 3;
    const place = message * fieldsPerMessage + number;
    switch (number < fieldsPerMessage ? kinds[place] : fieldKind.unknown) {
      case fieldKind.varint:
        expectWire(wire, wireType.varint, tagAt);
        readVarint(end);
        return;
      case fieldKind.fixed64:
        expectWire(wire, wireType.fixed64, tagAt);
        advance(8, end);
        return;
      case fieldKind.fixed32:
        expectWire(wire, wireType.fixed32, tagAt);
        advance(4, end);
        return;
      case fieldKind.packedVarint:
        if (wire === wireType.varint) return void readVarint(end);
        expectWire(wire, wireType.bytes, tagAt);
        return walkPackedVarints(readLength(end));
      case fieldKind.packedFixed64:
        if (wire === wireType.fixed64) return advance(8, end);
        expectWire(wire, wireType.bytes, tagAt);
        return walkPackedFixed64(readLength(end));
      case fieldKind.unknown:
        return skip(wire, end);
      default:
        expectWire(wire, wireType.bytes, tagAt);
        return walkBounded(message, number, tagAt, end);
    }
  }

  /** A field with a length. */
  function walkBounded(message: number, number: number, tagAt: number, end: number): void {
    const place = message * fieldsPerMessage + number;
    const lengthAt = position;
    const fieldEnd = readLength(end);
    const start = position;
    switch (kinds[place]) {
      case fieldKind.string:
        checkText(start, fieldEnd);
        break;
      case fieldKind.errorText:
        walkErrorText(lengthAt, start, fieldEnd);
        break;
      case fieldKind.bytes:
        if (message === messageIndex.span) noteId(number, start, fieldEnd);
        break;
      case fieldKind.attribute:
        walkKeyValue(tagAt, lengthAt, start, fieldEnd, 0);
        break;
      case fieldKind.value:
        if (rules.isGenAiEvent && !keepContent) {
          remove(edits, tagAt, fieldEnd);
          cuts.content++;
        } else walkValue(lengthAt, start, fieldEnd, 0, false);
        break;
      default: {
        const removedBefore = edits.removedBytes;
        const begun = beginMessage(edits, lengthAt, start);
        walkMessage(nestedIndex[place] as number, start, fieldEnd);
        endMessage(edits, begun, fieldEnd, removedBefore);
      }
    }
    position = fieldEnd;
  }

  function noteId(number: number, start: number, end: number): void {
    if (number === 1) {
      ids.traceStart = start;
      ids.traceBytes = end - start;
    } else if (number === 2) {
      ids.spanStart = start;
      ids.spanBytes = end - start;
    }
  }

  function walkPackedVarints(end: number): void {
    while (position < end) readVarint(end);
  }

  function walkPackedFixed64(end: number): void {
    if ((end - position) % 8 !== 0)
      fail(position, `has ${end - position} bytes, which are not values of 8 bytes`);
    position = end;
  }

  function walkErrorText(lengthAt: number, start: number, end: number): void {
    checkText(start, end);
    if (keepContent) return;
    const kept = knownErrorTextBytes(bytes, start, end);
    if (kept === end - start) return;
    cutText(lengthAt, start, end, kept);
    cuts.content++;
  }

  /** The usual form is a key and then a value; anything else takes the slow way. */
  function walkKeyValue(
    tagAt: number,
    lengthAt: number,
    start: number,
    end: number,
    depth: number,
  ): void {
    position = start;
    if (bytes[start] === 0x0a && start < end) {
      position = start + 1;
      const keyEnd = readLength(end);
      const keyStart = position;
      if (keyEnd < end && bytes[keyEnd] === 0x12) {
        position = keyEnd + 1;
        const valueEnd = readLength(end);
        if (valueEnd === end) {
          const rule = attributeRule(keyStart, keyEnd);
          if (rule === "keep" && isShortValue(position, end)) return;
          position = start;
          return walkRuled(rule, tagAt, lengthAt, start, end, depth);
        }
      }
    }
    let keyStart = start;
    let keyEnd = start;
    for (position = start; position < end; ) {
      const tag = readTag(end);
      if (tag === 0x0a) {
        keyEnd = readLength(end);
        keyStart = position;
        position = keyEnd;
      } else skip(tag & 7, end);
    }
    walkRuled(attributeRule(keyStart, keyEnd), tagAt, lengthAt, start, end, depth);
  }

  function attributeRule(start: number, end: number) {
    const rule = rules.find(bytes, start, end);
    if (rule === undefined) fail(start, "is not valid UTF-8");
    return rule;
  }

  /** True for one scalar or a short text, which are most values: nothing to cut. Else nothing was decided. */
  function isShortValue(start: number, end: number): boolean {
    if (start === end) return true;
    switch (bytes[start]) {
      case 0x0a: {
        position = start + 1;
        const textEnd = readLength(end);
        if (textEnd !== end || end - position > maxAttributeBytes) return false;
        checkText(position, end);
        return true;
      }
      case 0x10:
      case 0x18:
        position = start + 1;
        readVarint(end);
        return position === end;
      case 0x21:
        return end - start === 9;
      default:
        return false;
    }
  }

  function walkRuled(
    rule: ReturnType<typeof attributeRule>,
    tagAt: number,
    lengthAt: number,
    start: number,
    end: number,
    depth: number,
  ): void {
    if (depth > maxValueDepth) fail(start, `is nested deeper than ${maxValueDepth} levels`);
    if (rule === "drop") {
      remove(edits, tagAt, end);
      cuts.content++;
      return;
    }
    const mark = edits.count;
    const removedBefore = edits.removedBytes;
    const begun = beginMessage(edits, lengthAt, start);
    if (rule === "keep") {
      walkPair(start, end, depth);
    } else if (!walkSingleText(rule, start, end)) {
      edits.count = mark;
      edits.removedBytes = removedBefore;
      remove(edits, tagAt, end);
      cuts.content++;
      return;
    }
    endMessage(edits, begun, end, removedBefore);
  }

  function walkPair(start: number, end: number, depth: number): void {
    for (position = start; position < end; ) {
      const tagAt = position;
      const tag = readTag(end);
      if (tag >>> 3 === 1) {
        expectWire(tag & 7, wireType.bytes, tagAt);
        const keyLengthAt = position;
        const keyEnd = readLength(end);
        const keyStart = position;
        checkText(keyStart, keyEnd);
        if (keyEnd - keyStart > maxAttributeBytes) {
          cutText(keyLengthAt, keyStart, keyEnd, fittingBytes(keyStart));
          cuts.tooLong++;
        }
        position = keyEnd;
      } else if (tag >>> 3 === 2) {
        expectWire(tag & 7, wireType.bytes, tagAt);
        const valueLengthAt = position;
        const valueEnd = readLength(end);
        walkValue(valueLengthAt, position, valueEnd, depth, true);
        position = valueEnd;
      } else skip(tag & 7, end);
    }
  }

  /** Cuts the one text of a key-value pair by its rule. False where it has another form, or nothing may stay. */
  function walkSingleText(rule: "model" | "error text", start: number, end: number): boolean {
    position = start + 1;
    if (bytes[start] !== 0x0a) return false;
    const keyEnd = readLength(end);
    if (bytes[keyEnd] !== 0x12) return false;
    position = keyEnd + 1;
    const valueLengthAt = position;
    if (readLength(end) !== end || bytes[position] !== 0x0a) return false;
    const valueStart = position;
    position++;
    const textLengthAt = position;
    if (readLength(end) !== end) return false;
    const textStart = position;
    checkText(textStart, end);
    const removedBefore = edits.removedBytes;
    const begun = beginMessage(edits, valueLengthAt, valueStart);
    if (rule === "error text") walkErrorText(textLengthAt, textStart, end);
    else if (!keepModel(textLengthAt, textStart, end)) return false;
    endMessage(edits, begun, end, removedBefore);
    return true;
  }

  /** Leaves `{"model":"…"}` of JSON. */
  function keepModel(lengthAt: number, start: number, end: number): boolean {
    const model = findModel(bytes, start, end);
    if (model === undefined) return false;
    replace(edits, lengthAt, start, modelStart.length + model.end - model.start + 1);
    for (let i = 0; i < modelStart.length; i++) {
      const isLast = i === modelStart.length - 1;
      replace(edits, start, isLast ? model.start : start, modelStart[i] as number);
    }
    replace(edits, model.end, end, closingBrace);
    cuts.content++;
    return true;
  }

  /** An AnyValue `[start, end)` whose length is at `lengthAt`. */
  function walkValue(
    lengthAt: number,
    start: number,
    end: number,
    depth: number,
    isLimited: boolean,
  ): void {
    if (depth > maxValueDepth) fail(start, `is nested deeper than ${maxValueDepth} levels`);
    const removedBefore = edits.removedBytes;
    const begun = beginMessage(edits, lengthAt, start);
    for (position = start; position < end; ) {
      const tagAt = position;
      const tag = readTag(end);
      switch (tag >>> 3) {
        case 1:
        case 5:
        case 6:
        case 7: {
          expectWire(tag & 7, wireType.bytes, tagAt);
          const fieldLengthAt = position;
          const fieldEnd = readLength(end);
          walkValueField(tag >>> 3, fieldLengthAt, position, fieldEnd, depth, isLimited);
          position = fieldEnd;
          break;
        }
        case 2:
        case 3:
          expectWire(tag & 7, wireType.varint, tagAt);
          readVarint(end);
          break;
        case 4:
          expectWire(tag & 7, wireType.fixed64, tagAt);
          advance(8, end);
          break;
        default:
          skip(tag & 7, end);
      }
    }
    endMessage(edits, begun, end, removedBefore);
  }

  function walkValueField(
    number: number,
    lengthAt: number,
    start: number,
    end: number,
    depth: number,
    isLimited: boolean,
  ): void {
    const isTooLong = isLimited && end - start > maxAttributeBytes;
    if (number === 1) {
      checkText(start, end);
      if (!isTooLong) return;
      cutText(lengthAt, start, end, fittingBytes(start));
      cuts.tooLong++;
    } else if (number === 7) {
      if (!isTooLong) return;
      cutText(lengthAt, start, end, maxAttributeBytes);
      cuts.tooLong++;
    } else walkList(number === 6, lengthAt, start, end, depth, isLimited);
  }

  /** Elements of an array or a list of pairs; those beyond the limit are dropped. */
  function walkList(
    isPairs: boolean,
    lengthAt: number,
    start: number,
    end: number,
    depth: number,
    isLimited: boolean,
  ): void {
    const removedBefore = edits.removedBytes;
    const begun = beginMessage(edits, lengthAt, start);
    const fitsUntil = isLimited ? start + maxAttributeBytes : end;
    for (position = start; position < end; ) {
      const tagAt = position;
      const tag = readTag(end);
      if (tag >>> 3 !== 1) {
        skip(tag & 7, end);
        continue;
      }
      expectWire(tag & 7, wireType.bytes, tagAt);
      const elementLengthAt = position;
      const elementEnd = readLength(end);
      const elementStart = position;
      if (elementEnd > fitsUntil) {
        remove(edits, tagAt, end);
        cuts.tooLong++;
        break;
      }
      if (isPairs) walkKeyValue(tagAt, elementLengthAt, elementStart, elementEnd, depth + 1);
      else walkValue(elementLengthAt, elementStart, elementEnd, depth + 1, isLimited);
      position = elementEnd;
    }
    endMessage(edits, begun, end, removedBefore);
  }

  /** Whether a span event's name, or a log record's event name (field or attribute), begins with `gen_ai.`. */
  function isGenAiEvent(message: number, start: number, end: number): boolean {
    const nameField = message === messageIndex.event ? 2 : 12;
    for (position = start; position < end; ) {
      const tag = readTag(end);
      if ((tag & 7) !== wireType.bytes) {
        skip(tag & 7, end);
        continue;
      }
      const fieldEnd = readLength(end);
      const number = tag >>> 3;
      if (number === nameField && hasPrefix(position, fieldEnd, genAiPrefix)) return true;
      if (number === 6 && message === messageIndex.log && namesGenAiEvent(position, fieldEnd))
        return true;
      position = fieldEnd;
    }
    return false;
  }

  function namesGenAiEvent(start: number, end: number): boolean {
    let isEventName = false;
    let isGenAi = false;
    for (position = start; position < end; ) {
      const tag = readTag(end);
      if ((tag & 7) !== wireType.bytes) {
        skip(tag & 7, end);
        continue;
      }
      const fieldEnd = readLength(end);
      if (tag >>> 3 === 1)
        isEventName =
          fieldEnd - position === eventNameKey.length &&
          hasPrefix(position, fieldEnd, eventNameKey);
      else if (tag >>> 3 === 2 && bytes[position] === 0x0a) {
        position++;
        const textEnd = readLength(fieldEnd);
        isGenAi = hasPrefix(position, textEnd, genAiPrefix);
      }
      position = fieldEnd;
    }
    return isEventName && isGenAi;
  }

  function hasPrefix(start: number, end: number, prefix: Buffer): boolean {
    if (end - start < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
    return true;
  }

  return {
    edits,
    cuts,
    ids,
    get failedAt() {
      return failedAt;
    },
    get position() {
      return position;
    },
    set position(value) {
      position = value;
    },
    begin(request) {
      bytes = request;
      position = 0;
      rules = usualRules;
    },
    readTag,
    readLength,
    walkMessage(message, start, end) {
      if (message === messageIndex.span) {
        ids.traceStart = -1;
        ids.spanStart = -1;
        ids.traceBytes = 0;
        ids.spanBytes = 0;
      }
      walkMessage(message, start, end);
    },
    walkField,
    fail,
  };
}
