/** Events and links of a span, into columns of lists. */
import type { BlockColumns } from "../../history/native-block.ts";
import type { spansTable } from "../../history/tables.ts";
import { type AttributeWriter, createPlainWriters } from "./attribute-writer.ts";
import { isGenAiEventName, type SpanContentRules } from "./content-rules.ts";
import { type Names, nameColumn } from "./names.ts";
import {
  advance,
  type Cursor,
  fieldBits,
  readLength,
  readSize,
  skipField,
  skipOther,
  textAt,
} from "./wire.ts";

export interface SpanParts {
  /** An `Event` at [start, end) of a row, counted within the block. */
  addEvent(start: number, end: number, row: number): void;
  /** A `Link` at [start, end). */
  addLink(start: number, end: number, row: number): void;
  /** Ends the lists of the span's row that have something. */
  endRow(): void;
  forget(): void;
}

const eventFields = fieldBits(1, 2, 3);
const linkFields = fieldBits(1, 2, 3, 4);

export function createSpanParts(
  cursor: Cursor,
  names: Names,
  columns: BlockColumns<typeof spansTable>,
  rules: SpanContentRules,
): SpanParts {
  const eventTimes = columns["events.timestamp"];
  const eventNames = columns["events.name"];
  const eventAttributes = columns["events.attributes"];
  const linkAttributes = columns["links.attributes"];
  const eventName = nameColumn(eventNames.elements, names);
  const events = createPlainWriters(cursor, names, eventAttributes.elements, rules);
  const links = createPlainWriters(cursor, names, linkAttributes.elements, rules);
  const linkTexts = [
    columns["links.trace_id"],
    columns["links.span_id"],
    columns["links.trace_state"],
  ];
  const eventColumns = [eventTimes, eventNames, eventAttributes];
  const linkColumns = [...linkTexts, linkAttributes];
  let hasEvents = false;
  let hasLinks = false;

  /** The name decides on the attributes, and may lie behind them. */
  function readEventHead(start: number, end: number): boolean {
    let nameStart = start;
    let nameEnd = start;
    let low = 0;
    let high = 0;
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag === 0x12) {
        nameEnd = readLength(cursor, end);
        nameStart = cursor.at;
        cursor.at = nameEnd;
      } else if (tag === 0x09) {
        advance(cursor, 8, end);
        low = cursor.view.getUint32(cursor.at - 8, true);
        high = cursor.view.getUint32(cursor.at - 4, true);
      } else if (tag === 0x1a) skipField(cursor, tag, end);
      else skipOther(cursor, tag, end, eventFields);
    }
    pushTime(eventTimes.elements, low, high);
    eventName.pushText(cursor, nameStart, nameEnd);
    return isGenAiEventName(textAt(cursor, nameStart, nameEnd));
  }

  function writeAttributes(tag: number, writer: AttributeWriter, start: number, end: number): void {
    let place = 0;
    for (cursor.at = start; cursor.at < end; ) {
      const found = readSize(cursor, end);
      if (found !== tag) {
        skipField(cursor, found, end);
        continue;
      }
      const pairEnd = readLength(cursor, end);
      writer.write(cursor.at, pairEnd, place++, 0);
      cursor.at = pairEnd;
    }
  }

  return {
    addEvent(start, end, row) {
      if (!hasEvents) for (const column of eventColumns) column.padTo(row);
      hasEvents = true;
      const isGenAi = readEventHead(start, end);
      writeAttributes(0x1a, isGenAi ? events.genAiEvent : events.usual, start, end);
      eventAttributes.elements.endRow();
    },
    addLink(start, end, row) {
      if (!hasLinks) for (const column of linkColumns) column.padTo(row);
      hasLinks = true;
      const texts = ["", "", ""];
      for (cursor.at = start; cursor.at < end; ) {
        const tag = readSize(cursor, end);
        if (tag === 0x0a || tag === 0x12 || tag === 0x1a) {
          const fieldEnd = readLength(cursor, end);
          texts[(tag >>> 3) - 1] = cursor.bytes.toString(
            tag === 0x1a ? "utf8" : "hex",
            cursor.at,
            fieldEnd,
          );
          cursor.at = fieldEnd;
        } else if (tag === 0x22) skipField(cursor, tag, end);
        else skipOther(cursor, tag, end, linkFields);
      }
      for (const [index, column] of linkTexts.entries()) column.elements.push(texts[index] ?? "");
      writeAttributes(0x22, links.usual, start, end);
      linkAttributes.elements.endRow();
    },
    endRow() {
      if (hasEvents) for (const column of eventColumns) column.endRow();
      if (hasLinks) for (const column of linkColumns) column.endRow();
      hasEvents = hasLinks = false;
    },
    forget() {
      hasEvents = hasLinks = false;
      eventName.forget();
      for (const writer of [events.usual, events.genAiEvent, links.usual, links.genAiEvent])
        writer.forget();
    },
  };
}

/** Times beyond 2262 do not fit the column: they become its end. */
export function pushTime(
  column: { pushHalves(low: number, high: number): void },
  low: number,
  high: number,
): void {
  if (high <= 0x7fff_ffff) column.pushHalves(low, high);
  else column.pushHalves(0xffff_ffff, 0x7fff_ffff);
}
