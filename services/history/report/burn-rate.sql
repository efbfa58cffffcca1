-- What a multi-window burn-rate alert would have done (14.4 × over 1 h and 5 min, 6 × over 6 h and 30 min; failed and limited requests of the same cells)
WITH {budget:Float64} AS budget,
  minutes AS (
    SELECT toUInt32(intDiv(toUnixTimestamp(window_start), 60)) AS minute, sum(requests) AS n,
        sum(outcome_overloaded + outcome_server_error + outcome_unavailable + outcome_timeout + outcome_connection_error + outcome_stream_error + outcome_other + outcome_rate_limit) AS bad
    FROM windows
    WHERE window_start >= {since:DateTime64(3)} - toIntervalHour(6) AND window_start < {end:DateTime64(3)}
      AND has({cells:Array(String)}, concat(kind, char(31), provider, char(31), model, char(31), region, char(31), operation))
    GROUP BY minute),
  rates AS (
    SELECT minute,
        sum(bad) OVER (ORDER BY minute RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) / sum(n) OVER (ORDER BY minute RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) / budget AS m5,
        sum(bad) OVER (ORDER BY minute RANGE BETWEEN 29 PRECEDING AND CURRENT ROW) / sum(n) OVER (ORDER BY minute RANGE BETWEEN 29 PRECEDING AND CURRENT ROW) / budget AS m30,
        sum(bad) OVER (ORDER BY minute RANGE BETWEEN 59 PRECEDING AND CURRENT ROW) / sum(n) OVER (ORDER BY minute RANGE BETWEEN 59 PRECEDING AND CURRENT ROW) / budget AS h1,
        sum(bad) OVER (ORDER BY minute RANGE BETWEEN 359 PRECEDING AND CURRENT ROW) / sum(n) OVER (ORDER BY minute RANGE BETWEEN 359 PRECEDING AND CURRENT ROW) / budget AS h6
    FROM minutes)
SELECT
    minOrNullIf(toDateTime((minute + 1) * 60), m5 > 14.4 AND h1 > 14.4) AS fast_page_at,
    minOrNullIf(toDateTime((minute + 1) * 60), m30 > 6 AND h6 > 6) AS slow_page_at,
    round(max(m5), 1) AS highest_5_min_burn, round(max(h1), 1) AS highest_1_h_burn
FROM rates WHERE minute * 60 >= toUnixTimestamp({since:DateTime64(3)}) - 300
