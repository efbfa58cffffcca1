/** Reads one `Span` into slots that are used again for the next: no object a span. */
import { type AttributeSlots, clearSlots, readAttribute } from "./attributes.ts";
import { createKeyTable, findKey } from "./key-table.ts";
import {
  readInt32,
  readLength,
  readVarint,
  readWord,
  refuseWireType,
  type Scan,
  skipField,
  truncated,
} from "./wire-scan.ts";

/** The span under the reader. Positions point into the record's bytes; ids are little-endian words, 0 where there is none. */
export interface SpanReading {
  trace0: number;
  trace1: number;
  trace2: number;
  trace3: number;
  span0: number;
  span1: number;
  parent0: number;
  parent1: number;
  /** OTLP: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  /** Unix nanoseconds as two words. */
  startHigh: number;
  startLow: number;
  endHigh: number;
  endLow: number;
  nameStart: number;
  nameEnd: number;
  /** OTLP: 0 unset, 1 ok, 2 error. */
  statusCode: number;
  messageStart: number;
  messageEnd: number;
  traceStateStart: number;
  traceStateEnd: number;
  /** Time of the first event that marks the first chunk of a stream; 0, 0 where there is none. */
  firstChunkHigh: number;
  firstChunkLow: number;
}

export const emptySpan = (): SpanReading => ({
  trace0: 0,
  trace1: 0,
  trace2: 0,
  trace3: 0,
  span0: 0,
  span1: 0,
  parent0: 0,
  parent1: 0,
  kind: 0,
  startHigh: 0,
  startLow: 0,
  endHigh: 0,
  endLow: 0,
  nameStart: 0,
  nameEnd: 0,
  statusCode: 0,
  messageStart: 0,
  messageEnd: 0,
  traceStateStart: 0,
  traceStateEnd: 0,
  firstChunkHigh: 0,
  firstChunkLow: 0,
});

interface SpanTarget {
  readonly scan: Scan;
  readonly span: SpanReading;
  readonly attributes: AttributeSlots;
}

/** Events that say something about a call; their attributes are read into the span's slots. */
const events = createKeyTable([
  "exception",
  "ai.stream.firstChunk",
  "First Token Stream Event",
  "gen_ai.content.completion.chunk",
  "llm.content.completion.chunk",
]);
const exceptionEvent = 0;
const firstChunkEvent = 1;

/** Reads a length-delimited `KeyValue` whose tag has been read; gives the position behind it. */
export function readAttributeField(
  bytes: Uint8Array,
  position: number,
  end: number,
  slots: AttributeSlots,
  scan: Scan,
): number {
  const contentEnd = readLength(bytes, position, end, scan);
  readAttribute(bytes, scan.position, contentEnd, slots, scan);
  return contentEnd;
}

/** Ids of another length than 16 and 8 bytes are none: such a span is counted, but has no twin, parent or child. */
export function readSpan(target: SpanTarget, bytes: Uint8Array, start: number, end: number): void {
  const { scan, span, attributes } = target;
  clearSlots(attributes);
  clearSpan(span);
  let position = start;
  while (position < end) {
    let fieldTag = bytes[position] as number;
    if (fieldTag < 0x80) position++;
    else {
      fieldTag = readVarint(bytes, position, scan);
      position = scan.position;
    }
    switch (fieldTag) {
      case 0x4a: {
        let contentStart = position + 1;
        let contentEnd = contentStart + (bytes[position] as number);
        if (contentEnd - contentStart >= 0x80) {
          contentEnd = readLength(bytes, position, end, scan);
          contentStart = scan.position;
        } else if (!(contentEnd <= end)) throw truncated(position);
        readAttribute(bytes, contentStart, contentEnd, attributes, scan);
        position = contentEnd;
        break;
      }
      case 0x0a: {
        let from = position + 1;
        if (bytes[position] === 16 && position + 17 <= end) position += 17;
        else {
          position = readLength(bytes, position, end, scan);
          from = scan.position;
        }
        const isId = position - from === 16;
        span.trace0 = isId ? readWord(scan.view, from) : 0;
        span.trace1 = isId ? readWord(scan.view, from + 4) : 0;
        span.trace2 = isId ? readWord(scan.view, from + 8) : 0;
        span.trace3 = isId ? readWord(scan.view, from + 12) : 0;
        break;
      }
      case 0x12: {
        let from = position + 1;
        if (bytes[position] === 8 && position + 9 <= end) position += 9;
        else {
          position = readLength(bytes, position, end, scan);
          from = scan.position;
        }
        const isId = position - from === 8;
        span.span0 = isId ? readWord(scan.view, from) : 0;
        span.span1 = isId ? readWord(scan.view, from + 4) : 0;
        break;
      }
      case 0x22: {
        let from = position + 1;
        if (bytes[position] === 8 && position + 9 <= end) position += 9;
        else {
          position = readLength(bytes, position, end, scan);
          from = scan.position;
        }
        const isId = position - from === 8;
        span.parent0 = isId ? readWord(scan.view, from) : 0;
        span.parent1 = isId ? readWord(scan.view, from + 4) : 0;
        break;
      }
      case 0x1a:
        span.traceStateEnd = readLength(bytes, position, end, scan);
        span.traceStateStart = scan.position;
        position = span.traceStateEnd;
        break;
      case 0x2a:
        span.nameEnd = contentEndOf(bytes, position, end, scan);
        span.nameStart = scan.position;
        position = span.nameEnd;
        break;
      case 0x30:
        span.kind = bytes[position] as number;
        if (span.kind < 0x80 && position < end) position++;
        else {
          span.kind = readInt32(bytes, position, scan);
          position = scan.position;
        }
        break;
      case 0x39:
        if (position + 8 > end) throw truncated(position);
        span.startLow = readWord(scan.view, position);
        span.startHigh = readWord(scan.view, position + 4);
        position += 8;
        break;
      case 0x41:
        if (position + 8 > end) throw truncated(position);
        span.endLow = readWord(scan.view, position);
        span.endHigh = readWord(scan.view, position + 4);
        position += 8;
        break;
      case 0x5a: {
        const contentEnd = readLength(bytes, position, end, scan);
        readEvent(target, bytes, scan.position, contentEnd);
        position = contentEnd;
        break;
      }
      case 0x7a: {
        const contentEnd = contentEndOf(bytes, position, end, scan);
        readStatus(target, bytes, scan.position, contentEnd);
        position = contentEnd;
        break;
      }
      default:
        if (fieldTag >> 3 !== 10 && fieldTag >> 3 !== 12 && fieldTag >> 3 !== 14)
          refuseWireType(fieldTag, 15, position);
        position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  if (position !== end) throw truncated(position);
}

/** `readLength` for contents below 128 bytes, as they mostly are. */
function contentEndOf(bytes: Uint8Array, position: number, end: number, scan: Scan): number {
  const length = bytes[position] as number;
  const contentEnd = position + 1 + length;
  if (!(length < 0x80 && contentEnd <= end)) return readLength(bytes, position, end, scan);
  scan.position = position + 1;
  return contentEnd;
}

function readStatus(target: SpanTarget, bytes: Uint8Array, start: number, end: number): void {
  const { scan, span } = target;
  let position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x18) {
      span.statusCode = readInt32(bytes, position, scan);
      position = scan.position;
    } else if (fieldTag === 0x12) {
      span.messageEnd = readLength(bytes, position, end, scan);
      span.messageStart = scan.position;
      position = span.messageEnd;
    } else {
      if (fieldTag >> 3 !== 1) refuseWireType(fieldTag, 3, position);
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  if (position !== end) throw truncated(position);
}

/** The name may lie behind the attributes, so it is looked for first. */
function readEvent(target: SpanTarget, bytes: Uint8Array, start: number, end: number): void {
  const { scan, span, attributes } = target;
  let position = start;
  let event = -1;
  let timeHigh = 0;
  let timeLow = 0;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x12) {
      const contentEnd = readLength(bytes, position, end, scan);
      event = findKey(events, scan.view, scan.position, contentEnd);
      position = contentEnd;
    } else if (fieldTag === 0x09) {
      if (position + 8 > end) throw truncated(position);
      timeLow = readWord(scan.view, position);
      timeHigh = readWord(scan.view, position + 4);
      position += 8;
    } else {
      refuseWireType(fieldTag, 3, position);
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  if (position !== end) throw truncated(position);
  if (event >= firstChunkEvent) {
    const isFirst = span.firstChunkHigh === 0 && span.firstChunkLow === 0;
    if (isFirst) {
      span.firstChunkHigh = timeHigh;
      span.firstChunkLow = timeLow;
    }
  }
  if (event !== exceptionEvent && event !== firstChunkEvent) return;
  position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x1a) position = readAttributeField(bytes, position, end, attributes, scan);
    else position = skipField(bytes, position, end, fieldTag, scan);
  }
}

export function clearSpan(span: SpanReading): void {
  span.trace0 = 0;
  span.trace1 = 0;
  span.trace2 = 0;
  span.trace3 = 0;
  span.span0 = 0;
  span.span1 = 0;
  span.parent0 = 0;
  span.parent1 = 0;
  span.kind = 0;
  span.startHigh = 0;
  span.startLow = 0;
  span.endHigh = 0;
  span.endLow = 0;
  span.nameStart = 0;
  span.nameEnd = 0;
  span.statusCode = 0;
  span.messageStart = 0;
  span.messageEnd = 0;
  span.traceStateStart = 0;
  span.traceStateEnd = 0;
  span.firstChunkHigh = 0;
  span.firstChunkLow = 0;
}
