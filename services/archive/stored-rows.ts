import type { History } from "../history/history.ts";
import type { HistoryTable } from "../history/tables.ts";
import type { RecordRange } from "../stage.ts";
import { rowKey, type StoredRows } from "./table-blocks.ts";

/**
 * Rows of a range that a table has already, from whoever began the range and died. Only rows with the records' own append
 * times count: a log that was begun anew has the same offsets again.
 */
export async function readStoredRows(
  history: History,
  table: HistoryTable,
  range: RecordRange,
  signal: AbortSignal,
): Promise<StoredRows> {
  const first = range.records[0];
  const last = range.records.at(-1);
  if (first === undefined || last === undefined) return new Set();
  const rows = await history.query<{ offset: string; index: number }>(
    `SELECT source_offset AS offset, source_index AS index FROM ${table}
     WHERE source_topic = {topic:String} AND source_partition = {partition:UInt32}
       AND source_offset >= {from:UInt64} AND source_offset < {to:UInt64}
       AND append_time BETWEEN fromUnixTimestamp64Milli({first:Int64}) AND fromUnixTimestamp64Milli({last:Int64})`,
    {
      topic: range.topic,
      partition: range.partition,
      from: range.from,
      to: range.to,
      first: first.appendMs,
      last: last.appendMs,
    },
    signal,
  );
  return new Set(rows.map(({ offset, index }) => rowKey(Number(offset), index)));
}
