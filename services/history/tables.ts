/**
 * The tables that the archive fills, column by column, with their ClickHouse types: the one list that blocks are built
 * from. A test compares it with what the engine has after all migrations.
 */
import {
  dateTime64,
  enum8,
  float64,
  float64OrNaN,
  int32,
  int64OrMinusOne,
  uint8,
  uint32,
  uint64,
} from "./native-column.ts";
import { array, attributeMap, sparseArray } from "./native-nested.ts";
import {
  fixedString,
  lowCardinality,
  sparseLowCardinality,
  sparseString,
  string,
} from "./native-text.ts";

/** Where a row comes from, so that rows can be counted by offset; `source_index` counts within the record. */
const source = {
  source_topic: lowCardinality,
  source_partition: uint32,
  source_offset: uint64,
  source_index: uint32,
  /** When the log took the record, Unix ms. */
  append_time: dateTime64(3),
} as const;

/** The same of records that a task wrote: it may write them again after a crash, under the same sequence. */
const upstreamSource = {
  ...source,
  source_task: lowCardinality,
  source_sequence: uint64,
} as const;

/** OTLP's span kinds, by number, in the words of the Collector's ClickHouse exporter. */
export const spanKinds = [
  "Unspecified",
  "Internal",
  "Server",
  "Client",
  "Producer",
  "Consumer",
] as const;
/** OTLP's status codes, by number. */
export const statusCodes = ["Unset", "Ok", "Error"] as const;

/**
 * One row a span. Attributes that most model calls carry have columns named after them; an attribute goes there only
 * if the column can give back exactly what came (an integer in an integer column, …), else into `attributes`. Absent is
 * −1 for integers (itself never stored so), NaN for floats, empty for texts and lists. Columns that a span may lack are sparse: a
 * block in which no row has a value leaves them out, and the table's defaults stand in.
 */
export const spansTable = {
  ...source,
  /** Start, Unix ns. */
  timestamp: dateTime64(9),
  /** ns. */
  duration: uint64,
  trace_id: fixedString(16),
  span_id: fixedString(8),
  /** All zero: a root. */
  parent_span_id: fixedString(8),
  trace_state: sparseString,
  span_name: lowCardinality,
  span_kind: enum8(spanKinds),
  service_name: lowCardinality,
  /** All resource attributes as one JSON object of texts, `{"service.name":"…"}`: the same for many spans. */
  resource: lowCardinality,
  scope_name: lowCardinality,
  scope_version: lowCardinality,
  status_code: enum8(statusCodes),
  status_message: sparseString,
  /** The cell and outcome as judged, current and legacy names alike; empty where a span is no model call or request. */
  provider: sparseLowCardinality,
  model: sparseLowCardinality,
  region: sparseLowCardinality,
  operation: sparseLowCardinality,
  outcome: sparseLowCardinality,
  gen_ai_operation_name: sparseLowCardinality,
  gen_ai_provider_name: sparseLowCardinality,
  gen_ai_request_model: sparseLowCardinality,
  gen_ai_response_model: sparseLowCardinality,
  gen_ai_response_id: sparseString,
  gen_ai_conversation_id: sparseString,
  gen_ai_response_finish_reasons: sparseArray(lowCardinality),
  gen_ai_usage_input_tokens: int64OrMinusOne,
  gen_ai_usage_output_tokens: int64OrMinusOne,
  gen_ai_usage_cache_read_input_tokens: int64OrMinusOne,
  gen_ai_usage_reasoning_output_tokens: int64OrMinusOne,
  gen_ai_request_max_tokens: int64OrMinusOne,
  gen_ai_request_temperature: float64OrNaN,
  /** Seconds, as the attribute has it. */
  gen_ai_response_time_to_first_chunk: float64OrNaN,
  error_type: sparseLowCardinality,
  http_response_status_code: int64OrMinusOne,
  http_request_resend_count: int64OrMinusOne,
  server_address: sparseLowCardinality,
  server_port: int64OrMinusOne,
  attributes: attributeMap,
  "events.timestamp": sparseArray(dateTime64(9)),
  "events.name": sparseArray(lowCardinality),
  "events.attributes": sparseArray(attributeMap),
  /** Lower-case hexadecimal. */
  "links.trace_id": sparseArray(string),
  "links.span_id": sparseArray(string),
  "links.trace_state": sparseArray(string),
  "links.attributes": sparseArray(attributeMap),
} as const;

type SpanColumnName = keyof typeof spansTable;

/** Span attributes with a column of their own, by what the column holds. The view `otel_traces` puts them back. */
export const spanAttributeColumns = {
  text: {
    "gen_ai.operation.name": "gen_ai_operation_name",
    "gen_ai.provider.name": "gen_ai_provider_name",
    "gen_ai.request.model": "gen_ai_request_model",
    "gen_ai.response.model": "gen_ai_response_model",
    "gen_ai.response.id": "gen_ai_response_id",
    "gen_ai.conversation.id": "gen_ai_conversation_id",
    "error.type": "error_type",
    "server.address": "server_address",
  },
  texts: { "gen_ai.response.finish_reasons": "gen_ai_response_finish_reasons" },
  integer: {
    "gen_ai.usage.input_tokens": "gen_ai_usage_input_tokens",
    "gen_ai.usage.output_tokens": "gen_ai_usage_output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "gen_ai_usage_cache_read_input_tokens",
    "gen_ai.usage.reasoning.output_tokens": "gen_ai_usage_reasoning_output_tokens",
    "gen_ai.request.max_tokens": "gen_ai_request_max_tokens",
    "http.response.status_code": "http_response_status_code",
    "http.request.resend_count": "http_request_resend_count",
    "server.port": "server_port",
  },
  float: {
    "gen_ai.request.temperature": "gen_ai_request_temperature",
    "gen_ai.response.time_to_first_chunk": "gen_ai_response_time_to_first_chunk",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, SpanColumnName>>>>;

const cell = {
  kind: lowCardinality,
  provider: lowCardinality,
  model: lowCardinality,
  region: lowCardinality,
  operation: lowCardinality,
} as const;

const bucketIndices = array(int32);
const bucketCounts = array(uint64);

/** One row a cell and closed window: what dashboards read. Counts are weighted by sampling; sketches are sparse. */
export const windowsTable = {
  ...source,
  window_start: dateTime64(3),
  window_ms: uint32,
  epoch: uint64,
  ...cell,
  requests: uint64,
  spans: uint64,
  streamed: uint64,
  input_tokens: uint64,
  output_tokens: uint64,
  cached_input_tokens: uint64,
  reasoning_tokens: uint64,
  retries: uint64,
  empty: uint64,
  truncated: uint64,
  refused: uint64,
  substituted: uint64,
  finish_stop: uint64,
  finish_tool: uint64,
  finish_other: uint64,
  finish_missing: uint64,
  outcome_ok: uint64,
  outcome_rate_limit: uint64,
  outcome_overloaded: uint64,
  outcome_server_error: uint64,
  outcome_unavailable: uint64,
  outcome_timeout: uint64,
  outcome_connection_error: uint64,
  outcome_stream_error: uint64,
  outcome_invalid_request: uint64,
  outcome_auth: uint64,
  outcome_client_cancelled: uint64,
  outcome_other: uint64,
  /** Estimates of distinct tenants: seen, with a failed request, with a limited one. */
  tenants: uint64,
  tenants_failed: uint64,
  tenants_limited: uint64,
  duration_buckets: bucketIndices,
  duration_counts: bucketCounts,
  ttft_buckets: bucketIndices,
  ttft_counts: bucketCounts,
  tpot_buckets: bucketIndices,
  tpot_counts: bucketCounts,
  output_tokens_buckets: bucketIndices,
  output_tokens_counts: bucketCounts,
  input_tokens_buckets: bucketIndices,
  input_tokens_counts: bucketCounts,
} as const;

/** One row a record of the topic of closed windows, byte for byte: what backtests read. */
export const closedTable = {
  ...upstreamSource,
  window_start: dateTime64(3),
  window_ms: uint32,
  epoch: uint64,
  task: lowCardinality,
  part: uint32,
  parts: uint32,
  record: string,
} as const;

/** One row a cell and frame: what was seen, expected and thought of every signal, the arrays in step. */
export const verdictsTable = {
  ...upstreamSource,
  window_start: dateTime64(3),
  window_ms: uint32,
  epoch: uint64,
  ...cell,
  /** The worst of `states`. */
  state: lowCardinality,
  requests: float64,
  failures: float64,
  limited: float64,
  usual_requests: float64,
  quiet_windows: uint32,
  signals: array(lowCardinality),
  states: array(lowCardinality),
  frozen: array(uint8),
  /** NaN where a window has no evidence. */
  seen: array(float64),
  expected: array(float64),
  low: array(float64),
  high: array(float64),
  bad: array(float64),
  of: array(float64),
  /** −log10 of the false-alarm probability. */
  score: array(float64),
  detector: array(lowCardinality),
} as const;

/** One row a transition of an incident; `record` is all of it as JSON. */
export const incidentsTable = {
  ...upstreamSource,
  incident: string,
  revision: uint32,
  epoch: uint64,
  at: dateTime64(3),
  window_start: dateTime64(3),
  transition: lowCardinality,
  phase: lowCardinality,
  severity: lowCardinality,
  title: string,
  /** JSON: a list of objects, attribute name to value. */
  dimensions: string,
  cells: array(string),
  degraded_cells: uint32,
  live_cells: uint32,
  degraded_share: float64,
  signals: array(lowCardinality),
  leading_signal: lowCardinality,
  since: dateTime64(3),
  opened: dateTime64(3),
  /** 1970-01-01: not yet. */
  resolved: dateTime64(3),
  /** JSON, or empty where no forecast was made. */
  forecast: string,
  reason: string,
  record: string,
} as const;

/** One row a notification and sink. */
export const deliveriesTable = {
  ...source,
  delivery: string,
  incident: string,
  transition: lowCardinality,
  sink: lowCardinality,
  severity: lowCardinality,
  at: dateTime64(3),
  outcome: lowCardinality,
  attempts: uint32,
  delay_ms: float64,
  detail: string,
} as const;

export const historyTables = {
  spans: spansTable,
  windows: windowsTable,
  closed: closedTable,
  verdicts: verdictsTable,
  incidents: incidentsTable,
  deliveries: deliveriesTable,
} as const;

export type HistoryTable = keyof typeof historyTables;
