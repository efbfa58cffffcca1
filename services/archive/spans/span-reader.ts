/** One `Span` into the columns that are its own; those of its record, resource and scope are filled before. */
import type { BlockColumns } from "../../history/native-block.ts";
import type { FixedBytesColumn } from "../../history/native-text.ts";
import type { spansTable } from "../../history/tables.ts";
import { createAttributeWriter } from "./attribute-writer.ts";
import type { SpanContentRules } from "./content-rules.ts";
import type { SpanJudge } from "./judge.ts";
import { type Names, nameColumn } from "./names.ts";
import { createSpanParts, pushTime } from "./span-parts.ts";
import { createTypedSlots } from "./typed-slots.ts";
import {
  advance,
  type Cursor,
  fieldBits,
  readLength,
  readSize,
  readVarint,
  skipOther,
} from "./wire.ts";

export interface SpanReader {
  /** `row` counts within the block. Throws `record_invalid` in the middle of the row where the bytes are no span. */
  read(start: number, end: number, row: number): void;
  /** To be called when the columns were cleared. */
  forget(): void;
}

export interface SpanReaderOptions {
  readonly cursor: Cursor;
  readonly names: Names;
  readonly columns: BlockColumns<typeof spansTable>;
  readonly rules: SpanContentRules;
  readonly judge: SpanJudge;
}

const spanFields = fieldBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15);
const statusFields = fieldBits(2, 3);
const maxKind = 5;
const maxStatus = 2;

/** Where the parts of the span under the reader lie; one object, used again. */
const emptyFields = () => ({
  traceStart: 0,
  traceEnd: 0,
  idStart: 0,
  idEnd: 0,
  parentStart: 0,
  parentEnd: 0,
  stateStart: 0,
  stateEnd: 0,
  nameStart: 0,
  nameEnd: 0,
  kind: 0,
  startLow: 0,
  startHigh: 0,
  endLow: 0,
  endHigh: 0,
  status: 0,
  messageStart: 0,
  messageEnd: 0,
});

export function createSpanReader(options: SpanReaderOptions): SpanReader {
  const { cursor, names, columns, rules, judge } = options;
  const typed = createTypedSlots(cursor, names, columns);
  const attributes = createAttributeWriter({
    cursor,
    names,
    column: columns.attributes,
    rules: rules.usual,
    typed,
    judge,
  });
  const parts = createSpanParts(cursor, names, columns, rules);
  const spanName = nameColumn(columns.span_name, names);
  const judged = [
    columns.provider,
    columns.model,
    columns.region,
    columns.operation,
    columns.outcome,
  ];
  const span = emptyFields();
  let row = 0;
  let hasEvents = false;

  /** Field by field: a call that copies an object takes a tenth of all time here. */
  function resetFields(): void {
    span.traceStart = span.traceEnd = 0;
    span.idStart = span.idEnd = 0;
    span.parentStart = span.parentEnd = 0;
    span.stateStart = span.stateEnd = 0;
    span.nameStart = span.nameEnd = 0;
    span.kind = span.status = 0;
    span.startLow = span.startHigh = 0;
    span.endLow = span.endHigh = 0;
    span.messageStart = span.messageEnd = 0;
  }

  function readStatus(start: number, end: number): void {
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag === 0x12) {
        span.messageEnd = readLength(cursor, end);
        span.messageStart = cursor.at;
        cursor.at = span.messageEnd;
      } else if (tag === 0x18) {
        readVarint(cursor, end);
        span.status = cursor.high === 0 ? cursor.low : maxStatus + 1;
      } else skipOther(cursor, tag, end, statusFields);
    }
  }

  /** Fields with a length. False: not one of them. */
  function readBounded(tag: number, start: number, end: number, place: number): boolean {
    switch (tag) {
      case 0x4a:
        attributes.write(start, end, place, row);
        return true;
      case 0x0a:
        span.traceStart = start;
        span.traceEnd = end;
        return true;
      case 0x12:
        span.idStart = start;
        span.idEnd = end;
        return true;
      case 0x1a:
        span.stateStart = start;
        span.stateEnd = end;
        return true;
      case 0x22:
        span.parentStart = start;
        span.parentEnd = end;
        return true;
      case 0x2a:
        span.nameStart = start;
        span.nameEnd = end;
        return true;
      case 0x5a:
        hasEvents = true;
        parts.addEvent(start, end, row);
        return true;
      case 0x6a:
        parts.addLink(start, end, row);
        return true;
      case 0x7a:
        readStatus(start, end);
        return true;
      default:
        return false;
    }
  }

  function readFields(start: number, end: number): void {
    let place = 0;
    const { bytes } = cursor;
    for (cursor.at = start; cursor.at < end; ) {
      // Most fields are attributes shorter than 128 bytes.
      const at = cursor.at;
      const length = bytes[at + 1] as number;
      if (bytes[at] === 0x4a && length < 0x80 && at + 2 + length <= end) {
        attributes.write(at + 2, at + 2 + length, place++, row);
        cursor.at = at + 2 + length;
        continue;
      }
      const tag = readSize(cursor, end);
      const valueAt = cursor.at;
      if ((tag & 7) === 2) {
        const fieldEnd = readLength(cursor, end);
        if (readBounded(tag, cursor.at, fieldEnd, place)) {
          if (tag === 0x4a) place++;
          cursor.at = fieldEnd;
          continue;
        }
        cursor.at = valueAt;
        skipOther(cursor, tag, end, spanFields);
      } else if (tag === 0x39 || tag === 0x41) {
        advance(cursor, 8, end);
        const low = cursor.view.getUint32(valueAt, true);
        const high = cursor.view.getUint32(valueAt + 4, true);
        if (tag === 0x39) {
          span.startLow = low;
          span.startHigh = high;
        } else {
          span.endLow = low;
          span.endHigh = high;
        }
      } else if (tag === 0x30) {
        readVarint(cursor, end);
        span.kind = cursor.high === 0 ? cursor.low : maxKind + 1;
      } else skipOther(cursor, tag, end, spanFields);
    }
  }

  function pushDuration(): void {
    const { startLow, startHigh, endLow, endHigh } = span;
    const isBackwards = endHigh < startHigh || (endHigh === startHigh && endLow < startLow);
    if (isBackwards) columns.duration.pushHalves(0, 0);
    else {
      const borrow = endLow < startLow ? 1 : 0;
      columns.duration.pushHalves(endLow - startLow, endHigh - startHigh - borrow);
    }
  }

  function pushId(column: FixedBytesColumn, start: number, end: number, size: number): void {
    if (end - start === size) column.push(cursor.bytes, start);
    else if (end === start) column.pushEmpty();
    else column.push(cursor.bytes.subarray(start, end));
  }

  function pushFields(): void {
    pushTime(columns.timestamp, span.startLow, span.startHigh);
    pushDuration();
    pushId(columns.trace_id, span.traceStart, span.traceEnd, 16);
    pushId(columns.span_id, span.idStart, span.idEnd, 8);
    pushId(columns.parent_span_id, span.parentStart, span.parentEnd, 8);
    if (span.stateEnd > span.stateStart) {
      columns.trace_state.padTo(row);
      columns.trace_state.pushBytes(cursor.bytes, span.stateStart, span.stateEnd);
    }
    spanName.pushText(cursor, span.nameStart, span.nameEnd);
    columns.span_kind.push(span.kind <= maxKind ? span.kind : 0);
    columns.status_code.push(span.status <= maxStatus ? span.status : 0);
    if (span.messageEnd > span.messageStart) {
      const messageEnd = rules.usual.errorTextEnd(cursor, span.messageStart, span.messageEnd);
      columns.status_message.padTo(row);
      columns.status_message.pushBytes(cursor.bytes, span.messageStart, messageEnd);
    }
  }

  function pushJudgement(start: number, end: number): void {
    const judgement = hasEvents
      ? judge.judgeSpan(cursor.bytes, start, end)
      : judge.judgeHeeded(span);
    if (judgement === undefined) return;
    for (const column of judged) column.padTo(row);
    columns.provider.push(judgement.provider);
    columns.model.push(judgement.model);
    columns.region.push(judgement.region);
    columns.operation.push(judgement.operation);
    columns.outcome.push(judgement.outcome);
  }

  return {
    read(start, end, rowInBlock) {
      row = rowInBlock;
      hasEvents = false;
      resetFields();
      judge.beginSpan();
      readFields(start, end);
      pushFields();
      pushJudgement(start, end);
      columns.attributes.endRow();
      parts.endRow();
    },
    forget() {
      typed.forget();
      attributes.forget();
      spanName.forget();
      parts.forget();
    },
  };
}
