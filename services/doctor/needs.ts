/** What telemetry must say for faults to be seen and placed, whether it does, and how to make it. */
import type { Observations } from "./observations.ts";
import type { PayloadFacts } from "./scan-payload.ts";

export interface Evidence {
  readonly seen: Observations;
  readonly payload: PayloadFacts;
}

export interface Need {
  /** In words, after "sees" or "lacks". */
  readonly words: string;
  /** Attributes or metrics that carry it. */
  readonly carriers: readonly string[];
  /** Share of requests that have it, 0 to 1; the least that is enough is more than `enough`. */
  readonly share: (evidence: Evidence) => number;
  readonly enough: number;
  /** Lines of an SDK's or Collector's configuration that add it. */
  readonly remedy: readonly string[];
}

const of = (part: number, whole: number) => (whole === 0 ? 0 : Math.min(1, part / whole));
const dimension =
  (name: string) =>
  ({ seen }: Evidence) =>
    of(seen.dimensions.get(name) ?? 0, seen.requests);
const present = (isPresent: boolean) => (isPresent ? 1 : 0);

const resourceLine = (attribute: string, value: string) =>
  `OTEL_RESOURCE_ATTRIBUTES="${attribute}=${value}"        # on the application, beside what is set already`;

const loginRoute = /log-?in|sign-?in|auth|session|token/i;

export const needs = {
  requests: {
    words: "model calls with provider, model and how they ended",
    carriers: ["gen_ai.request.model", "gen_ai.provider.name", "error.type"],
    share: ({ seen }) => present(seen.requests > 0),
    enough: 0,
    remedy: [
      "pip install opentelemetry-distro opentelemetry-exporter-otlp opentelemetry-instrumentation-genai-openai",
      "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 opentelemetry-instrument python your_chatbot.py",
    ],
  },
  firstTokens: {
    words: "the time to the first token",
    carriers: [
      "gen_ai.response.time_to_first_chunk",
      "gen_ai.client.operation.time_to_first_chunk",
      "ai.response.msToFirstChunk",
    ],
    share: ({ seen }) => of(seen.measured.timeToFirstToken, seen.streamed || seen.requests),
    enough: 0.2,
    remedy: [
      "Python, OpenAI:    pip install opentelemetry-instrumentation-genai-openai       # instead of …-openai-v2, which has it nowhere",
      "Python, Anthropic: pip install opentelemetry-instrumentation-genai-anthropic   # or the SDK's own spans, on by default",
      "LiteLLM:           LITELLM_OTEL_V2=true",
      "Vercel AI SDK:     @ai-sdk/otel with version 7",
    ],
  },
  tokenSpeed: {
    words: "the time per output token",
    carriers: ["gen_ai.response.time_to_first_chunk", "gen_ai.usage.output_tokens"],
    share: ({ seen }) => of(seen.measured.timePerOutputToken, seen.streamed || seen.requests),
    enough: 0.2,
    remedy: [
      "It follows from the time to the first token and the output tokens of a stream:",
      'OpenAI streams: stream_options={"include_usage": True}',
    ],
  },
  outputTokens: {
    words: "the length of answers",
    carriers: ["gen_ai.usage.output_tokens"],
    share: ({ seen }) => of(seen.measured.outputTokens, seen.ok),
    enough: 0.2,
    remedy: ['OpenAI streams: stream_options={"include_usage": True}'],
  },
  inputTokens: {
    words: "the length of prompts",
    carriers: ["gen_ai.usage.input_tokens"],
    share: ({ seen }) => of(seen.measured.inputTokens, seen.ok),
    enough: 0.2,
    remedy: ['OpenAI streams: stream_options={"include_usage": True}'],
  },
  finish: {
    words: "how answers end",
    carriers: ["gen_ai.response.finish_reasons"],
    share: ({ seen }) => of(seen.ok - seen.finishMissing, seen.ok),
    enough: 0.5,
    remedy: [
      "pip install opentelemetry-instrumentation-genai-openai       # …-openai-v2 has no finish reason on streams",
    ],
  },
  responseModel: {
    words: "which model answered",
    carriers: ["gen_ai.response.model"],
    share: dimension("gen_ai.response.model"),
    enough: 0.2,
    remedy: [
      "Client instrumentations write it from the answer; a gateway between may hide it (LiteLLM: litellm.provider.model, with LITELLM_OTEL_V2=true).",
    ],
  },
  retries: {
    words: "retries inside the client",
    carriers: ["http.request.resend_count"],
    share: ({ payload }) => present(payload.attributes.has("http.request.resend_count")),
    enough: 0,
    remedy: [
      "Anthropic's SDK counts them in its own spans (on unless ANTHROPIC_OPEN_TELEMETRY=false); OpenAI's hides them, so set max_retries=0 there and retry in your code.",
    ],
  },
  region: {
    words: "the region",
    carriers: ["cloud.region"],
    share: ({ seen }) => of(seen.located, seen.requests),
    enough: 0.5,
    remedy: [
      resourceLine("cloud.region", "eu-west-1"),
      "or in a Collector: processors: { resourcedetection: { detectors: [env, ec2, gcp, azure] } }",
    ],
  },
  version: {
    words: "the application's version",
    carriers: ["service.version"],
    share: dimension("service.version"),
    enough: 0.5,
    remedy: [resourceLine("service.version", "$GIT_COMMIT")],
  },
  instance: {
    words: "the single instance",
    carriers: ["service.instance.id"],
    share: dimension("service.instance.id"),
    enough: 0.5,
    remedy: [
      resourceLine("service.instance.id", "$HOSTNAME"),
      "or in a Collector: processors: { k8sattributes: {} }, and service.instance.id from k8s.pod.uid",
    ],
  },
  cluster: {
    words: "the cluster",
    carriers: ["k8s.cluster.name"],
    share: dimension("k8s.cluster.name"),
    enough: 0.5,
    remedy: [
      "In a Collector: processors: { resource: { attributes: [{ key: k8s.cluster.name, value: NAME, action: upsert }] } }",
    ],
  },
  tier: {
    words: "the service tier",
    carriers: ["openai.request.service_tier"],
    share: dimension("openai.request.service_tier"),
    enough: 0.2,
    remedy: [
      'span.set_attribute("openai.request.service_tier", tier)       # where the request is made',
    ],
  },
  tenants: {
    words: "how many tenants are touched",
    carriers: ["tenant.id", "enduser.id", "user.id"],
    share: ({ seen }) => present(seen.tenants > 0),
    enough: 0,
    remedy: [
      'span.set_attribute("tenant.id", tenant)        # counted by breadth, never stored as a series; judgement.series.tenantAttributes names others',
    ],
  },
  routes: {
    words: "the application's own routes",
    carriers: ["http.route"],
    share: ({ seen }) => present(seen.routes.size > 0),
    enough: 0,
    remedy: [
      "Python: pip install opentelemetry-instrumentation-fastapi (or -flask, -django); Node: @opentelemetry/instrumentation-http and -express",
    ],
  },
  login: {
    words: "logins and session starts",
    carriers: ["http.route"],
    share: ({ seen }) => present([...seen.routes].some((route) => loginRoute.test(route))),
    enough: 0,
    remedy: [
      "Instrument the service that logs users in, as for its routes: spans of kind SERVER with http.route.",
    ],
  },
  inFlight: {
    words: "requests in flight",
    carriers: ["http.server.active_requests", "vllm:num_requests_running"],
    share: ({ seen }) => present(seen.gauges.size > 0),
    enough: 0,
    remedy: [
      "HTTP server instrumentations export http.server.active_requests with OTEL_METRICS_EXPORTER=otlp; for vLLM scrape its /metrics in a Collector:",
      "receivers: { prometheus: { config: { scrape_configs: [{ job_name: vllm, static_configs: [{ targets: ['HOST:8000'] }] }] } } }",
    ],
  },
} as const satisfies Record<string, Need>;

export type NeedName = keyof typeof needs;
export const needNames = Object.keys(needs) as NeedName[];

/** Attributes whose mere presence is asked for. */
export const wantedAttributes = ["http.request.resend_count"] as const;
