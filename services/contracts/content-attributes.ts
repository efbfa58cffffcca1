/**
 * Which attributes hold what people wrote to a model or got from it: prompts, answers, tool definitions, arguments and
 * results. They are cut before the log. The tables name the library that writes each; names that only look alike
 * (`gen_ai.prompt.name`, `gen_ai.completion.0.finish_reason`, `llm.request.type`) stay.
 */

/**
 * What becomes of an attribute. `model`: JSON of which only `"model"` stays, where some libraries have it alone.
 * `error text`: free text that may quote content, cut to its known words (`error-text.ts`).
 */
export type AttributeRule = "keep" | "drop" | "model" | "error text";

const droppedNames: readonly string[] = [
  // OpenTelemetry GenAI conventions, current
  "gen_ai.system_instructions",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.tool.definitions",
  "gen_ai.tool.description",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.retrieval.documents",
  "gen_ai.retrieval.query.text",
  "gen_ai.evaluation.explanation",
  // the same, earlier versions, and attributes of their span events
  "gen_ai.prompt",
  "gen_ai.completion",
  "gen_ai.event.content",
  "gen_ai.tool.message",
  "gen_ai.request.structured_output_schema",
  // OpenLLMetry
  "traceloop.entity.input",
  "traceloop.entity.output",
  "llm.prompts",
  "llm.completions",
  "llm.request.functions",
  // the same: LangGraph's nodes
  "gen_ai.task.input",
  "gen_ai.task.output",
  // OpenLIT
  "gen_ai.tool.args",
  // OpenInference
  "input.value",
  "output.value",
  "llm.input_messages",
  "llm.output_messages",
  "llm.function_call",
  "llm.tools",
  "llm.choices",
  "tool.description",
  "tool.parameters",
  "tool.json_schema",
  "reranker.query",
  // the same: CrewAI
  "crew_agents",
  "crew_tasks",
  "crew_inputs",
  // pydantic-ai and Logfire
  "pydantic_ai.all_messages",
  "pydantic_ai.new_messages",
  "all_messages",
  "all_messages_events",
  "events",
  "final_result",
  "model_request_parameters",
  "tool_arguments",
  "tool_response",
  "request_data",
  "response_data",
  // Vercel AI SDK
  "ai.prompt",
  "ai.schema",
  "ai.value",
  "ai.values",
  "ai.embedding",
  "ai.embeddings",
  "ai.documents",
  "ai.response.text",
  "ai.response.object",
  "ai.response.reasoning",
  "ai.response.files",
  "ai.response.toolCalls",
  "ai.result.text",
  "ai.result.object",
  "ai.result.toolCalls",
  // Langfuse, MLflow, Genkit, Google ADK, Haystack
  "langfuse.observation.input",
  "langfuse.observation.output",
  "langfuse.trace.input",
  "langfuse.trace.output",
  "mlflow.spanInputs",
  "mlflow.spanOutputs",
  "mlflow.chunk.value",
  "genkit:input",
  "genkit:output",
  "gcp.vertex.agent.llm_request",
  "gcp.vertex.agent.llm_response",
  "gcp.vertex.agent.tool_call_args",
  "gcp.vertex.agent.tool_response",
  "gcp.vertex.agent.data",
  "haystack.component.input",
  "haystack.component.output",
  "haystack.pipeline.input_data",
  "haystack.pipeline.output_data",
  // command lines of chat tools end in the prompt; SDKs detect them by themselves
  "process.command_args",
  "process.command_line",
  // stack traces show arguments and messages
  "exception.stacktrace",
  "error.stack_trace",
  "error.stack",
  "litellm.provider.error.stack_trace",
  // Mastra: the provider's answer
  "mastra.metadata.body",
];

/** Everything below these names is content. */
const droppedPrefixes: readonly string[] = [
  "gen_ai.input.messages.",
  "gen_ai.output.messages.",
  "gen_ai.tool.definitions.",
  "gen_ai.tool.call.arguments.",
  "gen_ai.tool.call.result.",
  "gen_ai.retrieval.documents.",
  "traceloop.prompt.",
  "llm.input_messages.",
  "llm.output_messages.",
  "llm.function_call.",
  "llm.tools.",
  "llm.prompt_template.",
  "llm.choices.",
  "embedding.embeddings.",
  "retrieval.documents.",
  "reranker.input_documents.",
  "reranker.output_documents.",
  "document.",
  "ai.prompt.",
  "ai.toolCall.args",
  "ai.toolCall.result",
  "ai.toolCall.output",
  "input.messages.",
  "output.messages.",
  // Mastra: what a log record comes with
  "mastra.log.",
];

/**
 * `base.N` and `base.N.<ending>`: content except for these endings. litellm, OpenLLMetry (earlier names), and
 * `gen_ai.tool.N.{description,parameters}`.
 */
const indexedBases: readonly string[] = [
  "gen_ai.prompt.",
  "gen_ai.completion.",
  "gen_ai.tool.",
  "llm.prompts.",
  "llm.completions.",
  "llm.request.functions.",
  "embedding.",
];
const keptIndexedEndings: ReadonlySet<string> = new Set(["finish_reason", "role", "name", "type"]);

/** Mastra's `mastra.<type of span>.input` and `.output`. */
const spanTypeBase = "mastra.";
const spanTypeEndings: ReadonlySet<string> = new Set(["input", "output"]);

/** litellm's raw request: `llm.<provider>.<parameter>`. */
const rawRequestParameters: ReadonlySet<string> = new Set([
  "messages",
  "choices",
  "content",
  "contents",
  "candidates",
  "system",
  "system_instruction",
  "systemInstruction",
  "instructions",
  "tools",
  "functions",
  "input",
  "output",
  "output_text",
  "prompt",
  "query",
  "documents",
  "text",
  "texts",
  "data",
  "message",
  "response",
  "request",
  "response_format",
  "extra_body",
  "metadata",
  "embedding",
  "embeddings",
]);

/** `llm.token_count.prompt` and the like are numbers, and these no providers. */
const notProviders: ReadonlySet<string> = new Set([
  "token_count",
  "cost",
  "usage",
  "request",
  "response",
]);

/** JSON that holds instructions or tools beside the name of the model. OpenInference, where a failed call has it nowhere else. */
const modelOnlyNames: readonly string[] = [
  "llm.invocation_parameters",
  "embedding.invocation_parameters",
];

const errorTextNames: readonly string[] = [
  "exception.message",
  "error.message",
  "litellm.provider.error.message",
  "langfuse.observation.status_message",
  // LiteLLM's proxy, span `Failed Proxy Server Request`
  "exception",
  "metadata.error_information",
  // as frameworks and applications write it by hand
  "error",
  "error_message",
  "error.description",
  "error.details",
  "exception_message",
  "otel.status_description",
];

/**
 * In events and log records named `gen_ai.…` the bare names (`content`, `message`, `tool_calls`, …) are content too:
 * only these stay, and what begins with the prefixes below, under the rules above.
 */
const keptInGenAiEvents: ReadonlySet<string> = new Set([
  "role",
  "index",
  "finish_reason",
  "id",
  "type",
]);
const prefixesKeptInGenAiEvents: readonly string[] = [
  "gen_ai.",
  "openai.",
  "error.",
  "exception.",
  "event.",
  "server.",
  "session.",
  "tenant.",
  "user.",
  "enduser.",
];

const exactRules: ReadonlyMap<string, AttributeRule> = new Map<string, AttributeRule>([
  ...droppedNames.map((name) => [name, "drop"] as const),
  ...modelOnlyNames.map((name) => [name, "model"] as const),
  ...errorTextNames.map((name) => [name, "error text"] as const),
]);

/** The tables themselves, for programs that cut by patterns (`content-patterns.ts`). */
export const contentTables = {
  droppedNames,
  droppedPrefixes,
  indexedBases,
  keptIndexedEndings,
  spanTypeBase,
  spanTypeEndings,
  rawRequestParameters,
  notProviders,
  modelOnlyNames,
  errorTextNames,
  keptInGenAiEvents,
  prefixesKeptInGenAiEvents,
} as const;

/** Events and log records whose content lies under bare names, or in the body. */
export const genAiEventPrefix = "gen_ai.";

/** `extra` are names from the configuration; a trailing `*` matches any ending. */
export type ClassifyAttribute = (name: string, isInGenAiEvent: boolean) => AttributeRule;

export function attributeClassifier(extra: readonly string[]): ClassifyAttribute {
  const extraNames = new Set(extra.filter((name) => !name.endsWith("*")));
  const extraPrefixes = extra.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  return (name, isInGenAiEvent) => {
    if (extraNames.has(name) || extraPrefixes.some((prefix) => name.startsWith(prefix)))
      return "drop";
    const rule = ruleFor(name);
    if (rule !== "keep" || !isInGenAiEvent) return rule;
    return keptInGenAiEvents.has(name) ||
      prefixesKeptInGenAiEvents.some((prefix) => name.startsWith(prefix))
      ? "keep"
      : "drop";
  };
}

function ruleFor(name: string): AttributeRule {
  const exact = exactRules.get(name);
  if (exact !== undefined) return exact;
  if (droppedPrefixes.some((prefix) => name.startsWith(prefix))) return "drop";
  if (isIndexedContent(name) || isRawRequest(name) || isSpanTypeContent(name)) return "drop";
  return "keep";
}

function isSpanTypeContent(name: string): boolean {
  if (!name.startsWith(spanTypeBase)) return false;
  const [, , ending = ""] = name.split(".");
  return spanTypeEndings.has(ending);
}

function isIndexedContent(name: string): boolean {
  const base = indexedBases.find((prefix) => name.startsWith(prefix));
  if (base === undefined) return false;
  const rest = name.slice(base.length);
  if (!/^\d+(\.|$)/.test(rest)) return base === "embedding." && /^(text|vector)$/.test(rest);
  const ending = rest.slice(rest.lastIndexOf(".") + 1);
  // `gen_ai.completion.0.tool_calls.0.name` names a tool, which is no content; its arguments are.
  return !keptIndexedEndings.has(ending);
}

function isRawRequest(name: string): boolean {
  if (!name.startsWith("llm.")) return false;
  const [, provider = "", parameter = ""] = name.split(".");
  return !notProviders.has(provider) && rawRequestParameters.has(parameter);
}
