/** Rows of a table in the Collector exporter's schema (`otel_traces`) as export requests, so that they run through the same code. */
import { WireWriter } from "../contracts/wire.ts";

/** A row of `traceRowsQuery`. */
export interface TraceRow {
  /** 64-bit integers come as texts. */
  readonly startNs: string;
  readonly Duration: string;
  readonly TraceId: string;
  readonly SpanId: string;
  readonly ParentSpanId: string;
  readonly TraceState: string;
  readonly SpanName: string;
  readonly SpanKind: string;
  readonly ServiceName: string;
  readonly ResourceAttributes: Readonly<Record<string, string>>;
  readonly ScopeName: string;
  readonly SpanAttributes: Readonly<Record<string, string>>;
  readonly StatusCode: string;
  readonly StatusMessage: string;
  readonly eventNames: readonly string[];
  readonly eventNs: readonly string[];
  readonly eventAttributes: readonly Readonly<Record<string, string>>[];
}

/** `table` is `name` or `database.name`, checked by the caller; the newest spans, oldest first. */
export const traceRowsQuery = (table: string, limit: number): string =>
  `SELECT * FROM (SELECT toUnixTimestamp64Nano(Timestamp) AS startNs, Duration, TraceId, SpanId, ParentSpanId, TraceState, SpanName,
    SpanKind, ServiceName, ResourceAttributes, ScopeName, SpanAttributes, StatusCode, StatusMessage, Events.Name AS eventNames,
    arrayMap(at -> toUnixTimestamp64Nano(at), Events.Timestamp) AS eventNs, Events.Attributes AS eventAttributes
  FROM ${table} ORDER BY Timestamp DESC LIMIT ${limit}) ORDER BY startNs + Duration`;

export interface TableRequest {
  /** Latest end of a span in it, Unix ms: when it may have arrived. */
  readonly endMs: number;
  readonly payload: Uint8Array;
}

const rowsPerRequest = 500;

/** `rows` by their ends. */
export function requestsOf(rows: readonly TraceRow[]): readonly TableRequest[] {
  const requests: TableRequest[] = [];
  for (let at = 0; at < rows.length; at += rowsPerRequest) {
    const batch = rows.slice(at, at + rowsPerRequest);
    const writer = new WireWriter();
    for (const row of batch) writer.message(1, () => writeRow(writer, row));
    const last = batch.at(-1);
    const endMs = last === undefined ? 0 : Number(endNs(last) / 1_000_000n);
    requests.push({ endMs, payload: writer.finish() });
  }
  return requests;
}

const endNs = (row: TraceRow) => BigInt(row.startNs) + BigInt(row.Duration);

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const statuses = ["unset", "ok", "error"];
const numberOf = (names: readonly string[], text: string) =>
  Math.max(0, names.indexOf(text.replace(/^(SPAN_KIND|STATUS_CODE)_/i, "").toLowerCase()));

/** A `ResourceSpans` of one span. */
function writeRow(writer: WireWriter, row: TraceRow): void {
  const resource = { "service.name": row.ServiceName, ...row.ResourceAttributes };
  writer.message(1, () => writeAttributes(writer, 1, resource));
  writer.message(2, () => {
    writer.message(1, () => writer.string(1, row.ScopeName));
    writer.message(2, () => writeSpan(writer, row));
  });
}

function writeSpan(writer: WireWriter, row: TraceRow): void {
  writer.bytes(1, Buffer.from(row.TraceId, "hex")).bytes(2, Buffer.from(row.SpanId, "hex"));
  if (row.TraceState !== "") writer.string(3, row.TraceState);
  if (row.ParentSpanId !== "") writer.bytes(4, Buffer.from(row.ParentSpanId, "hex"));
  writer.string(5, row.SpanName).uint(6, numberOf(kinds, row.SpanKind));
  writer.fixed64(7, BigInt(row.startNs)).fixed64(8, endNs(row));
  writeAttributes(writer, 9, row.SpanAttributes);
  for (const [index, name] of row.eventNames.entries())
    writer.message(11, () => {
      writer.fixed64(1, BigInt(row.eventNs[index] ?? row.startNs)).string(2, name);
      writeAttributes(writer, 3, row.eventAttributes[index] ?? {});
    });
  writer.message(15, () => {
    if (row.StatusMessage !== "") writer.string(2, row.StatusMessage);
    writer.uint(3, numberOf(statuses, row.StatusCode));
  });
}

/** The table has texts only; what reads as a number was one. */
function writeAttributes(
  writer: WireWriter,
  field: number,
  attributes: Readonly<Record<string, string>>,
): void {
  for (const [key, text] of Object.entries(attributes))
    writer.message(field, () => {
      writer.string(1, key).message(2, () => {
        if (/^-?\d{1,15}$/.test(text)) writer.int64(3, BigInt(text));
        else if (/^-?\d+\.\d+(e-?\d+)?$/i.test(text)) writer.double(4, Number(text));
        else writer.string(1, text);
      });
    });
}
