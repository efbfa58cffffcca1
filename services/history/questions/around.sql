-- A trace, and what the same model and region did in the minute around it.
-- argument trace: trace id, 32 hexadecimal digits
-- option seconds (default 30): how long before and after
WITH
    (SELECT (min(timestamp), max(timestamp + toIntervalNanosecond(duration)), anyIf(toString(model), model != ''), anyIf(toString(region), model != ''))
     FROM spans WHERE lower(hex(trace_id)) = lower({trace:String})) AS own
SELECT
    if(lower(hex(trace_id)) = lower({trace:String}), 'this trace', 'beside it') AS what,
    timestamp AS started,
    round(duration / 1e9, 3) AS seconds,
    span_name AS span, service_name AS service, provider, model, region, operation, outcome, error_type,
    lower(hex(trace_id)) AS trace
FROM spans
WHERE timestamp >= own.1 - toIntervalSecond({seconds:UInt32}) AND timestamp <= own.2 + toIntervalSecond({seconds:UInt32})
  AND (lower(hex(trace_id)) = lower({trace:String}) OR (outcome != '' AND model = own.3 AND region = own.4))
ORDER BY what = 'beside it', started
LIMIT 500
