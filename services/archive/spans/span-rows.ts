/** An `ExportTraceServiceRequest` as rows of the table of spans, in one pass over its bytes, with all attributes kept. */

import type { BlockColumns } from "../../history/native-block.ts";
import type { spansTable } from "../../history/tables.ts";
import type { LogRecord } from "../../log/log.ts";
import type { SpanContentRules } from "./content-rules.ts";
import type { SpanJudge } from "./judge.ts";
import { createNames } from "./names.ts";
import { createResourceReader, noResource, type ResourceTexts } from "./resource.ts";
import { createSpanReader } from "./span-reader.ts";
import {
  createCursor,
  fieldBits,
  readLength,
  readSize,
  setBytes,
  skipField,
  skipOther,
  textAt,
} from "./wire.ts";

export interface SpanRows {
  /**
   * Writes a row a span, in the order of the record. Throws `record_invalid` where the bytes are no such request, possibly in the
   * middle of a row: the columns are of no use then and must be cleared.
   */
  append(record: LogRecord): void;
  /** To be called when the columns were cleared. */
  forget(): void;
}

export interface SpanRowsOptions {
  readonly columns: BlockColumns<typeof spansTable>;
  readonly rules: SpanContentRules;
  readonly judge: SpanJudge;
  /** Called before each row; false: the row is left out. It may clear the columns, and then calls `forget`. */
  readonly admitRow: (record: LogRecord, index: number) => boolean;
}

const requestFields = fieldBits(1);
const groupFields = fieldBits(1, 2);

export function createSpanRows({ columns, rules, judge, admitRow }: SpanRowsOptions): SpanRows {
  const cursor = createCursor();
  const names = createNames();
  const readResource = createResourceReader(cursor, rules.usual);
  const spans = createSpanReader({ cursor, names, columns, rules, judge });
  /** What the rows of a group share, as positions in the block that is being filled. */
  const shared = {
    isStale: true,
    topic: 0,
    service: 0,
    resource: 0,
    scopeName: 0,
    scopeVersion: 0,
  };
  let resource: ResourceTexts = noResource;
  let scopeName = "";
  let scopeVersion = "";
  let index = 0;

  function refreshShared(topic: string): void {
    shared.topic = columns.source_topic.position(topic);
    shared.service = columns.service_name.position(resource.service);
    shared.resource = columns.resource.position(resource.json);
    shared.scopeName = columns.scope_name.position(scopeName);
    shared.scopeVersion = columns.scope_version.position(scopeVersion);
    shared.isStale = false;
  }

  function appendSpan(record: LogRecord, start: number, end: number): void {
    const at = index++;
    names.makeRoom();
    if (!admitRow(record, at)) return;
    if (shared.isStale) refreshShared(record.topic);
    const row = columns.source_index.length;
    columns.source_topic.pushPosition(shared.topic);
    columns.source_partition.push(record.partition);
    columns.source_offset.push(record.offset);
    columns.source_index.push(at);
    columns.append_time.push(record.appendMs);
    columns.service_name.pushPosition(shared.service);
    columns.resource.pushPosition(shared.resource);
    columns.scope_name.pushPosition(shared.scopeName);
    columns.scope_version.pushPosition(shared.scopeVersion);
    spans.read(start, end, row);
  }

  /** The scope may lie behind the spans, so it is looked for first; the same for the resource. */
  function appendScopeSpans(record: LogRecord, start: number, end: number): void {
    let scopeStart = start;
    let scopeEnd = start;
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag === 0x0a) {
        scopeEnd = readLength(cursor, end);
        scopeStart = cursor.at;
        cursor.at = scopeEnd;
      } else if (tag === 0x12) skipField(cursor, tag, end);
      else skipOther(cursor, tag, end, groupFields);
    }
    readScope(scopeStart, scopeEnd);
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag !== 0x12) {
        skipField(cursor, tag, end);
        continue;
      }
      const spanEnd = readLength(cursor, end);
      appendSpan(record, cursor.at, spanEnd);
      cursor.at = spanEnd;
    }
  }

  function readScope(start: number, end: number): void {
    let nameStart = start;
    let nameEnd = start;
    scopeVersion = "";
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag === 0x0a) {
        nameEnd = readLength(cursor, end);
        nameStart = cursor.at;
        cursor.at = nameEnd;
      } else if (tag === 0x12) {
        const versionEnd = readLength(cursor, end);
        scopeVersion = textAt(cursor, cursor.at, versionEnd);
        cursor.at = versionEnd;
      } else skipOther(cursor, tag, end, groupFields);
    }
    scopeName = textAt(cursor, nameStart, nameEnd);
    shared.isStale = true;
    judge.beginScope(cursor.bytes, nameStart, nameEnd);
  }

  function appendResourceSpans(record: LogRecord, start: number, end: number): void {
    let resourceStart = start;
    let resourceEnd = start;
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag === 0x0a) {
        resourceEnd = readLength(cursor, end);
        resourceStart = cursor.at;
        cursor.at = resourceEnd;
      } else if (tag === 0x12) skipField(cursor, tag, end);
      else skipOther(cursor, tag, end, groupFields);
    }
    resource = readResource(resourceStart, resourceEnd);
    judge.beginResource(cursor.bytes, resourceStart, resourceEnd);
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag !== 0x12) {
        skipField(cursor, tag, end);
        continue;
      }
      const scopeSpansEnd = readLength(cursor, end);
      appendScopeSpans(record, cursor.at, scopeSpansEnd);
      cursor.at = scopeSpansEnd;
    }
  }

  return {
    append(record) {
      setBytes(cursor, record.value);
      index = 0;
      const end = record.value.length;
      while (cursor.at < end) {
        const tag = readSize(cursor, end);
        if (tag !== 0x0a) {
          skipOther(cursor, tag, end, requestFields);
          continue;
        }
        const groupEnd = readLength(cursor, end);
        appendResourceSpans(record, cursor.at, groupEnd);
        cursor.at = groupEnd;
      }
    },
    forget() {
      shared.isStale = true;
      spans.forget();
    },
  };
}
