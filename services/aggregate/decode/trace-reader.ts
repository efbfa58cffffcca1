/**
 * Reads an `ExportTraceServiceRequest` in one pass and hands over each span in slots that are used again for the next.
 * Only what the conventions need is looked at; the rest is stepped over by its length. Throws `record_invalid` where the
 * bytes do not hold what they announce, possibly after some spans were handed over: the caller commits at the end.
 */
import { type AttributeSlots, clearSlots, createAttributeSlots } from "./attributes.ts";
import type { KeyTable } from "./key-table.ts";
import { emptySpan, readAttributeField, readSpan, type SpanReading } from "./span-reader.ts";
import {
  createScan,
  readLength,
  readVarint,
  refuseWireType,
  type Scan,
  skipField,
  truncated,
  viewOf,
} from "./wire-scan.ts";

export interface TraceVisitor {
  /** Before the spans of a resource; `resource` of the reader is filled. */
  onResource(): void;
  /** Before the spans of a scope: its name lies at [start, end). */
  onScope(start: number, end: number): void;
  onSpan(): void;
}

export interface TraceReader {
  readonly scan: Scan;
  readonly span: SpanReading;
  readonly attributes: AttributeSlots;
  readonly resource: AttributeSlots;
}

export function createTraceReader(keys: KeyTable): TraceReader {
  return {
    scan: createScan(),
    span: emptySpan(),
    attributes: createAttributeSlots(keys),
    resource: createAttributeSlots(keys),
  };
}

export function readTraces(reader: TraceReader, bytes: Uint8Array, visitor: TraceVisitor): void {
  const { scan } = reader;
  scan.view = viewOf(bytes);
  let position = 0;
  while (position < bytes.length) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x0a) {
      const end = readLength(bytes, position, bytes.length, scan);
      readResourceSpans(reader, bytes, scan.position, end, visitor);
      position = end;
    } else {
      refuseWireType(fieldTag, 1, position);
      position = skipField(bytes, position, bytes.length, fieldTag, scan);
    }
  }
}

/** The resource may lie behind the spans on the wire, so it is looked for first. */
function readResourceSpans(
  reader: TraceReader,
  bytes: Uint8Array,
  start: number,
  end: number,
  visitor: TraceVisitor,
): void {
  const { scan } = reader;
  clearSlots(reader.resource);
  let position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x0a) {
      const contentEnd = readLength(bytes, position, end, scan);
      readResource(reader, bytes, scan.position, contentEnd);
      position = contentEnd;
    } else {
      refuseWireType(fieldTag, 2, position);
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  visitor.onResource();
  position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x12) {
      const contentEnd = readLength(bytes, position, end, scan);
      readScopeSpans(reader, bytes, scan.position, contentEnd, visitor);
      position = contentEnd;
    } else position = skipField(bytes, position, end, fieldTag, scan);
  }
}

export function readResource(
  reader: TraceReader,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  let position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, reader.scan);
    position = reader.scan.position;
    if (fieldTag === 0x0a)
      position = readAttributeField(bytes, position, end, reader.resource, reader.scan);
    else {
      refuseWireType(fieldTag, 1, position);
      position = skipField(bytes, position, end, fieldTag, reader.scan);
    }
  }
}

/** The scope, too, may lie behind the spans; usually it comes first. */
function readScopeSpans(
  reader: TraceReader,
  bytes: Uint8Array,
  start: number,
  end: number,
  visitor: TraceVisitor,
): void {
  const { scan } = reader;
  let position = start;
  if (bytes[start] !== 0x0a) {
    const scope = findScope(bytes, start, end, scan);
    readScope(bytes, scope.start, scope.end, scan, visitor);
  }
  let isKnown = bytes[start] !== 0x0a;
  while (position < end) {
    if (bytes[position] === 0x12) {
      const contentEnd = readContentEnd(bytes, position + 1, end, scan);
      readSpan(reader, bytes, scan.position, contentEnd);
      visitor.onSpan();
      position = contentEnd;
      continue;
    }
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x0a && !isKnown) {
      const contentEnd = readLength(bytes, position, end, scan);
      readScope(bytes, scan.position, contentEnd, scan, visitor);
      isKnown = true;
      position = contentEnd;
    } else {
      refuseWireType(fieldTag, 2, position);
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
}

function findScope(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: Scan,
): { readonly start: number; readonly end: number } {
  let position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    const contentAt = scan.position;
    position = skipField(bytes, contentAt, end, fieldTag, scan);
    if (fieldTag !== 0x0a) continue;
    readLength(bytes, contentAt, end, scan);
    return { start: scan.position, end: position };
  }
  return { start: end, end };
}

function readScope(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: Scan,
  visitor: TraceVisitor,
): void {
  let nameStart = start;
  let nameEnd = start;
  let position = start;
  while (position < end) {
    const fieldTag = readVarint(bytes, position, scan);
    position = scan.position;
    if (fieldTag === 0x0a) {
      nameEnd = readLength(bytes, position, end, scan);
      nameStart = scan.position;
      position = nameEnd;
    } else {
      refuseWireType(fieldTag, 1, position);
      position = skipField(bytes, position, end, fieldTag, scan);
    }
  }
  visitor.onScope(nameStart, nameEnd);
}

/** `readLength` for the one or two bytes that the length of a span has. */
function readContentEnd(bytes: Uint8Array, position: number, end: number, scan: Scan): number {
  const first = bytes[position] as number;
  const second = bytes[position + 1] as number;
  if (!(first >= 0x80 && second < 0x80)) return readLength(bytes, position, end, scan);
  scan.position = position + 2;
  const contentEnd = position + 2 + ((first & 0x7f) | (second << 7));
  if (!(contentEnd <= end)) throw truncated(position);
  return contentEnd;
}
