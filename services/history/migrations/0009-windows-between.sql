-- Windows of a period, for people: whole hours and minutes from the tables of those, where they are added up already, and the rest from
-- the windows themselves. `step` is what rows are going to be grouped by, seconds; 0: by nothing. Such as
--   SELECT model, sum(requests) FROM windows_between(since = now() - INTERVAL 90 DAY, until = now(), step = 0) GROUP BY model
CREATE VIEW IF NOT EXISTS windows_between AS
WITH
    (SELECT (windows_minute, windows_hour) FROM rolled_until) AS rolled,
    toStartOfInterval({since:DateTime64(3)} + toIntervalMillisecond(59999), toIntervalSecond(60)) AS minutes_from,
    greatest(minutes_from, if({step:UInt32} % 60 = 0, least(toStartOfInterval({until:DateTime64(3)}, toIntervalSecond(60)), rolled.1), minutes_from)) AS minutes_to,
    toStartOfInterval({since:DateTime64(3)} + toIntervalMillisecond(3599999), toIntervalSecond(3600)) AS hours_from,
    greatest(hours_from, if({step:UInt32} % 3600 = 0, least(toStartOfInterval({until:DateTime64(3)}, toIntervalSecond(3600)), rolled.2), hours_from)) AS hours_to
SELECT * FROM
(
    SELECT
        window_start, window_ms, kind, provider, model, region, operation,
        window_count, requests, spans, streamed, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, retries, empty, truncated, refused,
        substituted, finish_stop, finish_tool, finish_other, finish_missing, outcome_ok, outcome_rate_limit, outcome_overloaded, outcome_server_error,
        outcome_unavailable, outcome_timeout, outcome_connection_error, outcome_stream_error, outcome_invalid_request, outcome_auth,
        outcome_client_cancelled, outcome_other, tenants, tenants_failed, tenants_limited, tenants_sum, tenants_failed_sum, tenants_limited_sum,
        duration_buckets, duration_counts, ttft_buckets, ttft_counts, tpot_buckets, tpot_counts, output_tokens_buckets, output_tokens_counts,
        input_tokens_buckets, input_tokens_counts
    FROM windows
    WHERE window_start >= {since:DateTime64(3)} AND window_start < {until:DateTime64(3)} AND NOT (window_start >= minutes_from AND window_start < minutes_to)
    UNION ALL
    SELECT
        window_start, window_ms, kind, provider, model, region, operation,
        window_count, requests, spans, streamed, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, retries, empty, truncated, refused,
        substituted, finish_stop, finish_tool, finish_other, finish_missing, outcome_ok, outcome_rate_limit, outcome_overloaded, outcome_server_error,
        outcome_unavailable, outcome_timeout, outcome_connection_error, outcome_stream_error, outcome_invalid_request, outcome_auth,
        outcome_client_cancelled, outcome_other, tenants, tenants_failed, tenants_limited, tenants_sum, tenants_failed_sum, tenants_limited_sum,
        duration_buckets, duration_counts, ttft_buckets, ttft_counts, tpot_buckets, tpot_counts, output_tokens_buckets, output_tokens_counts,
        input_tokens_buckets, input_tokens_counts
    FROM windows_minute
    WHERE minutes_from < minutes_to AND window_start >= minutes_from AND window_start < minutes_to AND NOT (window_start >= hours_from AND window_start < hours_to)
    UNION ALL
    SELECT
        window_start, window_ms, kind, provider, model, region, operation,
        window_count, requests, spans, streamed, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, retries, empty, truncated, refused,
        substituted, finish_stop, finish_tool, finish_other, finish_missing, outcome_ok, outcome_rate_limit, outcome_overloaded, outcome_server_error,
        outcome_unavailable, outcome_timeout, outcome_connection_error, outcome_stream_error, outcome_invalid_request, outcome_auth,
        outcome_client_cancelled, outcome_other, tenants, tenants_failed, tenants_limited, tenants_sum, tenants_failed_sum, tenants_limited_sum,
        duration_buckets, duration_counts, ttft_buckets, ttft_counts, tpot_buckets, tpot_counts, output_tokens_buckets, output_tokens_counts,
        input_tokens_buckets, input_tokens_counts
    FROM windows_hour
    WHERE hours_from < hours_to AND window_start >= hours_from AND window_start < hours_to
);
