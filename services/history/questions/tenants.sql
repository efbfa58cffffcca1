-- How many tenants were touched, by cell: estimates, for the busiest window; no tenant's name.
SELECT
    provider, model, region, operation,
    sum(requests) AS calls,
    max(tenants) AS tenants_in_a_window,
    max(tenants_failed) AS tenants_with_failures,
    max(tenants_limited) AS tenants_with_limits,
    argMax(window_start, (tenants_failed, tenants_limited)) AS worst_window
FROM windows
WHERE window_start >= {since:DateTime64(3)} AND window_start < {until:DateTime64(3)}
  AND ({provider:String} = '' OR provider = {provider:String})
  AND ({model:String} = '' OR model = {model:String})
  AND ({region:String} = '' OR region = {region:String})
  AND ({operation:String} = '' OR operation = {operation:String})
GROUP BY provider, model, region, operation
ORDER BY tenants_with_failures DESC, tenants_with_limits DESC, calls DESC
