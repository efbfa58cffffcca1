/**
 * A provider on loopback that imitates OpenAI's chat completions, responses and embeddings and Anthropic's messages. The
 * prompt chooses the behaviour (`behaviours.ts`); what was asked and how it was answered is remembered: the truth.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Outcome } from "../../services/contracts/outcomes.ts";
import {
  type Asked,
  chatAnswer,
  chatChunks,
  embeddingAnswer,
  messageAnswer,
  messageEvents,
  outputTokensOf,
  responsesAnswer,
  responsesEvents,
  tokens,
} from "./answers.ts";
import { type Behaviour, type BehaviourName, behaviours, wishIn } from "./behaviours.ts";
import { errorEvent, refusal } from "./errors.ts";

type Api = "chat" | "responses" | "embeddings" | "messages";

/** One HTTP request that the provider saw. */
export interface Attempt {
  /** Of the prompt: attempts of one call share it. */
  readonly call: string;
  readonly behaviour: BehaviourName;
  readonly provider: "openai" | "anthropic";
  readonly api: Api;
  readonly operation: "chat" | "embeddings";
  readonly model: string;
  readonly streamed: boolean;
  readonly served: boolean;
  readonly outcome: Outcome;
  /** Of answers that ended well, and what a broken one had told. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Whether the caller was told the tokens. */
  readonly toldTokens: boolean;
}

export interface Provider extends AsyncDisposable {
  readonly url: string;
  readonly attempts: readonly Attempt[];
}

/** Wait before the first chunk of a stream and before a whole answer, ms. */
export const firstChunkMs = 120;
const chunkMs = 5;
const slowChunkMs = 150;
/** Longer than any caller's patience here. */
const hangMs = 8_000;

export async function startProvider(): Promise<Provider> {
  const attempts: Attempt[] = [];
  const leaving = new AbortController();
  const server = createServer((request, response) => {
    answer(request, response, attempts, leaving.signal).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    attempts,
    async [Symbol.asyncDispose]() {
      leaving.abort();
      await closed(server);
    },
  };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

const apis: readonly (readonly [RegExp, Api])[] = [
  [/\/chat\/completions$/, "chat"],
  [/\/responses$/, "responses"],
  [/\/embeddings$/, "embeddings"],
  [/\/messages$/, "messages"],
];

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  attempts: Attempt[],
  signal: AbortSignal,
): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const api = apis.find(([pattern]) => pattern.test(path))?.[1];
  const body = await text(request);
  if (path.endsWith("/messages/count_tokens")) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ input_tokens: tokens.input }));
    return;
  }
  if (api === undefined || request.method !== "POST") {
    response.writeHead(404).end();
    return;
  }
  const asked = JSON.parse(body);
  const { behaviour: name, call, served } = wishIn(body);
  const behaviour: Behaviour = behaviours[name];
  const provider = api === "messages" ? "anthropic" : "openai";
  const isAgain = attempts.some((earlier) => earlier.call === call && call !== "");
  const isRefused = behaviour.status !== undefined && !(behaviour.attempts === "first" && isAgain);
  const outcome: Outcome =
    behaviour.attempts === "first" && isRefused ? "rate_limit" : behaviour.outcome;
  const isEmbedding = api === "embeddings";
  const streamed = asked.stream === true;
  const isOk = outcome === "ok";
  const isBegunMessage =
    api === "messages" && streamed && behaviour.status === undefined && behaviour.ending !== "hang";
  attempts.push({
    call,
    behaviour: name,
    provider,
    api,
    operation: isEmbedding ? "embeddings" : "chat",
    model: asked.model,
    streamed,
    served,
    outcome,
    // Anthropic's streams tell the input's tokens at their start, however they end.
    inputTokens: isOk || isBegunMessage ? (isEmbedding ? tokens.embedding : tokens.input) : 0,
    outputTokens: isOk && !isEmbedding ? outputTokensOf(behaviour) : 0,
    toldTokens:
      isBegunMessage ||
      (isOk && !(api === "chat" && streamed && !asked.stream_options?.include_usage)),
  });
  const call_: Asked = {
    id: idOf(api, attempts.length),
    model: asked.model,
    behaviour,
    includesUsage: asked.stream_options?.include_usage === true,
  };
  if (isRefused && behaviour.status !== undefined)
    return refuse(response, { provider, status: behaviour.status });
  if (behaviour.ending === "hang") await delay(hangMs, undefined, { signal });
  if (streamed) return stream(response, { api, asked: call_, signal });
  if (behaviour.ending === "slow") await delay(hangMs, undefined, { signal });
  await delay(firstChunkMs, undefined, { signal });
  if (behaviour.ending === "cut") {
    response.destroy();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(wholeAnswer(api, call_)));
}

function idOf(api: Api, number: number): string {
  const prefixes = { chat: "chatcmpl-", responses: "resp_", embeddings: "emb_", messages: "msg_" };
  return `${prefixes[api]}${number.toString(16).padStart(8, "0")}`;
}

function refuse(
  response: ServerResponse,
  { provider, status }: { provider: "openai" | "anthropic"; status: number },
): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 429 && { "retry-after": "1" }),
  });
  response.end(JSON.stringify(refusal(provider, status)));
}

function wholeAnswer(api: Api, asked: Asked): object {
  switch (api) {
    case "chat":
      return chatAnswer(asked);
    case "responses":
      return responsesAnswer(asked);
    case "embeddings":
      return embeddingAnswer(asked);
    case "messages":
      return messageAnswer(asked);
  }
}

async function stream(
  response: ServerResponse,
  { api, asked, signal }: { api: Api; asked: Asked; signal: AbortSignal },
): Promise<void> {
  const { ending } = asked.behaviour;
  const isBroken = ending === "cut" || ending === "error event";
  const all =
    api === "messages"
      ? messageEvents(asked)
      : api === "responses"
        ? responsesEvents(asked)
        : chatChunks(asked);
  const chunks = isBroken ? all.slice(0, 4) : all;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  await delay(firstChunkMs, undefined, { signal });
  for (const chunk of chunks) {
    if (response.destroyed) return;
    response.write(chunk);
    await delay(ending === "slow" ? slowChunkMs : chunkMs, undefined, { signal });
  }
  if (ending === "cut") response.destroy();
  else if (ending === "error event" && api !== "embeddings") response.end(errorEvent(api));
  else response.end();
}
