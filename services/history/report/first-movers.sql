-- First movers: which cell and signal was unusual first
SELECT min(window_start) AS since, provider, model, region, operation, signal,
    argMin(saw, window_start) AS seen, argMin(usual, window_start) AS expected, argMin(least, window_start) AS low, argMin(most, window_start) AS high
FROM verdicts ARRAY JOIN signals AS signal, states AS what, verdicts.seen AS saw, verdicts.expected AS usual, verdicts.low AS least, verdicts.high AS most
WHERE window_start >= {since:DateTime64(3)} - toIntervalMinute(5) AND window_start <= {end:DateTime64(3)} AND what = 'anomalous'
  AND has({cells:Array(String)}, concat(kind, char(31), provider, char(31), model, char(31), region, char(31), operation))
GROUP BY provider, model, region, operation, signal ORDER BY since, provider, model, region, operation, signal LIMIT 10
