-- Tenants affected: estimates of how many in the worst window of each cell; no tenant's name
SELECT provider, model, region, operation, max(tenants) AS tenants_seen, max(tenants_failed) AS with_failures, max(tenants_limited) AS with_limits
FROM windows
WHERE window_start >= {since:DateTime64(3)} AND window_start < {end:DateTime64(3)}
  AND has({cells:Array(String)}, concat(kind, char(31), provider, char(31), model, char(31), region, char(31), operation))
GROUP BY provider, model, region, operation ORDER BY with_failures DESC, with_limits DESC, provider, model, region, operation
