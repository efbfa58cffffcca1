-- Failed and limited requests by a dimension: provider, model, region, operation, outcome, service, or any attribute.
-- argument dimension: such as model, region, error.type, service.version, k8s.cluster.name
-- option limit (default 50): how many values
SELECT
    multiIf(
        {dimension:String} = 'provider', toString(provider),
        {dimension:String} = 'model', toString(model),
        {dimension:String} = 'region', toString(region),
        {dimension:String} = 'operation', toString(operation),
        {dimension:String} = 'outcome', toString(outcome),
        {dimension:String} IN ('service', 'service.name'), toString(service_name),
        {dimension:String} = 'error.type', toString(error_type),
        {dimension:String} = 'gen_ai.response.model', toString(gen_ai_response_model),
        {dimension:String} = 'server.address', toString(server_address),
        attributes[{dimension:String}] != '', attributes[{dimension:String}],
        JSONExtractString(resource, {dimension:String})
    ) AS value,
    count() AS requests,
    countIf(outcome NOT IN ('ok', 'rate_limit', 'invalid_request', 'auth', 'client_cancelled')) AS failed,
    countIf(outcome = 'rate_limit') AS limited,
    round(100 * failed / requests, 2) AS failed_percent,
    round(100 * limited / requests, 2) AS limited_percent,
    topKIf(1)(outcome, outcome != 'ok')[1] AS most_common,
    anyIf(lower(hex(trace_id)), outcome != 'ok') AS example_trace
FROM spans
WHERE timestamp >= {since:DateTime64(3)} AND timestamp < {until:DateTime64(3)} AND outcome != ''
  AND ({provider:String} = '' OR provider = {provider:String})
  AND ({model:String} = '' OR model = {model:String})
  AND ({region:String} = '' OR region = {region:String})
  AND ({operation:String} = '' OR operation = {operation:String})
GROUP BY value
ORDER BY failed + limited DESC, requests DESC, value
LIMIT {limit:UInt32}
