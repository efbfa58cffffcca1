/**
 * Every attribute and metric that the fleet emits, and who emits it in reality. The compiler holds the span shapes
 * to these names: nothing else can be emitted.
 *
 * - contrib: opentelemetry-instrumentation-genai-openai and -genai-anthropic 1.3b0 (new GenAI names).
 * - sdk: Anthropic's Python SDK 2.12.0, which instruments itself.
 * - http: opentelemetry-instrumentation-fastapi with stable HTTP conventions.
 * - baggage: opentelemetry-processor-baggage, which copies the application's baggage to every span.
 * - resource: service.*, cloud.*, k8s.*, as the OpenTelemetry operator and SDK resource detectors set them.
 */
const emittedAttributes = {
  "gen_ai.operation.name": "contrib, sdk: chat or embeddings",
  "gen_ai.provider.name": "contrib, sdk",
  "gen_ai.request.model": "contrib, sdk",
  "gen_ai.request.max_tokens": "contrib, sdk",
  "gen_ai.request.stream": "contrib, on streamed calls",
  "gen_ai.response.model": "contrib, sdk, once an answer began",
  "gen_ai.response.id": "contrib, sdk, once an answer began",
  "gen_ai.response.finish_reasons": "contrib, on complete answers",
  "gen_ai.response.time_to_first_chunk": "contrib, sdk, on streams with a first chunk; a double",
  "gen_ai.usage.input_tokens": "contrib, sdk, on complete answers only: failed calls have none",
  "gen_ai.usage.output_tokens": "contrib, sdk, on complete answers only",
  "gen_ai.input.messages": "contrib with content capture switched on (here: the canary)",
  "openai.request.service_tier": "contrib (OpenAI)",
  "server.address": "contrib",
  "server.port": "contrib",
  "error.type":
    "contrib: exception class with module; sdk: the API's error type; http: the status of a 5xx",
  "anthropic.message.stop_reason": "sdk",
  "http.request.resend_count": "sdk, on retried calls; contrib hides retries",
  "http.response.status_code":
    "sdk; http, where an answer began; contrib only words it in the status message",
  "http.request.method": "http",
  "http.route": "http",
  "http.request.body.size":
    "http, opt-in of the conventions; four bytes a token, so it shows long prompts of failed calls too",
  "url.path": "http",
  "url.scheme": "http",
  "enduser.id": "baggage: the tenant",
  "app.tier": "baggage: the application's own name for the plan",
  "service.name": "resource",
  "service.version": "resource",
  "service.instance.id": "resource",
  "deployment.environment.name": "resource",
  "cloud.provider": "resource",
  "cloud.region": "resource",
  "k8s.cluster.name": "resource",
  "k8s.pod.name": "resource",
  "telemetry.sdk.language": "resource",
  "telemetry.sdk.name": "resource",
  "telemetry.sdk.version": "resource",
  model_name: "label of vLLM's own metrics",
} as const;

export type AttributeName = keyof typeof emittedAttributes;

/** Metrics, all cumulative. */
const emittedMetrics = {
  "gen_ai.client.operation.duration": "contrib: histogram, s; buckets of the conventions",
  "gen_ai.client.operation.time_to_first_chunk": "contrib: histogram, s; successful streams only",
  "http.server.active_requests": "http: up-down counter, {request}",
  "vllm:num_requests_running":
    "vLLM 0.11 through a Prometheus receiver: gauge; only with queueGauges",
  "vllm:num_requests_waiting":
    "vLLM 0.11 through a Prometheus receiver: gauge; only with queueGauges",
} as const;

export type MetricName = keyof typeof emittedMetrics;
