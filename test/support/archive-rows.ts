/** Rows of the archive without an engine: from records to blocks and back. */

import { encodeRecords } from "../../services/archive/encode-records.ts";
import type { RecordRows } from "../../services/archive/record-rows.ts";
import { spanRecordRows } from "../../services/archive/span-record-rows.ts";
import type { ContentSettings } from "../../services/archive/spans/content-rules.ts";
import { type SpanJudge, silentJudge } from "../../services/archive/spans/judge.ts";
import { topics } from "../../services/contracts/topics.ts";
import { createNativeBlock, type TableColumns } from "../../services/history/native-block.ts";
import { historyTables } from "../../services/history/tables.ts";
import type { LogRecord } from "../../services/log/log.ts";
import type { RangeRejection } from "../../services/stage.ts";
import { type NativeValue, readNativeRows } from "./native-reader.ts";
import { ExportTraceServiceRequest, type TraceRequest } from "./otlp-proto.ts";

export const appendedMs = Date.UTC(2026, 10, 24, 12);

export const aLogRecord = (value: Uint8Array, overrides: Partial<LogRecord> = {}): LogRecord => ({
  topic: topics.traces,
  partition: 0,
  offset: 0,
  appendMs: appendedMs,
  key: undefined,
  value,
  headers: {},
  ...overrides,
});

export interface Rows {
  readonly rows: readonly Record<string, NativeValue>[];
  readonly tokens: readonly string[];
  readonly rejections: readonly RangeRejection[];
}

/** What the table has where a block leaves a sparse column out. */
function defaultsOf(table: TableColumns): Record<string, NativeValue> {
  const sparse = Object.entries(table).filter(([, { create }]) => create().padTo !== undefined);
  if (sparse.length === 0) return {};
  const block = createNativeBlock(Object.fromEntries(sparse));
  for (const column of Object.values(block.columns)) column.padTo?.(1);
  return readNativeRows(block.encode())[0] ?? {};
}

export async function rowsOf(
  encoder: RecordRows,
  records: readonly LogRecord[],
  stored?: ReadonlySet<string>,
): Promise<Rows> {
  const { blocks, rejections } = await encodeRecords(encoder, records, () => stored);
  return {
    rows: blocks.flatMap(({ table, bytes }) => {
      const defaults = defaultsOf(historyTables[table]);
      return readNativeRows(bytes).map((row) => ({ ...defaults, ...row }));
    }),
    tokens: blocks.map(({ tokenSuffix }) => tokenSuffix),
    rejections,
  };
}

export interface SpanEncoderOptions {
  readonly maxRows?: number;
  readonly content?: ContentSettings;
  readonly judge?: SpanJudge;
}

export const spanEncoder = ({
  maxRows = 20_000,
  content = { keepContent: false, contentAttributes: [] },
  judge = silentJudge,
}: SpanEncoderOptions = {}): RecordRows => spanRecordRows({ maxRows, content, judge });

/** Rows of one request in a record of its own. */
export async function spanRowsOf(
  request: TraceRequest,
  options?: SpanEncoderOptions,
): Promise<readonly Record<string, NativeValue>[]> {
  const record = aLogRecord(ExportTraceServiceRequest.encode(request));
  return (await rowsOf(spanEncoder(options), [record])).rows;
}
