/**
 * OTLP as protobufjs reads and writes it: the oracle that the hand-written readers and writers are compared with.
 * Field numbers are those of the OTLP specification 1.x (opentelemetry.proto.*.v1).
 */
import protobuf from "protobufjs";

const { root } = protobuf.parse(
  `
syntax = "proto3";
package otlp;

message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ExportTraceServiceResponse { TracePartialSuccess partial_success = 1; }
message ExportMetricsServiceResponse { MetricsPartialSuccess partial_success = 1; }
message ExportLogsServiceResponse { LogsPartialSuccess partial_success = 1; }
message TracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message MetricsPartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
message LogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }

message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}
message EntityRef {
  string schema_url = 1; string type = 2; repeated string id_keys = 3; repeated string description_keys = 4;
}
message Resource {
  repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; repeated EntityRef entity_refs = 3;
}

message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; fixed32 flags = 16;
  message Event {
    fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
  }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
}
message Status { string message = 2; int32 code = 3; }

message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
message ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data {
    Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
    ExponentialHistogram exponential_histogram = 10; Summary summary = 11;
  }
  repeated KeyValue metadata = 12;
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message ExponentialHistogram { repeated ExponentialHistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message Summary { repeated SummaryDataPoint data_points = 1; }
message NumberDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  repeated Exemplar exemplars = 5; repeated KeyValue attributes = 7; uint32 flags = 8;
}
message HistogramDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; optional double sum = 5;
  repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated Exemplar exemplars = 8;
  repeated KeyValue attributes = 9; uint32 flags = 10; optional double min = 11; optional double max = 12;
}
message ExponentialHistogramDataPoint {
  repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7;
  Buckets positive = 8; Buckets negative = 9; uint32 flags = 10; repeated Exemplar exemplars = 11;
  optional double min = 12; optional double max = 13; double zero_threshold = 14;
  message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
}
message SummaryDataPoint {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5;
  repeated ValueAtQuantile quantile_values = 6; repeated KeyValue attributes = 7; uint32 flags = 8;
  message ValueAtQuantile { double quantile = 1; double value = 2; }
}
message Exemplar {
  fixed64 time_unix_nano = 2; oneof value { double as_double = 3; sfixed64 as_int = 6; }
  bytes span_id = 4; bytes trace_id = 5; repeated KeyValue filtered_attributes = 7;
}

message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8;
  bytes trace_id = 9; bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}

message RpcStatus { int32 code = 1; string message = 2; repeated RpcAny details = 3; }
message RpcAny { string type_url = 1; bytes value = 2; }
message RetryInfo { Duration retry_delay = 1; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
`,
  { keepCase: false },
);

/** 64-bit integers go in as numbers or decimal strings and come out as decimal strings, exact. */
export type Integer64 = number | string;

export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: Integer64;
  doubleValue?: number;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
  bytesValue?: Uint8Array;
}
export interface KeyValue {
  key?: string;
  value?: AnyValue;
}
interface WithAttributes {
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
}
export interface Resource extends WithAttributes {
  entityRefs?: object[];
}
export interface Scope extends WithAttributes {
  name?: string;
  version?: string;
}
export interface SpanEvent extends WithAttributes {
  timeUnixNano?: Integer64;
  name?: string;
}
export interface SpanLink extends WithAttributes {
  traceId?: Uint8Array;
  spanId?: Uint8Array;
  traceState?: string;
  flags?: number;
}
export interface Span extends WithAttributes {
  traceId?: Uint8Array;
  spanId?: Uint8Array;
  traceState?: string;
  parentSpanId?: Uint8Array;
  name?: string;
  kind?: number;
  startTimeUnixNano?: Integer64;
  endTimeUnixNano?: Integer64;
  events?: SpanEvent[];
  droppedEventsCount?: number;
  links?: SpanLink[];
  droppedLinksCount?: number;
  status?: { message?: string; code?: number };
  flags?: number;
}
export interface Exemplar {
  timeUnixNano?: Integer64;
  asDouble?: number;
  asInt?: Integer64;
  spanId?: Uint8Array;
  traceId?: Uint8Array;
  filteredAttributes?: KeyValue[];
}
interface DataPoint {
  attributes?: KeyValue[];
  startTimeUnixNano?: Integer64;
  timeUnixNano?: Integer64;
  flags?: number;
}
export interface NumberDataPoint extends DataPoint {
  asDouble?: number;
  asInt?: Integer64;
  exemplars?: Exemplar[];
}
export interface HistogramDataPoint extends DataPoint {
  count?: Integer64;
  sum?: number;
  bucketCounts?: Integer64[];
  explicitBounds?: number[];
  exemplars?: Exemplar[];
  min?: number;
  max?: number;
}
export interface ExponentialHistogramDataPoint extends DataPoint {
  count?: Integer64;
  sum?: number;
  scale?: number;
  zeroCount?: Integer64;
  positive?: { offset?: number; bucketCounts?: Integer64[] };
  negative?: { offset?: number; bucketCounts?: Integer64[] };
  exemplars?: Exemplar[];
  min?: number;
  max?: number;
  zeroThreshold?: number;
}
export interface SummaryDataPoint extends DataPoint {
  count?: Integer64;
  sum?: number;
  quantileValues?: { quantile?: number; value?: number }[];
}
export interface Metric {
  name?: string;
  description?: string;
  unit?: string;
  gauge?: { dataPoints?: NumberDataPoint[] };
  sum?: {
    dataPoints?: NumberDataPoint[];
    aggregationTemporality?: number;
    isMonotonic?: boolean;
  };
  histogram?: { dataPoints?: HistogramDataPoint[]; aggregationTemporality?: number };
  exponentialHistogram?: {
    dataPoints?: ExponentialHistogramDataPoint[];
    aggregationTemporality?: number;
  };
  summary?: { dataPoints?: SummaryDataPoint[] };
  metadata?: KeyValue[];
}
export interface LogRecord extends WithAttributes {
  timeUnixNano?: Integer64;
  observedTimeUnixNano?: Integer64;
  severityNumber?: number;
  severityText?: string;
  body?: AnyValue;
  flags?: number;
  traceId?: Uint8Array;
  spanId?: Uint8Array;
  eventName?: string;
}
export interface ScopeSpans {
  scope?: Scope;
  spans?: Span[];
  schemaUrl?: string;
}
export interface ScopeMetrics {
  scope?: Scope;
  metrics?: Metric[];
  schemaUrl?: string;
}
export interface ScopeLogs {
  scope?: Scope;
  logRecords?: LogRecord[];
  schemaUrl?: string;
}
export interface TraceRequest {
  resourceSpans?: { resource?: Resource; scopeSpans?: ScopeSpans[]; schemaUrl?: string }[];
}
export interface MetricsRequest {
  resourceMetrics?: { resource?: Resource; scopeMetrics?: ScopeMetrics[]; schemaUrl?: string }[];
}
export interface LogsRequest {
  resourceLogs?: { resource?: Resource; scopeLogs?: ScopeLogs[]; schemaUrl?: string }[];
}
export interface ExportResponse {
  partialSuccess?: {
    rejectedSpans?: string;
    rejectedDataPoints?: string;
    rejectedLogRecords?: string;
    errorMessage?: string;
  };
}
export interface RpcStatus {
  code?: number;
  message?: string;
  details?: { typeUrl?: string; value?: Uint8Array }[];
}

export interface OracleCodec<T> {
  /** Takes what `decode` gives; absent fields are left out. */
  encode(message: T): Uint8Array;
  /** Present fields only (proto3 defaults are absent), bytes as Buffers; throws on bytes that are no such message. */
  decode(bytes: Uint8Array): T;
  readonly type: protobuf.Type;
}

/** Enough for a test to say `const x: Span = …` and for exact comparison of what came out. */
function codec<T extends object>(name: string): OracleCodec<T> {
  const type = root.lookupType(`otlp.${name}`);
  return {
    type,
    encode: (message) => type.encode(type.fromObject(message)).finish(),
    decode: (bytes) => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return type.toObject(type.decode(buffer), { longs: String }) as T;
    },
  };
}

export const ExportTraceServiceRequest = codec<TraceRequest>("ExportTraceServiceRequest");
export const ExportMetricsServiceRequest = codec<MetricsRequest>("ExportMetricsServiceRequest");
export const ExportLogsServiceRequest = codec<LogsRequest>("ExportLogsServiceRequest");
export const ExportTraceServiceResponse = codec<ExportResponse>("ExportTraceServiceResponse");
export const RpcStatusCodec = codec<RpcStatus>("RpcStatus");
export const RetryInfo = codec<{ retryDelay?: { seconds?: string; nanos?: number } }>("RetryInfo");
