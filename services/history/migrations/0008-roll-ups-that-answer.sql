-- What questions over long ranges need of a minute and of an hour beside sums of windows: how many rows were added up, the sums of estimates
-- for their means, and verdicts. A row of 5 s has the same columns, computed, so that one question can read all three tables.

-- How far rows are added up, by table and by whose rows they are. The newest counts.
CREATE TABLE IF NOT EXISTS rolled_up
(
    `table` LowCardinality(String),
    `source` String,
    `until` DateTime
)
ENGINE = ReplacingMergeTree(until)
ORDER BY (`table`, `source`);

-- Before these times, and not from them on, the roll-ups hold everything.
CREATE VIEW IF NOT EXISTS rolled_until AS
SELECT
    minIf(reached, name = 'windows_minute') AS windows_minute,
    minIf(reached, name = 'windows_hour') AS windows_hour,
    minIf(reached, name = 'verdicts_minute') AS verdicts_minute,
    minIf(reached, name = 'verdicts_hour') AS verdicts_hour
FROM (SELECT `table` AS name, max(until) AS reached FROM rolled_up GROUP BY `table`, `source`);

ALTER TABLE windows
    ADD COLUMN IF NOT EXISTS window_count UInt64 ALIAS toUInt64(1),
    ADD COLUMN IF NOT EXISTS tenants_sum UInt64 ALIAS tenants,
    ADD COLUMN IF NOT EXISTS tenants_failed_sum UInt64 ALIAS tenants_failed,
    ADD COLUMN IF NOT EXISTS tenants_limited_sum UInt64 ALIAS tenants_limited;
ALTER TABLE windows_minute
    ADD COLUMN IF NOT EXISTS window_count UInt64 AFTER window_ms,
    ADD COLUMN IF NOT EXISTS tenants_sum UInt64 AFTER tenants_limited,
    ADD COLUMN IF NOT EXISTS tenants_failed_sum UInt64 AFTER tenants_sum,
    ADD COLUMN IF NOT EXISTS tenants_limited_sum UInt64 AFTER tenants_failed_sum;
ALTER TABLE windows_hour
    ADD COLUMN IF NOT EXISTS window_count UInt64 AFTER window_ms,
    ADD COLUMN IF NOT EXISTS tenants_sum UInt64 AFTER tenants_limited,
    ADD COLUMN IF NOT EXISTS tenants_failed_sum UInt64 AFTER tenants_sum,
    ADD COLUMN IF NOT EXISTS tenants_limited_sum UInt64 AFTER tenants_failed_sum;

-- Rows that were added up without these columns go where their windows are still there: the archive adds them up again.
ALTER TABLE windows_minute DELETE
    WHERE window_start >= (SELECT if(count() = 0, toDateTime64('2299-01-01', 3), min(window_start) + toIntervalHour(1)) FROM windows)
    SETTINGS mutations_sync = 1;
ALTER TABLE windows_hour DELETE
    WHERE window_start >= (SELECT if(count() = 0, toDateTime64('2299-01-01', 3), min(window_start) + toIntervalHour(1)) FROM windows)
    SETTINGS mutations_sync = 1;

-- Sums are over the windows in which the value was finite, each times its requests; divided by their weight they are means. `times` is
-- seen over expected, `score` the highest of any window.
ALTER TABLE verdicts
    ADD COLUMN IF NOT EXISTS window_count UInt64 ALIAS toUInt64(1),
    ADD COLUMN IF NOT EXISTS warming UInt64 ALIAS toUInt64(state = 'warming'),
    ADD COLUMN IF NOT EXISTS normal UInt64 ALIAS toUInt64(state = 'normal'),
    ADD COLUMN IF NOT EXISTS watching UInt64 ALIAS toUInt64(state = 'watching'),
    ADD COLUMN IF NOT EXISTS anomalous UInt64 ALIAS toUInt64(state = 'anomalous'),
    ADD COLUMN IF NOT EXISTS seen_sum Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), x * n, 0), seen, of),
    ADD COLUMN IF NOT EXISTS seen_weight Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), n, 0), seen, of),
    ADD COLUMN IF NOT EXISTS low_sum Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), x * n, 0), low, of),
    ADD COLUMN IF NOT EXISTS low_weight Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), n, 0), low, of),
    ADD COLUMN IF NOT EXISTS high_sum Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), x * n, 0), high, of),
    ADD COLUMN IF NOT EXISTS high_weight Array(Float64) ALIAS arrayMap((x, n) -> if(isFinite(x), n, 0), high, of),
    ADD COLUMN IF NOT EXISTS times_sum Array(Float64) ALIAS arrayMap((x, y, n) -> if(isFinite(x / y), x / y * n, 0), seen, expected, of),
    ADD COLUMN IF NOT EXISTS times_weight Array(Float64) ALIAS arrayMap((x, y, n) -> if(isFinite(x / y), n, 0), seen, expected, of);

CREATE TABLE IF NOT EXISTS verdicts_minute
(
    `source_task` LowCardinality(String),
    `window_start` DateTime64(3) CODEC(Delta, LZ4),
    `window_ms` UInt32,
    `window_count` UInt64,
    `kind` LowCardinality(String),
    `provider` LowCardinality(String),
    `model` LowCardinality(String),
    `region` LowCardinality(String),
    `operation` LowCardinality(String),
    `warming` UInt64,
    `normal` UInt64,
    `watching` UInt64,
    `anomalous` UInt64,
    `signals` Array(LowCardinality(String)),
    `seen_sum` Array(Float64),
    `seen_weight` Array(Float64),
    `low_sum` Array(Float64),
    `low_weight` Array(Float64),
    `high_sum` Array(Float64),
    `high_weight` Array(Float64),
    `times_sum` Array(Float64),
    `times_weight` Array(Float64),
    `score` Array(Float64)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (provider, model, region, operation, kind, window_start)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS verdicts_hour AS verdicts_minute;
