-- What a span lacks, as it is stored: blocks in which no span has an attribute leave its column out.
ALTER TABLE spans
    MODIFY COLUMN gen_ai_usage_input_tokens DEFAULT -1,
    MODIFY COLUMN gen_ai_usage_output_tokens DEFAULT -1,
    MODIFY COLUMN gen_ai_usage_cache_read_input_tokens DEFAULT -1,
    MODIFY COLUMN gen_ai_usage_reasoning_output_tokens DEFAULT -1,
    MODIFY COLUMN gen_ai_request_max_tokens DEFAULT -1,
    MODIFY COLUMN gen_ai_request_temperature DEFAULT nan,
    MODIFY COLUMN gen_ai_response_time_to_first_chunk DEFAULT nan,
    MODIFY COLUMN http_response_status_code DEFAULT -1,
    MODIFY COLUMN http_request_resend_count DEFAULT -1,
    MODIFY COLUMN server_port DEFAULT -1;
