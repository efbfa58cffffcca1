/** Builders for OTLP messages in tests: valid by default, with the fields a test is about overridden. */
import {
  type AnyValue,
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  type KeyValue,
  type LogRecord,
  type Metric,
  type Span,
} from "./otlp-proto.ts";

export const text = (key: string, stringValue: string): KeyValue => ({
  key,
  value: { stringValue },
});
export const integer = (key: string, intValue: number): KeyValue => ({ key, value: { intValue } });
export const list = (key: string, ...values: AnyValue[]): KeyValue => ({
  key,
  value: { arrayValue: { values } },
});

/** Distinct valid ids for small numbers. */
export const traceId = (number: number): Buffer => id(16, number);
export const spanId = (number: number): Buffer => id(8, number);

function id(size: number, number: number): Buffer {
  const bytes = Buffer.alloc(size, 1);
  bytes.writeUInt32BE(number, 0);
  return bytes;
}

export const aSpan = (overrides: Span = {}): Span => ({
  traceId: traceId(1),
  spanId: spanId(1),
  name: "chat gpt-4o",
  kind: 3,
  startTimeUnixNano: "1800000000000000001",
  endTimeUnixNano: "1800000000900000001",
  attributes: [text("gen_ai.request.model", "gpt-4o"), integer("gen_ai.usage.input_tokens", 12)],
  ...overrides,
});

const resource = { attributes: [text("service.name", "chat-app")] };
const scope = { name: "chat-app", version: "1.0.0" };

export const traceRequest = (...spans: Span[]): Uint8Array =>
  ExportTraceServiceRequest.encode({
    resourceSpans: [
      { resource, scopeSpans: [{ scope, spans, schemaUrl: "https://example.org/1" }] },
    ],
  });

export const metricsRequest = (...metrics: Metric[]): Uint8Array =>
  ExportMetricsServiceRequest.encode({
    resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }],
  });

export const logsRequest = (...logRecords: LogRecord[]): Uint8Array =>
  ExportLogsServiceRequest.encode({
    resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }],
  });

export const spansOf = (request: Uint8Array): Span[] =>
  (ExportTraceServiceRequest.decode(request).resourceSpans ?? []).flatMap((each) =>
    (each.scopeSpans ?? []).flatMap(({ spans }) => spans ?? []),
  );

export const metricsOf = (request: Uint8Array): Metric[] =>
  (ExportMetricsServiceRequest.decode(request).resourceMetrics ?? []).flatMap((each) =>
    (each.scopeMetrics ?? []).flatMap(({ metrics }) => metrics ?? []),
  );

export const logRecordsOf = (request: Uint8Array): LogRecord[] =>
  (ExportLogsServiceRequest.decode(request).resourceLogs ?? []).flatMap((each) =>
    (each.scopeLogs ?? []).flatMap(({ logRecords }) => logRecords ?? []),
  );
