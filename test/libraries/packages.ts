/** What is installed for the libraries that are run. */

/** An installation, which several runs may share. */
export interface LibraryEnvironment {
  readonly language: "python" | "javascript";
  readonly packages: readonly string[];
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
  "semantic-kernel": python("semantic-kernel"),
  gemini: python(
    // What the former of the instrumentations takes.
    "google-genai<3",
    "opentelemetry-instrumentation-google-genai",
    "openinference-instrumentation-google-genai",
  ),
  bedrock: python(
    "boto3",
    "opentelemetry-instrumentation-botocore",
    "opentelemetry-instrumentation-bedrock",
    "openinference-instrumentation-bedrock",
  ),
  "other-clients": python(
    // What its instrumentation takes.
    "cohere<6",
    "groq",
    "mistralai",
    "opentelemetry-instrumentation-cohere",
    "opentelemetry-instrumentation-groq",
    "openinference-instrumentation-groq",
    "openinference-instrumentation-mistralai",
  ),
  haystack: python("haystack-ai", "openinference-instrumentation-haystack"),
  dspy: python("dspy", "openinference-instrumentation-dspy"),
  instructor: python(
    "instructor",
    "openai",
    "openinference-instrumentation-instructor",
    "openinference-instrumentation-openai",
  ),
  "genai-langchain": python(
    "langchain",
    "langchain-openai",
    "langchain-anthropic",
    "opentelemetry-instrumentation-genai-langchain",
  ),
  mastra: javascript(
    "@mastra/core",
    "@mastra/observability",
    "@mastra/otel-exporter",
    "@ai-sdk/openai",
    "@ai-sdk/anthropic",
  ),
  "langfuse-js": javascript("@langfuse/otel", "@langfuse/tracing", "@langfuse/openai", "openai"),
  "langgraph-js": javascript(
    "@langchain/core",
    "@langchain/langgraph",
    "@langchain/openai",
    "@langchain/anthropic",
    "@arizeai/openinference-instrumentation-langchain",
    "@traceloop/instrumentation-langchain",
  ),
  "openai-agents-js": javascript(
    "@openai/agents",
    "openai",
    "@opentelemetry/instrumentation-openai",
  ),
};
