/**
 * The rival: the same job as one would write it first. protobufjs makes an object of every span, a string-keyed map of DDSketches
 * counts, and rows go as JSON into the Collector exporter's schema.
 */
import { createClient } from "@clickhouse/client";
import { DDSketch } from "@datadog/sketches-js";
import { topics } from "../../services/contracts/topics.ts";
import type { History } from "../../services/history/history.ts";
import type { Log } from "../../services/log/log.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

export interface NaiveOptions {
  readonly log: Log;
  readonly history: History;
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface Naive extends AsyncDisposable {
  /** Takes so many spans from the log; resolves when they are counted and stored. */
  consume(spans: number): Promise<void>;
  /** Spans in its windows so far. */
  counted(): number;
}

/** What protobufjs decodes to, without a further conversion: 64-bit integers are Longs, absent messages null. */
interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] } | null;
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string } | null;
      readonly spans: readonly Span[];
    }[];
  }[];
}
interface Long {
  readonly low: number;
  readonly high: number;
}
interface Attribute {
  readonly key: string;
  readonly value: Value | null;
}
interface Value {
  /** Name of the field that is set. */
  readonly value?: string;
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Long;
  readonly doubleValue: number;
  readonly arrayValue: { readonly values: readonly Value[] };
}
interface Span {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: Long;
  readonly endTimeUnixNano: Long;
  readonly attributes: readonly Attribute[];
  readonly events: readonly {
    readonly timeUnixNano: Long;
    readonly name: string;
    readonly attributes: readonly Attribute[];
  }[];
  readonly links: readonly {
    readonly traceId: Uint8Array;
    readonly spanId: Uint8Array;
    readonly traceState: string;
    readonly attributes: readonly Attribute[];
  }[];
  readonly status: { readonly code: number; readonly message: string } | null;
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
  Events Nested (
    Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)
  ) CODEC(ZSTD(1)),
  Links Nested (
    TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)
  ) CODEC(ZSTD(1)),
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

export async function openNaive(options: NaiveOptions): Promise<Naive> {
  const { log, history, url, user, password } = options;
  await history.command(exporterTable);
  const client = createClient({ url, username: user, password, database: "foreshock" });
  const windows = new Map<string, NaiveWindow>();
  let offset = 0;
  let rows: object[] = [];

  async function insert(): Promise<void> {
    const values = rows;
    rows = [];
    if (values.length > 0)
      await client.insert({ table: "otel_traces_naive", values, format: "JSONEachRow" });
  }

  /** Returns the number of its spans. */
  function take(bytes: Uint8Array): number {
    let spanCount = 0;
    const request = ExportTraceServiceRequest.type.decode(bytes) as unknown as Request;
    for (const { resource, scopeSpans } of request.resourceSpans) {
      const resourceAttributes = attributesOf(resource?.attributes ?? []);
      for (const { scope, spans } of scopeSpans) {
        for (const span of spans) {
          spanCount++;
          const attributes = attributesOf(span.attributes);
          const start = bigIntOf(span.startTimeUnixNano);
          const end = bigIntOf(span.endTimeUnixNano);
          count(windows, attributes, resourceAttributes, {
            endMs: Number(end / 1_000_000n),
            durationNs: Number(end - start),
          });
          rows.push({
            Timestamp: timestampOf(start),
            TraceId: hex(span.traceId),
            SpanId: hex(span.spanId),
            ParentSpanId: hex(span.parentSpanId),
            TraceState: span.traceState,
            SpanName: span.name,
            SpanKind: spanKinds[span.kind] ?? "",
            ServiceName: resourceAttributes["service.name"] ?? "",
            ResourceAttributes: resourceAttributes,
            ScopeName: scope?.name ?? "",
            ScopeVersion: scope?.version ?? "",
            SpanAttributes: attributes,
            Duration: String(end - start),
            StatusCode: statusCodes[span.status?.code ?? 0] ?? "",
            StatusMessage: span.status?.message ?? "",
            "Events.Timestamp": span.events.map((event) =>
              timestampOf(bigIntOf(event.timeUnixNano)),
            ),
            "Events.Name": span.events.map((event) => event.name),
            "Events.Attributes": span.events.map((event) => attributesOf(event.attributes)),
            "Links.TraceId": span.links.map((link) => hex(link.traceId)),
            "Links.SpanId": span.links.map((link) => hex(link.spanId)),
            "Links.TraceState": span.links.map((link) => link.traceState),
            "Links.Attributes": span.links.map((link) => attributesOf(link.attributes)),
          });
        }
      }
    }
    return spanCount;
  }

  return {
    async consume(spans) {
      for (let taken = 0; taken < spans; ) {
        const records = await log.read({
          topic: topics.traces,
          partition: 0,
          fromOffset: offset,
          maxBytes: 4 * 1024 * 1024,
          waitMs: 200,
        });
        for (const record of records) {
          offset = record.offset + 1;
          taken += take(record.value);
          if (rows.length >= rowsPerInsert) await insert();
        }
      }
      await insert();
    },
    counted: () => [...windows.values()].reduce((sum, { requests }) => sum + requests, 0),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function count(
  windows: Map<string, NaiveWindow>,
  attributes: Record<string, string>,
  resource: Record<string, string>,
  { endMs, durationNs }: { readonly endMs: number; readonly durationNs: number },
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

function attributesOf(list: readonly Attribute[]): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const { key, value } of list) attributes[key] = textOf(value);
  return attributes;
}

function textOf(value: Value | null): string {
  switch (value?.value) {
    case "stringValue":
      return value.stringValue;
    case "intValue":
      return String(bigIntOf(value.intValue));
    case "doubleValue":
      return String(value.doubleValue);
    case "boolValue":
      return String(value.boolValue);
    case "arrayValue":
      return JSON.stringify(value.arrayValue.values.map(textOf));
    default:
      return "";
  }
}

const bigIntOf = ({ low, high }: Long) => (BigInt(high) << 32n) | BigInt(low >>> 0);

const timestampOf = (ns: bigint) =>
  `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
