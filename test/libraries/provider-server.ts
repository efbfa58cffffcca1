/**
 * A provider on loopback that imitates the interfaces of `interfaces.ts`. The prompt chooses the behaviour (`behaviours.ts`);
 * what was asked and how it was answered is remembered: the truth.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Outcome } from "../../services/contracts/outcomes.ts";
import { type Asked, outputTokensOf, tokens } from "./answers.ts";
import { type Behaviour, type BehaviourName, behaviours, wishIn } from "./behaviours.ts";
import { type Api, type Interface, interfaces, type Place, placeOf } from "./interfaces.ts";

/** One HTTP request that the provider saw. */
export interface Attempt {
  /** Of the prompt: attempts of one call share it. */
  readonly call: string;
  readonly behaviour: BehaviourName;
  readonly provider: string;
  readonly api: Api;
  readonly operation: Interface["operation"];
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  attempts: Attempt[],
  signal: AbortSignal,
): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const place = placeOf(path);
  const body = await text(request);
  if (path.endsWith("/messages/count_tokens")) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ input_tokens: tokens.input }));
    return;
  }
  if (place === undefined || request.method !== "POST") {
    response.writeHead(404).end();
    return;
  }
  const { api } = place;
  const asked = JSON.parse(body);
  const { behaviour: name, call } = wishIn(body);
  const behaviour: Behaviour = behaviours[name];
  const isAgain = attempts.some((earlier) => earlier.call === call && call !== "");
  const isRefused = behaviour.status !== undefined && !(behaviour.attempts === "first" && isAgain);
  const attempt = attemptOf(place, body, isRefused);
  attempts.push(attempt);
  const call_: Asked = {
    id: `${interfaces[api].idPrefix}${attempts.length.toString(16).padStart(8, "0")}`,
    model: attempt.model,
    behaviour,
    includesUsage: includesUsage(place, asked),
  };
  if (isRefused && behaviour.status !== undefined) return refuse(response, api, behaviour.status);
  if (behaviour.ending === "hang") await delay(hangMs, undefined, { signal });
  if (attempt.streamed) return stream(response, { api, asked: call_, signal });
  if (behaviour.ending === "slow") await delay(hangMs, undefined, { signal });
  await delay(firstChunkMs, undefined, { signal });
  if (behaviour.ending === "cut") {
    response.destroy();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(interfaces[api].whole(call_)));
}

/** OpenAI's streams tell what was used where they are asked to, those of others that serve its interface always. */
const includesUsage = (
  { api, provider }: Place,
  asked: { readonly stream_options?: { readonly include_usage?: boolean } },
): boolean =>
  api !== "chat" ||
  provider === "groq" ||
  provider === "mistral_ai" ||
  asked.stream_options?.include_usage === true;

function attemptOf(place: Place, body: string, isRefused: boolean): Attempt {
  const asked = JSON.parse(body);
  const { api, provider } = place;
  const { behaviour: name, call, served } = wishIn(body);
  const behaviour: Behaviour = behaviours[name];
  const { operation, tellsInputFirst }: Interface = interfaces[api];
  const outcome: Outcome =
    behaviour.attempts === "first" && isRefused ? "rate_limit" : behaviour.outcome;
  const streamed = place.isStream || asked.stream === true;
  const isOk = outcome === "ok";
  const isBegunMessage =
    tellsInputFirst === true &&
    streamed &&
    behaviour.status === undefined &&
    behaviour.ending !== "hang";
  const isEmbedding = operation === "embeddings";
  const inputTokens = isEmbedding ? tokens.embedding : tokens.input;
  return {
    call,
    behaviour: name,
    provider,
    api,
    operation,
    model: place.model ?? asked.model,
    streamed,
    served,
    outcome,
    // Anthropic's streams tell the input's tokens at their start, however they end.
    inputTokens: isOk || isBegunMessage ? inputTokens : 0,
    outputTokens: isOk && !isEmbedding ? outputTokensOf(behaviour) : 0,
    toldTokens:
      isBegunMessage ||
      (isOk && api !== "embedContent" && (!streamed || includesUsage(place, asked))),
  };
}

function refuse(response: ServerResponse, api: Api, wanted: number): void {
  const refusing: Interface = interfaces[api];
  const { status = wanted, headers, body } = refusing.refusal(wanted);
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 429 && { "retry-after": "1" }),
    ...headers,
  });
  response.end(JSON.stringify(body));
}

async function stream(
  response: ServerResponse,
  { api, asked, signal }: { api: Api; asked: Asked; signal: AbortSignal },
): Promise<void> {
  const { ending } = asked.behaviour;
  const isBroken = ending === "cut" || ending === "error event";
  const { events, error, streamType = "text/event-stream" }: Interface = interfaces[api];
  const all = events(asked);
  const chunks = isBroken ? all.slice(0, 4) : all;
  response.writeHead(200, { "content-type": streamType });
  response.flushHeaders();
  await delay(firstChunkMs, undefined, { signal });
  for (const chunk of chunks) {
    if (response.destroyed) return;
    response.write(chunk);
    await delay(ending === "slow" ? slowChunkMs : chunkMs, undefined, { signal });
  }
  if (ending === "cut") response.destroy();
  else if (ending === "error event") response.end(error());
  else response.end();
}
