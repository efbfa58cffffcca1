/** How the records of one topic become rows of its tables. */
import type { LogRecord } from "../log/log.ts";
import type { TableBlocks } from "./table-blocks.ts";
import { upstreamOf } from "./upstream.ts";

export interface RecordRows {
  readonly tables: readonly TableBlocks[];
  /**
   * Throws `record_invalid` for a record that does not decode. Where `isStreaming`, that may leave half a row: all that was written
   * is of no use then.
   */
  append(record: LogRecord): void;
  readonly isStreaming: boolean;
}

interface SourceColumns {
  readonly source_topic: { push(text: string): void };
  readonly source_partition: { push(value: number): void };
  readonly source_offset: { push(value: number): void };
  readonly source_index: { push(value: number): void };
  readonly append_time: { push(value: number): void };
}

/** Where a row comes from. */
export function pushSource(columns: SourceColumns, record: LogRecord, index: number): void {
  columns.source_topic.push(record.topic);
  columns.source_partition.push(record.partition);
  columns.source_offset.push(record.offset);
  columns.source_index.push(index);
  columns.append_time.push(record.appendMs);
}

interface UpstreamColumns extends SourceColumns {
  readonly source_task: { push(text: string): void };
  readonly source_sequence: { push(value: number): void };
}

/** The same with the task that wrote the record. */
export function pushUpstreamSource(
  columns: UpstreamColumns,
  record: LogRecord,
  index: number,
): void {
  pushSource(columns, record, index);
  const upstream = upstreamOf(record);
  columns.source_task.push(upstream?.task ?? "");
  columns.source_sequence.push(upstream?.sequence ?? 0);
}
