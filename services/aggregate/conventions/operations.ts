/**
 * Which spans are model calls, and of which operation. A span counts only where one of these tables says so: agent,
 * workflow, step, tool, routing and HTTP spans never do, whatever else they carry.
 */
import { valueKind } from "../decode/attributes.ts";
import { memoized } from "../decode/memo.ts";
import { textOf } from "../decode/texts.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import { lookUp } from "./look-up.ts";
import { type Reading, textIn, withoutQuotes } from "./reading.ts";

/** OTLP span kinds. A call is made by a client, or inside the process that wraps it. */
export const spanKind = {
  unspecified: 0,
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
};

/** Operations of `gen_ai.operation.name` that are model calls; LiteLLM writes its call types there. */
const operations: Readonly<Record<string, string>> = {
  chat: "chat",
  generate_content: "generate_content",
  text_completion: "text_completion",
  embeddings: "embeddings",
  // Semantic Kernel's, and what is written of the interfaces' own names.
  "chat.completions": "chat",
  chat_completion: "chat",
  chat_completions: "chat",
  "text.completions": "text_completion",
  converse: "chat",
  generatecontent: "generate_content",
  message: "chat",
  messages: "chat",
  response: "chat",
  // LiteLLM's call types.
  completion: "chat",
  acompletion: "chat",
  responses: "chat",
  aresponses: "chat",
  anthropic_messages: "chat",
  agenerate_content: "generate_content",
  embedding: "embeddings",
  aembedding: "embeddings",
  atext_completion: "text_completion",
  // Further model calls that have no name in the conventions yet.
  rerank: "rerank",
  arerank: "rerank",
  image_generation: "image_generation",
  aimage_generation: "image_generation",
  transcription: "transcription",
  atranscription: "transcription",
  speech: "speech",
  aspeech: "speech",
  moderation: "moderation",
  amoderation: "moderation",
};

/** `llm.request.type`, where there is no operation name. Only LiteLLM says "completion" of a chat. */
const requestTypes: Readonly<Record<string, string>> = {
  ...operations,
  completion: "text_completion",
  unknown: "",
};

/** What these tables give, by number; 0: nothing. */
const known: readonly string[] = [
  "",
  ...new Set([operations, requestTypes].flatMap(Object.values)),
];

/** Number of what a table gives for a name. */
const numberIn = (table: Readonly<Record<string, string>>, name: string): number =>
  known.indexOf(lookUp(table, name) ?? "");

const named = memoized((name) => numberIn(operations, name.toLowerCase()));
const typed = memoized((type) => numberIn(requestTypes, type));
const typedByLiteLlm = memoized((type) => numberIn(operations, type));

/** `openinference.span.kind`; other kinds (CHAIN, AGENT, TOOL, RETRIEVER, …) are no calls. */
const openInferenceKinds: Readonly<Record<string, string>> = {
  LLM: "chat",
  EMBEDDING: "embeddings",
  RERANKER: "rerank",
};

/** Endings of `ai.operationId` (Vercel AI SDK up to 6); the wrappers without them repeat what the calls say. */
const aiOperationEndings: readonly (readonly [string, string])[] = [
  [".doGenerate", "chat"],
  [".doStream", "chat"],
  [".doEmbed", "embeddings"],
];

/** `mlflow.spanType`; the others (AGENT, CHAIN, TOOL, …) are no calls. */
const mlflowTypes: Readonly<Record<string, string>> = {
  CHAT_MODEL: "chat",
  LLM: "chat",
  EMBEDDING: "embeddings",
  RERANKER: "rerank",
};

/** `langsmith.span.kind`; a prompt's span has the operation `chat`, too. */
const langSmithCalls: ReadonlySet<string> = new Set(["llm", "embedding"]);

/** `langfuse.observation.type` of the Langfuse SDKs, whose spans have no operation name. */
const langfuseTypes: Readonly<Record<string, string>> = {
  generation: "chat",
  embedding: "embeddings",
};

/**
 * What only a model server's own span of a request has, which is a SERVER span without an operation name.
 * Source: vLLM, `vllm/tracing` (span `llm_request`).
 */
const modelServerFields = fieldsOf(
  "gen_ai.latency.e2e",
  "gen_ai.latency.time_in_queue",
  "gen_ai.latency.time_to_first_token",
);

/** Who was asked for which model: what spans without an operation name must have to be calls. */
const providerFields = fieldsOf("gen_ai.provider.name", "gen_ai.system", "llm.vendor");
const modelFields = fieldsOf("gen_ai.request.model", "llm.request.model");
/** What only an answer, or the lack of one, leaves on a span that is not a client's. */
const answerFields = fieldsOf(
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "gen_ai.response.id",
);
/** What other things than calls have, among them LiteLLM's database spans, workflows, agents and tools. */
const otherThanCalls = fieldsOf(
  "traceloop.span.kind",
  "gen_ai.tool.name",
  "gen_ai.agent.name",
  "db.system",
  "db.system.name",
  "http.route",
);
/** Scopes that write requests' attributes on routing spans, too. */
const routingScopes: ReadonlySet<string> = new Set(["litellm"]);

/** How the name of a request ends that only counts what a prompt has. */
const countOfTokens = new TextEncoder().encode("count_tokens");

const operationName = fieldOf("gen_ai.operation.name");
const langfuseType = fieldOf("langfuse.observation.type");
const mlflowType = fieldOf("mlflow.spanType");
const langSmithKind = fieldOf("langsmith.span.kind");
const openInferenceKind = fieldOf("openinference.span.kind");
const aiOperation = fieldOf("ai.operationId");
const requestType = fieldOf("llm.request.type");
const rpcMethod = fieldOf("rpc.method");

/** Operation of a model call in the conventions' words; empty for a span that is none. */
export function operationOf(reading: Reading): string {
  const { kind } = reading.span;
  if (kind === spanKind.server) return isModelServer(reading) ? "chat" : "";
  if (kind === spanKind.producer || kind === spanKind.consumer) return "";
  const { texts, attributes } = reading;
  const inference = textIn(reading, attributes, openInferenceKind);
  if (inference !== 0) {
    const operation = lookUp(openInferenceKinds, textOf(texts, inference).toUpperCase()) ?? "";
    return operation !== "" && isCountOfTokens(reading) ? "" : operation;
  }
  const langSmith = textIn(reading, attributes, langSmithKind);
  if (langSmith !== 0 && !langSmithCalls.has(textOf(texts, langSmith))) return "";
  const mlflow = textIn(reading, attributes, mlflowType);
  if (mlflow !== 0) return lookUp(mlflowTypes, withoutQuotes(textOf(texts, mlflow))) ?? "";
  const vercel = textIn(reading, attributes, aiOperation);
  if (vercel !== 0) return aiOperationOf(textOf(texts, vercel));
  const name = textIn(reading, attributes, operationName);
  if (name !== 0) return known[named(texts, name)] as string;
  const type = textIn(reading, attributes, requestType);
  if (type === 0) return unnamedOperationOf(reading);
  const isLiteLlm = textOf(texts, reading.scope) === "litellm";
  return known[(isLiteLlm ? typedByLiteLlm : typed)(texts, type)] as string;
}

/**
 * Spans without any operation name: what failed before the library came to write it (OpenLLMetry's Responses API), older Logfire,
 * Langfuse. Provider and model must be there, and nothing that other spans have.
 */
function unnamedOperationOf(reading: Reading): string {
  const { attributes, texts, span } = reading;
  const langfuse = textIn(reading, attributes, langfuseType);
  if (langfuse !== 0) return lookUp(langfuseTypes, textOf(texts, langfuse)) ?? "";
  if (!isAny(reading, modelFields) || !isAny(reading, providerFields)) return "";
  if (isAny(reading, otherThanCalls)) return "";
  if (routingScopes.has(textOf(texts, reading.scope))) return "";
  const isClient = span.kind === spanKind.client;
  return isClient || isAny(reading, answerFields) ? "chat" : "";
}

/** OpenInference takes `messages.count_tokens`, before a call, for a call of its own; CrewAI asks for it each time. */
function isCountOfTokens({ bytes, span }: Reading): boolean {
  const start = span.nameEnd - countOfTokens.length;
  return start >= span.nameStart && countOfTokens.every((code, i) => bytes[start + i] === code);
}

function isAny(reading: Reading, fields: readonly number[]): boolean {
  for (let i = 0; i < fields.length; i++) if (isPresent(reading, fields[i] as number)) return true;
  return false;
}

const isPresent = ({ attributes }: Reading, field: number): boolean =>
  attributes.kinds[field] !== valueKind.none;

function isModelServer(reading: Reading): boolean {
  return isAny(reading, modelServerFields);
}

function aiOperationOf(id: string): string {
  for (const [ending, operation] of aiOperationEndings) if (id.endsWith(ending)) return operation;
  return "";
}

/** Whether the operation streams by its name: the Vercel AI SDK's `….doStream`, Bedrock's `ConverseStream` and `InvokeModelWithResponseStream`. */
export const isStreamOperation = (reading: Reading): boolean =>
  isNamedStream(reading, aiOperation) || isNamedStream(reading, rpcMethod);

function isNamedStream(reading: Reading, field: number): boolean {
  const name = textIn(reading, reading.attributes, field);
  return name !== 0 && textOf(reading.texts, name).endsWith("Stream");
}
