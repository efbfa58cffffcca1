/** The libraries that are run: what is installed, which driver calls it, and how it is set up. */

/** An installation, which several runs may share. */
export interface LibraryEnvironment {
  readonly language: "python" | "javascript";
  readonly packages: readonly string[];
}

export interface LibraryRun {
  /** Names the files in `test/fixtures/libraries`. */
  readonly name: string;
  readonly title: string;
  /** A key of `libraryEnvironments`. */
  readonly environment: string;
  /** Packages whose versions are the library's, first the one that writes the spans. */
  readonly named: readonly string[];
  readonly driver: string;
  readonly variables?: Readonly<Record<string, string>>;
}

const python = (...packages: readonly string[]): LibraryEnvironment => ({
  language: "python",
  packages: ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", ...packages],
});
const javascript = (...packages: readonly string[]): LibraryEnvironment => ({
  language: "javascript",
  packages: [
    "@opentelemetry/api",
    "@opentelemetry/sdk-node",
    "@opentelemetry/exporter-trace-otlp-proto",
    ...packages,
  ],
});

export const libraryEnvironments: Readonly<Record<string, LibraryEnvironment>> = {
  contrib: python(
    "openai",
    "httpx",
    "opentelemetry-util-genai==1.1b0",
    "opentelemetry-instrumentation-openai-v2",
  ),
  llmetry: python(
    "openai",
    "anthropic",
    "opentelemetry-instrumentation-openai",
    "opentelemetry-instrumentation-anthropic",
  ),
  inference: python(
    "openai",
    "anthropic",
    "openinference-instrumentation-openai",
    "openinference-instrumentation-anthropic",
  ),
  genai: python(
    "openai",
    "anthropic",
    "opentelemetry-instrumentation-genai-openai",
    "opentelemetry-instrumentation-genai-anthropic",
  ),
  litellm: python("litellm[proxy]", "openai", "anthropic", "openinference-instrumentation-openai"),
  pydantic: python("pydantic-ai-slim[openai,anthropic]"),
  agents: python("openai-agents", "openinference-instrumentation-openai-agents"),
  langchain: python(
    "langchain",
    "langchain-openai",
    "langchain-anthropic",
    "openinference-instrumentation-langchain",
  ),
  vercel5: javascript("ai@5", "@ai-sdk/openai@2", "@ai-sdk/anthropic@2"),
  vercel6: javascript("ai@6", "@ai-sdk/openai@3", "@ai-sdk/anthropic@3"),
  vercel7: javascript("ai@7", "@ai-sdk/openai", "@ai-sdk/anthropic", "@ai-sdk/otel"),
  "llmetry-js": javascript(
    "openai@5.23.2",
    "@traceloop/instrumentation-openai",
    "@opentelemetry/instrumentation-openai",
  ),
  llamaindex: python(
    "llama-index-core",
    "llama-index-llms-openai",
    "openinference-instrumentation-llama-index",
  ),
  logfire: python("logfire", "langfuse", "openai", "anthropic"),
  openlit: python("openlit>=1.45", "openai", "anthropic"),
  traceloop: python(
    "traceloop-sdk>=0.62",
    "openai",
    "anthropic",
    "langgraph",
    "langchain-openai",
    "langchain-anthropic",
  ),
  langsmith: python(
    "langsmith[otel]",
    "openai",
    "langgraph",
    "langchain-openai",
    "langchain-anthropic",
  ),
  crewai: python(
    "crewai",
    "anthropic",
    "openinference-instrumentation-crewai",
    "openinference-instrumentation-openai",
    "openinference-instrumentation-anthropic",
  ),
  mlflow: python("mlflow", "openai", "anthropic"),
  "inference-litellm": python("litellm", "openinference-instrumentation-litellm"),
  both: python(
    "openai",
    "opentelemetry-instrumentation-openai",
    "opentelemetry-instrumentation-genai-openai",
  ),
};

/** Keeps Anthropic's SDK from writing spans of its own beside the library's. */
const quietSdk = { ANTHROPIC_OPEN_TELEMETRY: "false" };

export const libraryRuns: readonly LibraryRun[] = [
  {
    name: "contrib-openai-v2",
    title: "OpenTelemetry contrib openai-v2",
    environment: "contrib",
    named: ["opentelemetry-instrumentation-openai-v2", "openai"],
    driver: "contrib_openai_v2.py",
  },
  {
    name: "contrib-openai-v2-latest",
    title: "OpenTelemetry contrib openai-v2, newest names",
    environment: "contrib",
    named: ["opentelemetry-instrumentation-openai-v2", "openai"],
    driver: "contrib_openai_v2.py",
    variables: { OTEL_SEMCONV_STABILITY_OPT_IN: "gen_ai_latest_experimental" },
  },
  {
    name: "openllmetry-openai",
    title: "OpenLLMetry openai",
    environment: "llmetry",
    named: ["opentelemetry-instrumentation-openai", "openai"],
    driver: "llmetry_openai.py",
  },
  {
    name: "openllmetry-anthropic",
    title: "OpenLLMetry anthropic",
    environment: "llmetry",
    named: ["opentelemetry-instrumentation-anthropic", "anthropic"],
    driver: "llmetry_anthropic.py",
    variables: quietSdk,
  },
  {
    name: "openllmetry-anthropic-and-sdk",
    title: "OpenLLMetry anthropic beside Anthropic's own spans",
    environment: "llmetry",
    named: ["opentelemetry-instrumentation-anthropic", "anthropic"],
    driver: "llmetry_anthropic.py",
  },
  {
    name: "anthropic-sdk",
    title: "Anthropic's SDK alone",
    environment: "llmetry",
    named: ["anthropic"],
    driver: "anthropic_alone.py",
  },
  {
    name: "openinference-openai",
    title: "OpenInference openai",
    environment: "inference",
    named: ["openinference-instrumentation-openai", "openai"],
    driver: "inference_openai.py",
  },
  {
    name: "openinference-anthropic",
    title: "OpenInference anthropic",
    environment: "inference",
    named: ["openinference-instrumentation-anthropic", "anthropic"],
    driver: "inference_anthropic.py",
    variables: quietSdk,
  },
  {
    name: "openinference-anthropic-and-sdk",
    title: "OpenInference anthropic around Anthropic's own spans",
    environment: "inference",
    named: ["openinference-instrumentation-anthropic", "anthropic"],
    driver: "inference_anthropic.py",
  },
  {
    name: "contrib-genai-openai",
    title: "OpenTelemetry contrib genai-openai",
    environment: "genai",
    named: ["opentelemetry-instrumentation-genai-openai", "openai"],
    driver: "genai_openai.py",
  },
  {
    name: "contrib-genai-anthropic",
    title: "OpenTelemetry contrib genai-anthropic",
    environment: "genai",
    named: ["opentelemetry-instrumentation-genai-anthropic", "anthropic"],
    driver: "genai_anthropic.py",
    variables: quietSdk,
  },
  {
    name: "contrib-genai-anthropic-and-sdk",
    title: "OpenTelemetry contrib genai-anthropic around Anthropic's own spans",
    environment: "genai",
    named: ["opentelemetry-instrumentation-genai-anthropic", "anthropic"],
    driver: "genai_anthropic.py",
  },
  {
    name: "litellm",
    title: "LiteLLM's otel callback",
    environment: "litellm",
    named: ["litellm"],
    driver: "litellm_alone.py",
    variables: quietSdk,
  },
  {
    name: "litellm-served",
    title: "LiteLLM's otel callback inside the application's spans",
    environment: "litellm",
    named: ["litellm"],
    driver: "litellm_served.py",
    variables: quietSdk,
  },
  {
    name: "litellm-over-openinference",
    title: "LiteLLM's otel callback over OpenInference openai",
    environment: "litellm",
    named: ["litellm", "openinference-instrumentation-openai"],
    driver: "litellm_over_inference.py",
    variables: quietSdk,
  },
  {
    name: "pydantic-ai",
    title: "pydantic-ai",
    environment: "pydantic",
    named: ["pydantic-ai-slim", "openai", "anthropic"],
    driver: "pydantic_agent.py",
  },
  {
    name: "openai-agents",
    title: "OpenAI Agents with OpenInference",
    environment: "agents",
    named: ["openinference-instrumentation-openai-agents", "openai-agents"],
    driver: "agents_calls.py",
    variables: { OPENAI_AGENTS_DISABLE_TRACING: "0" },
  },
  {
    name: "langchain",
    title: "LangChain with OpenInference",
    environment: "langchain",
    named: ["openinference-instrumentation-langchain", "langchain-openai", "langchain-anthropic"],
    driver: "langchain_calls.py",
    variables: quietSdk,
  },
  {
    name: "vercel-ai-5",
    title: "Vercel AI SDK 5, experimental_telemetry",
    environment: "vercel5",
    named: ["ai"],
    driver: "vercel_calls.mjs",
  },
  {
    name: "vercel-ai-7",
    title: "Vercel AI SDK 7",
    environment: "vercel7",
    named: ["@ai-sdk/otel", "ai"],
    driver: "vercel_calls.mjs",
  },
  {
    name: "openllmetry-js-openai",
    title: "OpenLLMetry (JavaScript) openai",
    environment: "llmetry-js",
    named: ["@traceloop/instrumentation-openai", "openai"],
    driver: "openai_js.mjs",
    variables: { LIBRARY: "@traceloop/instrumentation-openai" },
  },
  {
    name: "contrib-js-openai",
    title: "OpenTelemetry contrib (JavaScript) openai",
    environment: "llmetry-js",
    named: ["@opentelemetry/instrumentation-openai", "openai"],
    driver: "openai_js.mjs",
    variables: { LIBRARY: "@opentelemetry/instrumentation-openai" },
  },
  {
    name: "litellm-proxy",
    title: "LiteLLM's proxy, models under other names",
    environment: "litellm",
    named: ["litellm"],
    driver: "litellm_proxy.py",
    variables: quietSdk,
  },
  {
    name: "litellm-proxy-v2",
    title: "LiteLLM's proxy, second integration",
    environment: "litellm",
    named: ["litellm"],
    driver: "litellm_proxy.py",
    variables: { ...quietSdk, LITELLM_OTEL_V2: "true" },
  },
  {
    name: "llamaindex",
    title: "LlamaIndex with OpenInference",
    environment: "llamaindex",
    named: ["openinference-instrumentation-llama-index", "llama-index-llms-openai"],
    driver: "llamaindex_calls.py",
  },
  {
    name: "logfire",
    title: "Logfire",
    environment: "logfire",
    named: ["logfire", "openai", "anthropic"],
    driver: "logfire_calls.py",
    variables: quietSdk,
  },
  {
    name: "langfuse",
    title: "Langfuse openai",
    environment: "logfire",
    named: ["langfuse", "openai"],
    driver: "langfuse_calls.py",
    variables: quietSdk,
  },
  {
    name: "vercel-ai-6",
    title: "Vercel AI SDK 6, experimental_telemetry",
    environment: "vercel6",
    named: ["ai"],
    driver: "vercel_calls.mjs",
  },
  {
    name: "openlit",
    title: "OpenLIT",
    environment: "openlit",
    named: ["openlit", "openai", "anthropic"],
    driver: "openlit_calls.py",
    variables: quietSdk,
  },
  {
    name: "openllmetry-langgraph",
    title: "LangGraph with OpenLLMetry's own kit",
    environment: "traceloop",
    named: ["traceloop-sdk", "langgraph", "langchain-openai", "langchain-anthropic"],
    driver: "traceloop_calls.py",
    variables: quietSdk,
  },
  {
    name: "langsmith",
    title: "LangSmith over OpenTelemetry, LangGraph and a wrapped client",
    environment: "langsmith",
    named: ["langsmith", "langgraph", "langchain-openai", "langchain-anthropic"],
    driver: "langsmith_calls.py",
    variables: quietSdk,
  },
  {
    name: "crewai",
    title: "CrewAI with OpenInference, its clients too",
    environment: "crewai",
    named: ["openinference-instrumentation-crewai", "crewai"],
    driver: "crewai_calls.py",
    variables: quietSdk,
  },
  {
    name: "mlflow",
    title: "MLflow autolog",
    environment: "mlflow",
    named: ["mlflow", "openai", "anthropic"],
    driver: "mlflow_calls.py",
    variables: quietSdk,
  },
  {
    name: "openinference-litellm",
    title: "LiteLLM with OpenInference",
    environment: "inference-litellm",
    named: ["openinference-instrumentation-litellm", "litellm"],
    driver: "litellm_inference.py",
    variables: quietSdk,
  },
  {
    name: "contrib-genai-and-openllmetry",
    title: "OpenTelemetry contrib genai-openai and OpenLLMetry at once, asynchronous client",
    environment: "both",
    named: [
      "opentelemetry-instrumentation-genai-openai",
      "opentelemetry-instrumentation-openai",
      "openai",
    ],
    driver: "genai_and_llmetry.py",
    variables: quietSdk,
  },
];
