-- Spread: cells with an anomalous signal, by minute
SELECT toStartOfMinute(window_start) AS minute, uniqExact(provider, model, region, operation) AS cells, arrayStringConcat(arraySort(groupUniqArray(model)), ', ') AS models
FROM verdicts
WHERE window_start >= {since:DateTime64(3)} - toIntervalMinute(5) AND window_start <= {end:DateTime64(3)} + toIntervalMinute(5) AND has(states, 'anomalous')
GROUP BY minute ORDER BY minute
