/**
 * Records that the log holds twice. A task that dies between writing and its checkpoint writes the same records again, under the
 * same sequence; a delivery may be told twice under its key. History itself knows what it has, so the answer is the same
 * after any kill.
 */
import { ForeshockError } from "../contracts/errors.ts";
import { deliveryRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { History } from "../history/history.ts";
import type { HistoryTable } from "../history/tables.ts";
import type { LogRecord } from "../log/log.ts";
import type { RecordRange } from "../stage.ts";
import { upstreamOf } from "./upstream.ts";

/** The table whose rows tell which sequences of a topic are stored. */
const sequenceTables: Readonly<Record<string, HistoryTable>> = {
  [topics.closed]: "closed",
  [topics.frames]: "verdicts",
  [topics.incidents]: "incidents",
};

/** Last sequence of each upstream task in a partition, before a certain offset; 0: none is known. */
export type Sequences = ReadonlyMap<string, number>;

export interface NewRecords {
  readonly records: readonly LogRecord[];
  /** What is known behind the range. */
  readonly sequences: Sequences;
}

/**
 * The records of a range that were not in the log before it, given what is known of the partition before the range. Tasks that are
 * not known yet are looked up.
 */
export async function withoutRepeats(
  history: History,
  range: RecordRange,
  known: Sequences,
  signal: AbortSignal,
): Promise<NewRecords> {
  if (range.topic === topics.deliveries)
    return { records: await newDeliveries(history, range, signal), sequences: known };
  const table = sequenceTables[range.topic];
  if (table === undefined) return { records: range.records, sequences: known };
  const sequences = new Map(known);
  for (const [task, sequence] of await lookUp(history, { table, range, known }, signal))
    sequences.set(task, sequence);
  const records = range.records.filter((record) => {
    const upstream = upstreamOf(record);
    if (upstream === undefined) return true;
    if (upstream.sequence <= (sequences.get(upstream.task) ?? 0)) return false;
    sequences.set(upstream.task, upstream.sequence);
    return true;
  });
  return { records, sequences };
}

interface LookUp {
  readonly table: HistoryTable;
  readonly range: RecordRange;
  readonly known: Sequences;
}

/**
 * Last stored sequence of the range's unknown tasks. Only rows from the range's lowest sequence on are asked for: what the range
 * repeats is among them, and older ones need not be read. A record without rows is not found, and makes none if it
 * comes again. The latest row counts, not the highest sequence: a log that was begun anew counts from 1 again.
 */
async function lookUp(
  history: History,
  { table, range, known }: LookUp,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const upstreams = range.records.flatMap((record) => upstreamOf(record) ?? []);
  const unknown = upstreams.filter(({ task }) => !known.has(task));
  const found = new Map(unknown.map(({ task }) => [task, 0]));
  if (unknown.length === 0) return found;
  const rows = await history.query<{ task: string; sequence: string }>(
    `SELECT source_task AS task, argMax(source_sequence, (append_time, source_offset)) AS sequence
     FROM ${table}
     WHERE source_topic = {topic:String} AND source_partition = {partition:UInt32}
       AND source_offset < {from:UInt64} AND source_sequence >= {lowest:UInt64}
       AND source_task IN {tasks:Array(String)}
     GROUP BY task`,
    {
      topic: range.topic,
      partition: range.partition,
      from: range.from,
      lowest: unknown.reduce(
        (least, { sequence }) => Math.min(least, sequence),
        Number.MAX_SAFE_INTEGER,
      ),
      tasks: [...found.keys()],
    },
    signal,
  );
  for (const { task, sequence } of rows) found.set(task, Number(sequence));
  return found;
}

/** Deliveries whose key is not stored by an earlier range, each once. What does not decode is left for the caller to refuse. */
async function newDeliveries(
  history: History,
  range: RecordRange,
  signal: AbortSignal,
): Promise<readonly LogRecord[]> {
  const keys = new Map<LogRecord, string>();
  for (const record of range.records) {
    const key = deliveryKey(record);
    if (key !== undefined) keys.set(record, key);
  }
  const first = range.records[0];
  if (keys.size === 0 || first === undefined) return range.records;
  const rows = await history.query<{ delivery: string }>(
    `SELECT DISTINCT delivery FROM deliveries
     WHERE delivery IN {keys:Array(String)}
       AND NOT (source_topic = {topic:String} AND source_partition = {partition:UInt32}
         AND source_offset >= {from:UInt64} AND append_time >= fromUnixTimestamp64Milli({appended:Int64}))`,
    {
      keys: [...keys.values()],
      topic: range.topic,
      partition: range.partition,
      from: range.from,
      appended: first.appendMs,
    },
    signal,
  );
  const taken = new Set(rows.map(({ delivery }) => delivery));
  return range.records.filter((record) => {
    const key = keys.get(record);
    if (key === undefined) return true;
    if (taken.has(key)) return false;
    taken.add(key);
    return true;
  });
}

function deliveryKey(record: LogRecord): string | undefined {
  try {
    return deliveryRecord.decode(record.value).key;
  } catch (error) {
    if (error instanceof ForeshockError && error.code === "record_invalid") return undefined;
    throw error;
  }
}
