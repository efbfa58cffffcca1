/**
 * Which spans are model calls, and of which operation. A span counts only where one of these tables says so: agent,
 * workflow, step, tool, routing and HTTP spans never do, whatever else they carry.
 */
import { textOf } from "../decode/texts.ts";
import { fieldOf } from "./attributes.ts";
import { type Reading, textIn } from "./reading.ts";

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

/** `openinference.span.kind`; other kinds (CHAIN, AGENT, TOOL, RETRIEVER, …) are no calls. */
const openInferenceKinds: Readonly<Record<string, string>> = {
  LLM: "chat",
  EMBEDDING: "embeddings",
  RERANKER: "rerank",
};

/** Endings of `ai.operationId` (Vercel AI SDK up to 5); the wrappers without them repeat what the calls say. */
const aiOperationEndings: readonly (readonly [string, string])[] = [
  [".doGenerate", "chat"],
  [".doStream", "chat"],
  [".doEmbed", "embeddings"],
];

const operationName = fieldOf("gen_ai.operation.name");
const openInferenceKind = fieldOf("openinference.span.kind");
const aiOperation = fieldOf("ai.operationId");
const requestType = fieldOf("llm.request.type");

/** Operation of a model call in the conventions' words; empty for a span that is none. */
export function operationOf(reading: Reading): string {
  const { kind } = reading.span;
  if (kind === spanKind.server || kind === spanKind.producer || kind === spanKind.consumer)
    return "";
  const { texts, attributes } = reading;
  const inference = textIn(reading, attributes, openInferenceKind);
  if (inference !== 0) return openInferenceKinds[textOf(texts, inference).toUpperCase()] ?? "";
  const vercel = textIn(reading, attributes, aiOperation);
  if (vercel !== 0) return aiOperationOf(textOf(texts, vercel));
  const named = textIn(reading, attributes, operationName);
  if (named !== 0) return operations[textOf(texts, named)] ?? "";
  const type = textIn(reading, attributes, requestType);
  if (type === 0) return "";
  const table = textOf(texts, reading.scope) === "litellm" ? operations : requestTypes;
  return table[textOf(texts, type)] ?? "";
}

function aiOperationOf(id: string): string {
  for (const [ending, operation] of aiOperationEndings) if (id.endsWith(ending)) return operation;
  return "";
}

/** Whether the Vercel AI SDK's operation streams. */
export function isStreamOperation(reading: Reading): boolean {
  const id = textIn(reading, reading.attributes, aiOperation);
  return id !== 0 && textOf(reading.texts, id).endsWith(".doStream");
}
