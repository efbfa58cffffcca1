-- Every span, typed for model calls; `otel_traces` below shows them as the OpenTelemetry Collector's ClickHouse exporter would.
-- Partitions go by arrival, not by the spans' own clocks: an insert then touches one or two of them whatever senders claim.
-- So does the order: parts hold offset ranges that do not overlap, so that inserts need no sorting and merges copy whole
-- blocks (gathering this many columns row by row costs more than the inserts themselves). Time is narrowed by its own index.
CREATE TABLE IF NOT EXISTS spans
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64 CODEC(Delta, LZ4),
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `timestamp` DateTime64(9) CODEC(Delta, LZ4),
    `duration` UInt64,
    `trace_id` FixedString(16),
    `span_id` FixedString(8),
    `parent_span_id` FixedString(8),
    `trace_state` String,
    `span_name` LowCardinality(String),
    `span_kind` Enum8('Unspecified' = 0, 'Internal' = 1, 'Server' = 2, 'Client' = 3, 'Producer' = 4, 'Consumer' = 5),
    `service_name` LowCardinality(String),
    `resource` LowCardinality(String),
    `scope_name` LowCardinality(String),
    `scope_version` LowCardinality(String),
    `status_code` Enum8('Unset' = 0, 'Ok' = 1, 'Error' = 2),
    `status_message` String,
    `provider` LowCardinality(String),
    `model` LowCardinality(String),
    `region` LowCardinality(String),
    `operation` LowCardinality(String),
    `outcome` LowCardinality(String),
    `gen_ai_operation_name` LowCardinality(String),
    `gen_ai_provider_name` LowCardinality(String),
    `gen_ai_request_model` LowCardinality(String),
    `gen_ai_response_model` LowCardinality(String),
    `gen_ai_response_id` String,
    `gen_ai_conversation_id` String,
    `gen_ai_response_finish_reasons` Array(LowCardinality(String)),
    `gen_ai_usage_input_tokens` Int64,
    `gen_ai_usage_output_tokens` Int64,
    `gen_ai_usage_cache_read_input_tokens` Int64,
    `gen_ai_usage_reasoning_output_tokens` Int64,
    `gen_ai_request_max_tokens` Int64,
    `gen_ai_request_temperature` Float64,
    `gen_ai_response_time_to_first_chunk` Float64,
    `error_type` LowCardinality(String),
    `http_response_status_code` Int64,
    `http_request_resend_count` Int64,
    `server_address` LowCardinality(String),
    `server_port` Int64,
    `attributes` Map(LowCardinality(String), String),
    `events.timestamp` Array(DateTime64(9)),
    `events.name` Array(LowCardinality(String)),
    `events.attributes` Array(Map(LowCardinality(String), String)),
    `links.trace_id` Array(String),
    `links.span_id` Array(String),
    `links.trace_state` Array(String),
    `links.attributes` Array(Map(LowCardinality(String), String)),
    INDEX trace_id_text lower(hex(trace_id)) TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX timestamp_range timestamp TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(append_time)
ORDER BY (source_topic, source_partition, source_offset, source_index)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

-- Column names and types of the Collector exporter's table, so that what reads that reads this.
CREATE VIEW IF NOT EXISTS otel_traces AS
SELECT
    timestamp AS Timestamp,
    lower(hex(trace_id)) AS TraceId,
    lower(hex(span_id)) AS SpanId,
    if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) AS ParentSpanId,
    trace_state AS TraceState,
    span_name AS SpanName,
    CAST(span_kind, 'LowCardinality(String)') AS SpanKind,
    service_name AS ServiceName,
    CAST(JSONExtract(resource, 'Map(String, String)'), 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(scope_name, 'String') AS ScopeName,
    CAST(scope_version, 'String') AS ScopeVersion,
    CAST(
        mapConcat(
            mapFilter(
                (name, value) -> value != '',
                map(
                    'gen_ai.operation.name', CAST(gen_ai_operation_name, 'String'),
                    'gen_ai.provider.name', CAST(gen_ai_provider_name, 'String'),
                    'gen_ai.request.model', CAST(gen_ai_request_model, 'String'),
                    'gen_ai.response.model', CAST(gen_ai_response_model, 'String'),
                    'gen_ai.response.id', gen_ai_response_id,
                    'gen_ai.conversation.id', gen_ai_conversation_id,
                    'gen_ai.response.finish_reasons', if(empty(gen_ai_response_finish_reasons), '', toJSONString(gen_ai_response_finish_reasons)),
                    'gen_ai.usage.input_tokens', if(gen_ai_usage_input_tokens = -1, '', toString(gen_ai_usage_input_tokens)),
                    'gen_ai.usage.output_tokens', if(gen_ai_usage_output_tokens = -1, '', toString(gen_ai_usage_output_tokens)),
                    'gen_ai.usage.cache_read.input_tokens', if(gen_ai_usage_cache_read_input_tokens = -1, '', toString(gen_ai_usage_cache_read_input_tokens)),
                    'gen_ai.usage.reasoning.output_tokens', if(gen_ai_usage_reasoning_output_tokens = -1, '', toString(gen_ai_usage_reasoning_output_tokens)),
                    'gen_ai.request.max_tokens', if(gen_ai_request_max_tokens = -1, '', toString(gen_ai_request_max_tokens)),
                    'gen_ai.request.temperature', if(isNaN(gen_ai_request_temperature), '', toString(gen_ai_request_temperature)),
                    'gen_ai.response.time_to_first_chunk', if(isNaN(gen_ai_response_time_to_first_chunk), '', toString(gen_ai_response_time_to_first_chunk)),
                    'error.type', CAST(error_type, 'String'),
                    'http.response.status_code', if(http_response_status_code = -1, '', toString(http_response_status_code)),
                    'http.request.resend_count', if(http_request_resend_count = -1, '', toString(http_request_resend_count)),
                    'server.address', CAST(server_address, 'String'),
                    'server.port', if(server_port = -1, '', toString(server_port))
                )
            ),
            CAST(attributes, 'Map(String, String)')
        ),
        'Map(LowCardinality(String), String)'
    ) AS SpanAttributes,
    duration AS Duration,
    CAST(status_code, 'LowCardinality(String)') AS StatusCode,
    status_message AS StatusMessage,
    `events.timestamp` AS `Events.Timestamp`,
    `events.name` AS `Events.Name`,
    `events.attributes` AS `Events.Attributes`,
    `links.trace_id` AS `Links.TraceId`,
    `links.span_id` AS `Links.SpanId`,
    `links.trace_state` AS `Links.TraceState`,
    `links.attributes` AS `Links.Attributes`
FROM spans;

-- The exporter's companion table, which Grafana's data source asks for the time range of a trace.
CREATE VIEW IF NOT EXISTS otel_traces_trace_id_ts AS
SELECT
    lower(hex(trace_id)) AS TraceId,
    toDateTime(timestamp) AS Start,
    toDateTime(timestamp) AS End
FROM spans;
