/**
 * The rival: the same job as one would write it first. protobufjs makes an object of every span, a string-keyed map of DDSketches
 * counts, and rows go as JSON into the Collector exporter's schema.
 */
import { createClient } from "@clickhouse/client";
import { DDSketch } from "@datadog/sketches-js";
import { topics } from "../../services/contracts/topics.ts";
import type { History } from "../../services/history/history.ts";
import type { Log } from "../../services/log/log.ts";
import { type AnyValue, ExportTraceServiceRequest, type KeyValue } from "../support/otlp-proto.ts";

export interface NaiveRun {
  readonly log: Log;
  readonly history: History;
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly spans: number;
  readonly send: () => Promise<void>;
}

const rowsPerInsert = 10_000;
const windowMs = 5_000;
const spanKinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const statusCodes = ["Unset", "Ok", "Error"];

const exporterTable = `CREATE TABLE otel_traces_naive (
  Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
  ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)), SpanName LowCardinality(String) CODEC(ZSTD(1)),
  SpanKind LowCardinality(String) CODEC(ZSTD(1)), ServiceName LowCardinality(String) CODEC(ZSTD(1)),
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)),
  ScopeVersion String CODEC(ZSTD(1)), SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  Duration UInt64 CODEC(ZSTD(1)), StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))`;

interface NaiveWindow {
  requests: number;
  failures: number;
  readonly duration: DDSketch;
  readonly firstToken: DDSketch;
}

export async function runNaive(
  run: NaiveRun,
): Promise<{ readonly counted: number; readonly storedRows: number }> {
  await run.history.command(exporterTable);
  const client = createClient({
    url: run.url,
    username: run.user,
    password: run.password,
    database: "foreshock",
  });
  const windows = new Map<string, NaiveWindow>();
  const sending = run.send();
  let rows: object[] = [];
  let taken = 0;
  const insert = async () => {
    const values = rows;
    rows = [];
    if (values.length > 0)
      await client.insert({ table: "otel_traces_naive", values, format: "JSONEachRow" });
  };
  for (let offset = 0; taken < run.spans; ) {
    const records = await run.log.read({
      topic: topics.traces,
      partition: 0,
      fromOffset: offset,
      maxBytes: 4 * 1024 * 1024,
      waitMs: 200,
    });
    for (const record of records) {
      offset = record.offset + 1;
      const request = ExportTraceServiceRequest.decode(record.value);
      for (const { resource, scopeSpans } of request.resourceSpans ?? []) {
        const resourceAttributes = attributesOf(resource?.attributes);
        for (const { scope, spans } of scopeSpans ?? []) {
          for (const span of spans ?? []) {
            taken++;
            const attributes = attributesOf(span.attributes);
            const start = BigInt(String(span.startTimeUnixNano ?? 0));
            const end = BigInt(String(span.endTimeUnixNano ?? 0));
            count(
              windows,
              attributes,
              resourceAttributes,
              Number(end / 1_000_000n),
              Number(end - start),
            );
            rows.push({
              Timestamp: `${start / 1_000_000_000n}.${String(start % 1_000_000_000n).padStart(9, "0")}`,
              TraceId: hex(span.traceId),
              SpanId: hex(span.spanId),
              ParentSpanId: hex(span.parentSpanId),
              TraceState: span.traceState ?? "",
              SpanName: span.name ?? "",
              SpanKind: spanKinds[Number(span.kind ?? 0)] ?? "",
              ServiceName: resourceAttributes["service.name"] ?? "",
              ResourceAttributes: resourceAttributes,
              ScopeName: scope?.name ?? "",
              ScopeVersion: scope?.version ?? "",
              SpanAttributes: attributes,
              Duration: String(end - start),
              StatusCode: statusCodes[Number(span.status?.code ?? 0)] ?? "",
              StatusMessage: span.status?.message ?? "",
            });
          }
        }
      }
      if (rows.length >= rowsPerInsert) await insert();
    }
  }
  await insert();
  await sending;
  await client.close();
  const counted = [...windows.values()].reduce((sum, { requests }) => sum + requests, 0);
  const [stored] = await run.history.query<{ n: string }>(
    "SELECT count() AS n FROM otel_traces_naive",
  );
  return { counted, storedRows: Number(stored?.n ?? 0) };
}

function count(
  windows: Map<string, NaiveWindow>,
  attributes: Record<string, string>,
  resource: Record<string, string>,
  endMs: number,
  durationNs: number,
): void {
  const key = [
    attributes["gen_ai.provider.name"],
    attributes["gen_ai.request.model"],
    resource["cloud.region"],
    attributes["gen_ai.operation.name"],
    Math.floor(endMs / windowMs),
  ].join("|");
  let window = windows.get(key);
  if (window === undefined) {
    window = { requests: 0, failures: 0, duration: new DDSketch(), firstToken: new DDSketch() };
    windows.set(key, window);
  }
  window.requests++;
  if (attributes["error.type"] !== undefined) window.failures++;
  window.duration.accept(durationNs / 1_000);
  const firstToken = Number(attributes["gen_ai.response.time_to_first_chunk"]);
  if (firstToken > 0) window.firstToken.accept(firstToken * 1e6);
}

function attributesOf(list: readonly KeyValue[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key ?? "", textOf(value)]));
}

function textOf(value: AnyValue | undefined): string {
  if (value === undefined) return "";
  if (value.arrayValue !== undefined)
    return JSON.stringify((value.arrayValue.values ?? []).map(textOf));
  return String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? "");
}

const hex = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? "" : Buffer.from(bytes).toString("hex");
