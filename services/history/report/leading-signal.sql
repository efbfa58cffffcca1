-- The leading signal in the cell that moved first: seen against expected, by minute
WITH first AS (
    SELECT provider, model, region, operation FROM verdicts
    ARRAY JOIN signals AS signal, states AS what
    WHERE window_start >= {since:DateTime64(3)} - toIntervalMinute(5) AND window_start <= {end:DateTime64(3)} AND what = 'anomalous' AND signal = {signal:String}
      AND has({cells:Array(String)}, concat(kind, char(31), provider, char(31), model, char(31), region, char(31), operation))
    ORDER BY window_start, provider, model, region, operation LIMIT 1)
SELECT toStartOfMinute(window_start) AS minute, round(avgOrNullIf(saw, isFinite(saw)), 4) AS seen, round(avgOrNullIf(usual, isFinite(usual)), 4) AS expected,
    round(avgOrNullIf(least, isFinite(least)), 4) AS low, round(avgOrNullIf(most, isFinite(most)), 4) AS high
FROM verdicts ARRAY JOIN signals AS signal, verdicts.seen AS saw, verdicts.expected AS usual, verdicts.low AS least, verdicts.high AS most
WHERE window_start >= {since:DateTime64(3)} - toIntervalMinute(5) AND window_start <= {end:DateTime64(3)} + toIntervalMinute(5) AND signal = {signal:String}
  AND (provider, model, region, operation) IN first
GROUP BY minute ORDER BY minute
