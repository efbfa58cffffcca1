-- A period against the one before it (or --against: as long ago as that), by cell: traffic, errors, latency.
-- option against (default 0): seconds between the two periods' starts; 0: right before
WITH
    toInt64(dateDiff('millisecond', {since:DateTime64(3)}, {until:DateTime64(3)})) AS length,
    if({against:Float64} > 0, toInt64({against:Float64} * 1000), length) AS shift,
    requests - outcome_ok - outcome_rate_limit - outcome_invalid_request - outcome_auth - outcome_client_cancelled AS failures
SELECT
    provider, model, region, operation,
    sumIf(requests, is_now) AS calls,
    sumIf(requests, NOT is_now) AS calls_before,
    round(100 * sumIf(failures, is_now) / nullIf(calls, 0), 2) AS failed_percent,
    round(100 * sumIf(failures, NOT is_now) / nullIf(calls_before, 0), 2) AS failed_percent_before,
    round(nullIf(foreshockBucketMiddle(quantileExactWeightedArrayIf(0.95)(duration_buckets, duration_counts, is_now)), 0) / 1e6, 3) AS p95_seconds,
    round(nullIf(foreshockBucketMiddle(quantileExactWeightedArrayIf(0.95)(duration_buckets, duration_counts, NOT is_now)), 0) / 1e6, 3) AS p95_seconds_before,
    round(nullIf(foreshockBucketMiddle(quantileExactWeightedArrayIf(0.95)(ttft_buckets, ttft_counts, is_now)), 0) / 1e6, 3) AS first_token_p95_seconds,
    round(nullIf(foreshockBucketMiddle(quantileExactWeightedArrayIf(0.95)(ttft_buckets, ttft_counts, NOT is_now)), 0) / 1e6, 3) AS first_token_p95_seconds_before
FROM
(
    SELECT *, true AS is_now FROM windows_between(since = {since:DateTime64(3)}, until = {until:DateTime64(3)}, step = 0)
    UNION ALL
    SELECT *, false AS is_now
    FROM windows_between(
        since = {since:DateTime64(3)} - toIntervalMillisecond(shift), until = {until:DateTime64(3)} - toIntervalMillisecond(shift), step = 0)
)
WHERE ({provider:String} = '' OR provider = {provider:String})
  AND ({model:String} = '' OR model = {model:String})
  AND ({region:String} = '' OR region = {region:String})
  AND ({operation:String} = '' OR operation = {operation:String})
GROUP BY provider, model, region, operation
ORDER BY greatest(calls, calls_before) DESC
