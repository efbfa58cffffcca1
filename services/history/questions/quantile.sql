-- Any quantile over any cells and time, from merged sketches: right to 0.8 % of the value.
-- argument signal (one of ttft, duration, tpot, output_tokens, input_tokens): what; the first three in seconds
-- option q (default 0.95): which quantile, 0 to 1
-- option step (default 0): seconds of a row; 0: one row for the whole period
WITH
    multiIf({signal:String} = 'ttft', ttft_buckets, {signal:String} = 'duration', duration_buckets, {signal:String} = 'tpot', tpot_buckets,
        {signal:String} = 'output_tokens', output_tokens_buckets, input_tokens_buckets) AS buckets,
    multiIf({signal:String} = 'ttft', ttft_counts, {signal:String} = 'duration', duration_counts, {signal:String} = 'tpot', tpot_counts,
        {signal:String} = 'output_tokens', output_tokens_counts, input_tokens_counts) AS counts
SELECT
    if({step:UInt32} = 0, {since:DateTime64(3)}, toDateTime64(toStartOfInterval(window_start, toIntervalSecond(greatest({step:UInt32}, 1))), 3)) AS time,
    sum(arraySum(counts)) AS values,
    round(foreshockBucketMiddle(quantileExactWeightedArray({q:Float64})(buckets, counts))
        / if({signal:String} IN ('ttft', 'duration', 'tpot'), 1e6, 1), 6) AS quantile
FROM windows_between(since = {since:DateTime64(3)}, until = {until:DateTime64(3)}, step = {step:UInt32})
WHERE notEmpty(buckets)
  AND ({provider:String} = '' OR provider = {provider:String})
  AND ({model:String} = '' OR model = {model:String})
  AND ({region:String} = '' OR region = {region:String})
  AND ({operation:String} = '' OR operation = {operation:String})
GROUP BY time
ORDER BY time
