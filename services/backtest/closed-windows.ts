/** Closed windows in history, read in order and in pieces that fit into memory. */
import type { HistoryReader } from "../history/reader.ts";

export interface ClosedRange {
  /** First and last window, Unix ms; undefined where there is none. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly windowMs: number;
  /** Records; a window has one for each task, or several where it is large. */
  readonly records: number;
  readonly partitions: number;
  readonly epochs: readonly number[];
}

export interface ClosedRecord {
  readonly partition: number;
  readonly windowStartMs: number;
  readonly record: Uint8Array;
}

export interface Period {
  readonly fromMs: number;
  /** Excluded. */
  readonly toMs: number;
}

/** What lies in a period. */
export async function closedRange(reader: HistoryReader, period: Period): Promise<ClosedRange> {
  const [row] = await reader.rows<{
    first: number;
    last: number;
    window: number;
    records: number;
    partitions: number;
    epochs: number[];
  }>({
    sql: `SELECT toUnixTimestamp64Milli(min(window_start)) AS first, toUnixTimestamp64Milli(max(window_start)) AS last,
      max(window_ms) AS window, count() AS records, max(source_partition) + 1 AS partitions, arraySort(groupUniqArray(epoch)) AS epochs
      FROM closed WHERE ${within}`,
    parameters: parametersOf(period),
  });
  const isEmpty = row === undefined || row.records === 0;
  return {
    firstMs: isEmpty ? undefined : row.first,
    lastMs: isEmpty ? undefined : row.last,
    windowMs: row?.window ?? 0,
    records: row?.records ?? 0,
    partitions: isEmpty ? 0 : row.partitions,
    epochs: row?.epochs ?? [],
  };
}

const within =
  "window_start >= fromUnixTimestamp64Milli({from:Int64}) AND window_start < fromUnixTimestamp64Milli({to:Int64})";

const parametersOf = ({ fromMs, toMs }: Period) => ({ from: String(fromMs), to: String(toMs) });

/** Bytes of records in one answer. */
const pieceBytes = 32 * 1024 ** 2;

/** Records of the period in the order of windows, tasks and parts. The next piece is asked for while one is worked on. */
export async function* closedWindows(
  reader: HistoryReader,
  period: Period,
): AsyncGenerator<ClosedRecord> {
  const pieces = await piecesOf(reader, period);
  const read = (piece: Period | undefined) =>
    piece === undefined
      ? undefined
      : reader.ask({
          sql: `SELECT source_partition, toUnixTimestamp64Milli(window_start), record FROM closed WHERE ${within}
            ORDER BY window_start, task, part, append_time`,
          format: "RowBinary",
          parameters: parametersOf(piece),
        });
  let next = read(pieces[0]);
  for (let i = 0; next !== undefined; i++) {
    const bytes = await next;
    next = read(pieces[i + 1]);
    // Whoever stops early leaves it: nobody would hear of its failure.
    next?.catch(() => {});
    yield* rowsOf(bytes);
  }
}

async function piecesOf(reader: HistoryReader, period: Period): Promise<readonly Period[]> {
  const sizes = await reader.rows<{ at: number; bytes: number }>({
    sql: `SELECT toInt64(toUnixTimestamp(toStartOfMinute(window_start))) * 1000 AS at, sum(length(record)) AS bytes
      FROM closed WHERE ${within} GROUP BY at ORDER BY at`,
    parameters: parametersOf(period),
  });
  const pieces: Period[] = [];
  let fromMs = period.fromMs;
  let bytes = 0;
  for (const size of sizes) {
    if (bytes > 0 && bytes + size.bytes > pieceBytes) {
      pieces.push({ fromMs, toMs: size.at });
      fromMs = size.at;
      bytes = 0;
    }
    bytes += size.bytes;
  }
  if (bytes > 0) pieces.push({ fromMs, toMs: period.toMs });
  return pieces;
}

/** RowBinary: UInt32, Int64, and a text with its length before it. */
function* rowsOf(bytes: Uint8Array): Generator<ClosedRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const partition = view.getUint32(at, true);
    const windowStartMs = Number(view.getBigInt64(at + 4, true));
    at += 12;
    let length = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = view.getUint8(at++);
      length += (byte & 127) * shift;
      if (byte < 128) break;
    }
    yield { partition, windowStartMs, record: bytes.subarray(at, at + length) };
    at += length;
  }
}
