-- The slowest model calls of a period, slowest first.
-- option limit (default 20): how many
SELECT
    timestamp AS started,
    round(duration / 1e9, 3) AS seconds,
    if(isNaN(gen_ai_response_time_to_first_chunk), NULL, round(gen_ai_response_time_to_first_chunk, 3)) AS first_token_seconds,
    provider, model, region, operation, outcome,
    if(gen_ai_usage_input_tokens < 0, NULL, gen_ai_usage_input_tokens) AS input_tokens,
    if(gen_ai_usage_output_tokens < 0, NULL, gen_ai_usage_output_tokens) AS output_tokens,
    service_name AS service,
    lower(hex(trace_id)) AS trace
FROM spans
WHERE timestamp >= {since:DateTime64(3)} AND timestamp < {until:DateTime64(3)} AND outcome != '' AND model != ''
  AND ({provider:String} = '' OR provider = {provider:String})
  AND ({model:String} = '' OR model = {model:String})
  AND ({region:String} = '' OR region = {region:String})
  AND ({operation:String} = '' OR operation = {operation:String})
ORDER BY duration DESC, trace
LIMIT {limit:UInt32}
