-- Closed windows, a row a cell: what dashboards read.
CREATE TABLE IF NOT EXISTS windows
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64,
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `window_start` DateTime64(3) CODEC(Delta, LZ4),
    `window_ms` UInt32,
    `epoch` UInt64,
    `kind` LowCardinality(String),
    `provider` LowCardinality(String),
    `model` LowCardinality(String),
    `region` LowCardinality(String),
    `operation` LowCardinality(String),
    `requests` UInt64,
    `spans` UInt64,
    `streamed` UInt64,
    `input_tokens` UInt64,
    `output_tokens` UInt64,
    `cached_input_tokens` UInt64,
    `reasoning_tokens` UInt64,
    `retries` UInt64,
    `empty` UInt64,
    `truncated` UInt64,
    `refused` UInt64,
    `substituted` UInt64,
    `finish_stop` UInt64,
    `finish_tool` UInt64,
    `finish_other` UInt64,
    `finish_missing` UInt64,
    `outcome_ok` UInt64,
    `outcome_rate_limit` UInt64,
    `outcome_overloaded` UInt64,
    `outcome_server_error` UInt64,
    `outcome_unavailable` UInt64,
    `outcome_timeout` UInt64,
    `outcome_connection_error` UInt64,
    `outcome_stream_error` UInt64,
    `outcome_invalid_request` UInt64,
    `outcome_auth` UInt64,
    `outcome_client_cancelled` UInt64,
    `outcome_other` UInt64,
    `tenants` UInt64,
    `tenants_failed` UInt64,
    `tenants_limited` UInt64,
    `duration_buckets` Array(Int32),
    `duration_counts` Array(UInt64),
    `ttft_buckets` Array(Int32),
    `ttft_counts` Array(UInt64),
    `tpot_buckets` Array(Int32),
    `tpot_counts` Array(UInt64),
    `output_tokens_buckets` Array(Int32),
    `output_tokens_counts` Array(UInt64),
    `input_tokens_buckets` Array(Int32),
    `input_tokens_counts` Array(UInt64)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (provider, model, region, operation, kind, window_start)
SETTINGS non_replicated_deduplication_window = 1000;

-- The records of closed windows themselves, byte for byte: what backtests read.
CREATE TABLE IF NOT EXISTS closed
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64,
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `window_start` DateTime64(3) CODEC(Delta, LZ4),
    `window_ms` UInt32,
    `epoch` UInt64,
    `task` LowCardinality(String),
    `part` UInt32,
    `parts` UInt32,
    `record` String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (window_start, task, part)
SETTINGS non_replicated_deduplication_window = 1000;

-- What detection thought of every live cell in every window.
CREATE TABLE IF NOT EXISTS verdicts
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64,
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `window_start` DateTime64(3) CODEC(Delta, LZ4),
    `window_ms` UInt32,
    `epoch` UInt64,
    `kind` LowCardinality(String),
    `provider` LowCardinality(String),
    `model` LowCardinality(String),
    `region` LowCardinality(String),
    `operation` LowCardinality(String),
    `state` LowCardinality(String),
    `requests` Float64,
    `failures` Float64,
    `limited` Float64,
    `usual_requests` Float64,
    `quiet_windows` UInt32,
    `signals` Array(LowCardinality(String)),
    `states` Array(LowCardinality(String)),
    `frozen` Array(UInt8),
    `seen` Array(Float64),
    `expected` Array(Float64),
    `low` Array(Float64),
    `high` Array(Float64),
    `bad` Array(Float64),
    `of` Array(Float64),
    `score` Array(Float64),
    `detector` Array(LowCardinality(String))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (provider, model, region, operation, kind, window_start)
SETTINGS non_replicated_deduplication_window = 1000;

-- Every transition of every incident.
CREATE TABLE IF NOT EXISTS incidents
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64,
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `incident` String,
    `revision` UInt32,
    `epoch` UInt64,
    `at` DateTime64(3),
    `window_start` DateTime64(3) CODEC(Delta, LZ4),
    `transition` LowCardinality(String),
    `phase` LowCardinality(String),
    `severity` LowCardinality(String),
    `title` String,
    `dimensions` String,
    `cells` Array(String),
    `degraded_cells` UInt32,
    `live_cells` UInt32,
    `degraded_share` Float64,
    `signals` Array(LowCardinality(String)),
    `leading_signal` LowCardinality(String),
    `since` DateTime64(3),
    `opened` DateTime64(3),
    `resolved` DateTime64(3),
    `forecast` String,
    `reason` String,
    `record` String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(opened)
ORDER BY (opened, incident, revision)
SETTINGS non_replicated_deduplication_window = 1000;

-- Every notification, by sink.
CREATE TABLE IF NOT EXISTS deliveries
(
    `source_topic` LowCardinality(String),
    `source_partition` UInt32,
    `source_offset` UInt64,
    `source_index` UInt32,
    `append_time` DateTime64(3) CODEC(Delta, LZ4),
    `delivery` String,
    `incident` String,
    `transition` LowCardinality(String),
    `sink` LowCardinality(String),
    `severity` LowCardinality(String),
    `at` DateTime64(3),
    `outcome` LowCardinality(String),
    `attempts` UInt32,
    `delay_ms` Float64,
    `detail` String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, incident, delivery)
SETTINGS non_replicated_deduplication_window = 1000;
