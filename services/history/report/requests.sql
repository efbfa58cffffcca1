-- Requests affected, by cell, while it lasted
SELECT provider, model, region, operation, sum(windows.requests) AS requests,
    sum(outcome_overloaded + outcome_server_error + outcome_unavailable + outcome_timeout + outcome_connection_error + outcome_stream_error + outcome_other) AS failed,
    sum(outcome_rate_limit) AS limited,
    round(100 * (failed + limited) / nullIf(sum(windows.requests), 0), 2) AS percent
FROM windows
WHERE window_start >= {since:DateTime64(3)} AND window_start < {end:DateTime64(3)}
  AND has({cells:Array(String)}, concat(kind, char(31), provider, char(31), model, char(31), region, char(31), operation))
GROUP BY provider, model, region, operation ORDER BY failed + limited DESC, requests DESC
