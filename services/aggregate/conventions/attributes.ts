/**
 * Attribute names that aggregate reads, current and former, of every library it knows. Everything else on a span is
 * stepped over. Numbers are positions in this list; configured names (dimensions, tenants) are added behind it.
 */
import { createKeyTable, type KeyTable } from "../decode/key-table.ts";

export const attributeNames = [
  // What kind of span it is.
  "gen_ai.operation.name",
  "openinference.span.kind",
  "ai.operationId",
  "llm.request.type",
  "langfuse.observation.type",
  "langsmith.span.kind",
  "mlflow.spanType",
  "traceloop.span.kind",
  "gen_ai.tool.name",
  "gen_ai.agent.name",
  "db.system",
  "db.system.name",
  "gen_ai.latency.e2e",
  "gen_ai.latency.time_in_queue",
  // Who was asked for what.
  "gen_ai.provider.name",
  "gen_ai.system",
  "llm.provider",
  "llm.system",
  "llm.vendor",
  "ai.model.provider",
  "mlflow.llm.provider",
  "mlflow.message.format",
  "error.llm_provider",
  "litellm.provider.error.llm_provider",
  "gen_ai.request.model",
  "litellm.provider.model",
  "llm.request.model_name",
  "llm.request.model",
  "llm.model_name",
  "llm.invocation_parameters",
  "embedding.model_name",
  "embedding.invocation_parameters",
  "ai.model.id",
  "langfuse.observation.model.name",
  "model",
  "mlflow.llm.model",
  "gen_ai.response.model",
  "llm.response.model_name",
  "llm.response.model",
  "ai.response.model",
  "gen_ai.response.id",
  "ai.response.id",
  "openai.api.type",
  // How it ended.
  "error.type",
  "http.response.status_code",
  "http.status_code",
  "error.code",
  "litellm.provider.error.code",
  "error.message",
  "langfuse.observation.level",
  "langfuse.observation.status_message",
  "exception.type",
  "exception.message",
  "gen_ai.response.finish_reasons",
  "gen_ai.response.finish_reason",
  "ai.response.finishReason",
  "anthropic.message.stop_reason",
  "llm.finish_reason",
  "gen_ai.completion.0.finish_reason",
  "llm.completions.0.finish_reason",
  "llm.response.finish_reason",
  "llm.response.stop_reason",
  "output.mime_type",
  // Streams.
  "gen_ai.request.stream",
  "gen_ai.request.is_stream",
  "gen_ai.is_streaming",
  "llm.is_streaming",
  "litellm.request.streaming",
  "rpc.method",
  "gen_ai.response.time_to_first_chunk",
  "gen_ai.client.operation.time_to_first_chunk",
  "gen_ai.server.time_to_first_token",
  "gen_ai.latency.time_to_first_token",
  "gen_ai.response.time_to_first_token",
  "gen_ai.client.time_to_first_token",
  "ai.response.msToFirstChunk",
  "ai.stream.msToFirstChunk",
  "langfuse.observation.completion_start_time",
  "mastra.completion_start_time",
  // Tokens.
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "llm.usage.prompt_tokens",
  "llm.token_count.prompt",
  "langfuse.observation.usage_details",
  "mlflow.chat.tokenUsage",
  "ai.usage.inputTokens",
  "ai.usage.promptTokens",
  "ai.usage.tokens",
  "ai.usage.inputTokenDetails.noCacheTokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.completion_tokens",
  "llm.usage.completion_tokens",
  "llm.token_count.completion",
  "ai.usage.outputTokens",
  "ai.usage.completionTokens",
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_read_input_tokens",
  "llm.token_count.prompt_details.cache_read",
  "ai.usage.cachedInputTokens",
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.usage.reasoning_tokens",
  "llm.token_count.completion_details.reasoning",
  "ai.usage.reasoningTokens",
  "http.request.resend_count",
  "duration",
  // Where.
  "cloud.region",
  "service.name",
  "service.instance.id",
  // HTTP servers.
  "http.route",
  "url.template",
  "http.request.method",
  "http.method",
  // Gauges of model servers.
  "model_name",
  "envoy_cluster_name",
  "envoy.cluster_name",
] as const;

export type AttributeName = (typeof attributeNames)[number];

const numbers = new Map<string, number>(attributeNames.map((name, index) => [name, index]));

/** Number of a known attribute. */
export function fieldOf(name: AttributeName): number {
  return numbers.get(name) ?? -1;
}

export const fieldsOf = (...names: readonly AttributeName[]): readonly number[] =>
  names.map(fieldOf);

export interface Fields {
  readonly keys: KeyTable;
  /** Numbers of the configured names, in their order. */
  readonly configured: readonly number[];
}

/** The known attributes and the configured ones in one table. */
export function createFields(configured: readonly string[]): Fields {
  const all = new Map(numbers);
  for (const name of configured) if (!all.has(name)) all.set(name, all.size);
  return {
    keys: createKeyTable([...all.keys()]),
    configured: configured.map((name) => all.get(name) ?? -1),
  };
}
