import { genAiEventPrefix } from "../contracts/content-attributes.ts";
import { wireType } from "../contracts/wire.ts";
import { type Cursor, hasPrefix, readLength, readTag, skip } from "./cursor.ts";

const prefix = Buffer.from(genAiEventPrefix);
const eventNameKey = Buffer.from("event.name");

/** Whether a span event is named `gen_ai.…`. `[start, end)` is the event. */
export function isGenAiSpanEvent(cursor: Cursor, start: number, end: number): boolean {
  return someBounded(cursor, start, end, (number, fieldEnd) => {
    return number === 2 && hasPrefix(cursor, fieldEnd, prefix);
  });
}

/** The same of a log record, whose event name is a field or the attribute `event.name`. */
export function isGenAiLogRecord(cursor: Cursor, start: number, end: number): boolean {
  return someBounded(cursor, start, end, (number, fieldEnd) => {
    if (number === 12) return hasPrefix(cursor, fieldEnd, prefix);
    return number === 6 && namesGenAiEvent(cursor, cursor.at, fieldEnd);
  });
}

function namesGenAiEvent(cursor: Cursor, start: number, end: number): boolean {
  let isEventName = false;
  let isGenAi = false;
  someBounded(cursor, start, end, (number, fieldEnd) => {
    if (number === 1)
      isEventName =
        fieldEnd - cursor.at === eventNameKey.length && hasPrefix(cursor, fieldEnd, eventNameKey);
    if (number === 2 && cursor.bytes[cursor.at] === 0x0a) {
      cursor.at++;
      isGenAi = hasPrefix(cursor, readLength(cursor, fieldEnd), prefix);
    }
    return false;
  });
  return isEventName && isGenAi;
}

/** Looks at the fields with a length until one fits; its content is `[cursor.at, fieldEnd)`. */
function someBounded(
  cursor: Cursor,
  start: number,
  end: number,
  isWanted: (number: number, fieldEnd: number) => boolean,
): boolean {
  cursor.at = start;
  while (cursor.at < end) {
    const tag = readTag(cursor, end);
    if ((tag & 7) !== wireType.bytes) {
      skip(cursor, tag & 7, end);
      continue;
    }
    const fieldEnd = readLength(cursor, end);
    if (isWanted(tag >>> 3, fieldEnd)) return true;
    cursor.at = fieldEnd;
  }
  return false;
}
