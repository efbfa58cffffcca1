/**
 * The messages of OTLP as a table: what the walker checks and the JSON transcoder writes.
 * Numbers and types are those of the OTLP specification 1.x (opentelemetry.proto.*.v1).
 */

/** How a field is written. `id` is bytes that JSON shows in hexadecimal; `text` is a string that may hold content. */
export type ScalarType =
  | "string"
  | "text"
  | "bytes"
  | "id"
  | "bool"
  | "int64"
  | "uint32"
  | "uint64"
  | "enum"
  | "sint32"
  | "double"
  | "fixed64"
  | "sfixed64"
  | "fixed32";

export type MessageName = keyof typeof fields;
type FieldType = ScalarType | `${ScalarType}[]` | string;
/** Field number, name in protobuf, type; `[]` is repeated, a capital letter begins a message's name. */
type Row = readonly [number: number, name: string, type: FieldType];

const attributes = (number: number): Row => [number, "attributes", "KeyValue[]"];
const dropped = (number: number): Row => [number, "dropped_attributes_count", "uint32"];
const schemaUrl: Row = [3, "schema_url", "string"];
const resource: Row = [1, "resource", "Resource"];
const scope: Row = [1, "scope", "InstrumentationScope"];
const pointTimes: readonly Row[] = [
  [2, "start_time_unix_nano", "fixed64"],
  [3, "time_unix_nano", "fixed64"],
];

const fields = {
  ExportTraceServiceRequest: [[1, "resource_spans", "ResourceSpans[]"]],
  ResourceSpans: [resource, [2, "scope_spans", "ScopeSpans[]"], schemaUrl],
  ScopeSpans: [scope, [2, "spans", "Span[]"], schemaUrl],
  Span: [
    [1, "trace_id", "id"],
    [2, "span_id", "id"],
    [3, "trace_state", "string"],
    [4, "parent_span_id", "id"],
    [5, "name", "string"],
    [6, "kind", "enum"],
    [7, "start_time_unix_nano", "fixed64"],
    [8, "end_time_unix_nano", "fixed64"],
    attributes(9),
    dropped(10),
    [11, "events", "SpanEvent[]"],
    [12, "dropped_events_count", "uint32"],
    [13, "links", "SpanLink[]"],
    [14, "dropped_links_count", "uint32"],
    [15, "status", "Status"],
    [16, "flags", "fixed32"],
  ],
  SpanEvent: [[1, "time_unix_nano", "fixed64"], [2, "name", "string"], attributes(3), dropped(4)],
  SpanLink: [
    [1, "trace_id", "id"],
    [2, "span_id", "id"],
    [3, "trace_state", "string"],
    attributes(4),
    dropped(5),
    [6, "flags", "fixed32"],
  ],
  Status: [
    [2, "message", "text"],
    [3, "code", "enum"],
  ],

  ExportMetricsServiceRequest: [[1, "resource_metrics", "ResourceMetrics[]"]],
  ResourceMetrics: [resource, [2, "scope_metrics", "ScopeMetrics[]"], schemaUrl],
  ScopeMetrics: [scope, [2, "metrics", "Metric[]"], schemaUrl],
  Metric: [
    [1, "name", "string"],
    [2, "description", "string"],
    [3, "unit", "string"],
    [5, "gauge", "Gauge"],
    [7, "sum", "Sum"],
    [9, "histogram", "Histogram"],
    [10, "exponential_histogram", "ExponentialHistogram"],
    [11, "summary", "Summary"],
    [12, "metadata", "KeyValue[]"],
  ],
  Gauge: [[1, "data_points", "NumberDataPoint[]"]],
  Sum: [
    [1, "data_points", "NumberDataPoint[]"],
    [2, "aggregation_temporality", "enum"],
    [3, "is_monotonic", "bool"],
  ],
  Histogram: [
    [1, "data_points", "HistogramDataPoint[]"],
    [2, "aggregation_temporality", "enum"],
  ],
  ExponentialHistogram: [
    [1, "data_points", "ExponentialHistogramDataPoint[]"],
    [2, "aggregation_temporality", "enum"],
  ],
  Summary: [[1, "data_points", "SummaryDataPoint[]"]],
  NumberDataPoint: [
    ...pointTimes,
    [4, "as_double", "double"],
    [5, "exemplars", "Exemplar[]"],
    [6, "as_int", "sfixed64"],
    attributes(7),
    [8, "flags", "uint32"],
  ],
  HistogramDataPoint: [
    ...pointTimes,
    [4, "count", "fixed64"],
    [5, "sum", "double"],
    [6, "bucket_counts", "fixed64[]"],
    [7, "explicit_bounds", "double[]"],
    [8, "exemplars", "Exemplar[]"],
    attributes(9),
    [10, "flags", "uint32"],
    [11, "min", "double"],
    [12, "max", "double"],
  ],
  ExponentialHistogramDataPoint: [
    attributes(1),
    ...pointTimes,
    [4, "count", "fixed64"],
    [5, "sum", "double"],
    [6, "scale", "sint32"],
    [7, "zero_count", "fixed64"],
    [8, "positive", "Buckets"],
    [9, "negative", "Buckets"],
    [10, "flags", "uint32"],
    [11, "exemplars", "Exemplar[]"],
    [12, "min", "double"],
    [13, "max", "double"],
    [14, "zero_threshold", "double"],
  ],
  Buckets: [
    [1, "offset", "sint32"],
    [2, "bucket_counts", "uint64[]"],
  ],
  SummaryDataPoint: [
    ...pointTimes,
    [4, "count", "fixed64"],
    [5, "sum", "double"],
    [6, "quantile_values", "ValueAtQuantile[]"],
    attributes(7),
    [8, "flags", "uint32"],
  ],
  ValueAtQuantile: [
    [1, "quantile", "double"],
    [2, "value", "double"],
  ],
  Exemplar: [
    [2, "time_unix_nano", "fixed64"],
    [3, "as_double", "double"],
    [4, "span_id", "id"],
    [5, "trace_id", "id"],
    [6, "as_int", "sfixed64"],
    [7, "filtered_attributes", "KeyValue[]"],
  ],

  ExportLogsServiceRequest: [[1, "resource_logs", "ResourceLogs[]"]],
  ResourceLogs: [resource, [2, "scope_logs", "ScopeLogs[]"], schemaUrl],
  ScopeLogs: [scope, [2, "log_records", "LogRecord[]"], schemaUrl],
  LogRecord: [
    [1, "time_unix_nano", "fixed64"],
    [2, "severity_number", "enum"],
    [3, "severity_text", "string"],
    [5, "body", "AnyValue"],
    attributes(6),
    dropped(7),
    [8, "flags", "fixed32"],
    [9, "trace_id", "id"],
    [10, "span_id", "id"],
    [11, "observed_time_unix_nano", "fixed64"],
    [12, "event_name", "string"],
  ],

  Resource: [attributes(1), dropped(2), [3, "entity_refs", "EntityRef[]"]],
  EntityRef: [
    [1, "schema_url", "string"],
    [2, "type", "string"],
    [3, "id_keys", "string[]"],
    [4, "description_keys", "string[]"],
  ],
  InstrumentationScope: [
    [1, "name", "string"],
    [2, "version", "string"],
    attributes(3),
    dropped(4),
  ],
  KeyValue: [
    [1, "key", "string"],
    [2, "value", "AnyValue"],
  ],
  AnyValue: [
    [1, "string_value", "string"],
    [2, "bool_value", "bool"],
    [3, "int_value", "int64"],
    [4, "double_value", "double"],
    [5, "array_value", "ArrayValue"],
    [6, "kvlist_value", "KeyValueList"],
    [7, "bytes_value", "bytes"],
  ],
  ArrayValue: [[1, "values", "AnyValue[]"]],
  KeyValueList: [[1, "values", "KeyValue[]"]],
} as const satisfies Record<string, readonly Row[]>;

export interface OtlpField {
  readonly number: number;
  /** As in protobuf: `trace_id`. */
  readonly name: string;
  /** As in JSON: `traceId`. */
  readonly jsonName: string;
  readonly isRepeated: boolean;
  /** Exactly one of the two is set. */
  readonly scalar: ScalarType | undefined;
  readonly message: OtlpMessage | undefined;
}

export interface OtlpMessage {
  readonly name: MessageName;
  /** Dense, in the order of the table; for compiled lookups. */
  readonly index: number;
  readonly fields: readonly OtlpField[];
  readonly byNumber: ReadonlyMap<number, OtlpField>;
  /** Under both names, as OTLP/JSON receivers take them. */
  readonly byJsonName: ReadonlyMap<string, OtlpField>;
}

export const otlpMessages: Readonly<Record<MessageName, OtlpMessage>> = link();

function link(): Record<MessageName, OtlpMessage> {
  const names = Object.keys(fields) as MessageName[];
  const linked = {} as Record<MessageName, OtlpMessage>;
  const filling = new Map<MessageName, OtlpField[]>();
  names.forEach((name, index) => {
    const list: OtlpField[] = [];
    filling.set(name, list);
    linked[name] = { name, index, fields: list, byNumber: new Map(), byJsonName: new Map() };
  });
  for (const name of names) {
    const message = linked[name];
    for (const [number, fieldName, type] of fields[name] as readonly Row[]) {
      const isRepeated = type.endsWith("[]");
      const base = isRepeated ? type.slice(0, -2) : type;
      const target = linked[base as MessageName];
      const field: OtlpField = {
        number,
        name: fieldName,
        jsonName: fieldName.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        isRepeated,
        scalar: target === undefined ? (base as ScalarType) : undefined,
        message: target,
      };
      filling.get(name)?.push(field);
      (message.byNumber as Map<number, OtlpField>).set(number, field);
      (message.byJsonName as Map<string, OtlpField>).set(field.jsonName, field);
      (message.byJsonName as Map<string, OtlpField>).set(field.name, field);
    }
  }
  return linked;
}
