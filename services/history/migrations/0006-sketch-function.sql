-- The value that stands for a bucket of a sketch (detectors/sketch.ts): its middle; 0 … 63 are exact. With it any quantile over any cells and time is
--   foreshockBucketMiddle(quantileExactWeightedArray(0.95)(ttft_buckets, ttft_counts))
-- over the rows of `windows`, right to 0.8 % of the value.
CREATE FUNCTION IF NOT EXISTS foreshockBucketMiddle AS (bucket) ->
    if(bucket < 64, toFloat64(bucket), (64 + bucket % 64 + 0.5) * exp2(intDiv(bucket, 64) - 1) - 0.5);
