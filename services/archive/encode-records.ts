import { setImmediate as nextTurn } from "node:timers/promises";
import { ForeshockError } from "../contracts/errors.ts";
import type { LogRecord } from "../log/log.ts";
import type { RangeRejection } from "../stage.ts";
import type { RecordRows } from "./record-rows.ts";
import type { PendingBlock, StoredRows } from "./table-blocks.ts";

/** Bytes of records that are encoded before others may use the thread: about 1 ms. */
const turnBytes = 256 * 1024;

export interface EncodedRecords {
  readonly blocks: readonly PendingBlock[];
  readonly rejections: readonly RangeRejection[];
}

/** Turns records into blocks; what does not decode is left out and named. `rows` must not be used by another call meanwhile. */
export async function encodeRecords(
  rows: RecordRows,
  records: readonly LogRecord[],
  storedIn: (table: string) => StoredRows | undefined,
): Promise<EncodedRecords> {
  const begin = () => {
    for (const table of rows.tables) table.begin(storedIn(table.table));
  };
  begin();
  const rejections = await appendAll(rows, records);
  if (rows.isStreaming && rejections.length > 0) {
    // The bad ones left half rows between the good: once more, without them.
    const rejected = new Set(rejections.map(({ offset }) => offset));
    begin();
    await appendAll(
      rows,
      records.filter(({ offset }) => !rejected.has(offset)),
    );
  }
  return { blocks: rows.tables.flatMap((table) => table.finish()), rejections };
}

async function appendAll(
  rows: RecordRows,
  records: readonly LogRecord[],
): Promise<readonly RangeRejection[]> {
  const rejections: RangeRejection[] = [];
  let bytes = 0;
  for (const record of records) {
    // Heartbeats: time passes, nothing happened.
    if (record.value.length === 0) continue;
    try {
      rows.append(record);
    } catch (error) {
      if (!(error instanceof ForeshockError && error.code === "record_invalid")) throw error;
      rejections.push({ offset: record.offset, code: error.code, reason: error.message });
      if (rows.isStreaming) for (const table of rows.tables) table.spoil();
    }
    bytes += record.value.length;
    if (bytes < turnBytes) continue;
    bytes = 0;
    await nextTurn();
  }
  return rejections;
}
