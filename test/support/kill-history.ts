/** History against the log: every row there once, and none that the log does not have. */
import { frameRecord } from "../../services/contracts/frame.ts";
import { deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { History } from "../../services/history/history.ts";
import type { LogRecord } from "../../services/log/log.ts";
import type { LogOutcome } from "./hard-log-outcome.ts";
import { spansIn } from "./kill-count.ts";
import { spanKey } from "./kill-traffic.ts";
import type { Violation } from "./kill-verify.ts";

interface Archived {
  readonly spans: readonly LogRecord[];
  readonly written: LogOutcome;
  readonly deliveries: readonly LogRecord[];
}

/** A row's place in the log and what it says, as one text each. */
type Rows = readonly { readonly place: string; readonly what: string }[];

interface Expected {
  readonly what: string;
  readonly atMs: number;
}

export async function verifyHistory(history: History, archived: Archived): Promise<Violation[]> {
  const { spans, written, deliveries } = archived;
  const place = "concat(toString(source_partition), '/', toString(source_offset)";
  const rows = (what: string, table: string, tail = "") =>
    history.query<Rows[number]>(`SELECT ${place}${tail}) AS place, ${what} AS what FROM ${table}`);
  const perCell = ", '/', toString(source_index)";
  return [
    ...compare(
      "spans",
      await rows("concat(lower(hex(trace_id)), ':', lower(hex(span_id)))", "spans", perCell),
      expectedRows(
        spans,
        ({ value }) => (value.length === 0 ? [] : spansIn(value).map(spanKey)),
        true,
      ),
    ),
    ...compare(
      "windows",
      await rows("toString(requests)", "windows", perCell),
      expectedRows(written.records[topics.closed], ({ value }) => requestsOf(value), true),
    ),
    ...compare(
      "closed",
      await rows("base64Encode(record)", "closed"),
      expectedRows(written.records[topics.closed], bytesOf, false),
    ),
    ...compare(
      "verdicts",
      await rows("toString(requests)", "verdicts", perCell),
      expectedRows(
        written.records[topics.frames],
        ({ value }) => frameRecord.decode(value).cells.map(({ requests }) => String(requests)),
        true,
      ),
    ),
    ...compare(
      "incidents",
      await rows("base64Encode(record)", "incidents"),
      expectedRows(written.records[topics.incidents], bytesOf, false),
    ),
    ...compare(
      "deliveries",
      await rows("delivery", "deliveries"),
      expectedRows(
        firstOfEachKey(deliveries),
        ({ value }) => [deliveryRecord.decode(value).key],
        false,
      ),
    ),
  ];
}

const bytesOf = ({ value }: LogRecord) => [Buffer.from(value).toString("base64")];

const requestsOf = (value: Uint8Array) =>
  decodeWindow(value).cells.map(({ counters }) => String(counters[1] ?? 0));

function firstOfEachKey(records: readonly LogRecord[]): LogRecord[] {
  const known = new Set<string>();
  return records.filter(({ value }) => {
    const { key } = deliveryRecord.decode(value);
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

function expectedRows(
  records: readonly LogRecord[],
  rowsOf: (record: LogRecord) => readonly string[],
  isIndexed: boolean,
): Map<string, Expected> {
  const expected = new Map<string, Expected>();
  for (const record of records)
    rowsOf(record).forEach((what, index) => {
      const { partition, offset, appendMs } = record;
      const place = `${partition}/${offset}${isIndexed ? `/${index}` : ""}`;
      expected.set(place, { what, atMs: appendMs });
    });
  return expected;
}

function compare(table: string, rows: Rows, expected: ReadonlyMap<string, Expected>): Violation[] {
  const violations: Violation[] = [];
  const seen = new Set<string>();
  for (const { place, what } of rows) {
    const wanted = expected.get(place);
    const atMs = wanted?.atMs ?? 0;
    if (wanted === undefined)
      violations.push({ kind: "doubled", atMs, what: `${table} has a row ${place} too many` });
    else if (seen.has(place))
      violations.push({ kind: "doubled", atMs, what: `${table} has row ${place} twice` });
    else if (wanted.what !== what)
      violations.push({
        kind: "mismatch",
        atMs,
        what: `${table} row ${place} is ${what}, the log has ${wanted.what}`,
      });
    seen.add(place);
  }
  for (const [place, { atMs }] of expected)
    if (!seen.has(place))
      violations.push({ kind: "lost", atMs, what: `${table} lacks row ${place}` });
  return violations;
}
