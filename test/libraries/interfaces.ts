/** The providers' interfaces that are imitated: how each is asked, answers whole and in streams, and refuses. */
import {
  type Asked,
  chatAnswer,
  chatChunks,
  embeddingAnswer,
  messageAnswer,
  messageEvents,
  responsesAnswer,
  responsesEvents,
} from "./answers.ts";
import {
  converseAnswer,
  converseEvents,
  exceptionEvent,
  exceptionOf,
  invokeEvents,
} from "./answers-bedrock.ts";
import { cohereAnswer, cohereEvents } from "./answers-cohere.ts";
import {
  contentEmbedding,
  generatedAnswer,
  generatedChunks,
  googleError,
} from "./answers-google.ts";
import { errorEvent, messageOf, refusal } from "./errors.ts";

export interface Interface {
  /** Whose it is, in the conventions' words. */
  readonly provider: string;
  readonly operation: "chat" | "embeddings" | "generate_content";
  readonly idPrefix: string;
  readonly streamType?: string;
  /** Whether a stream tells the input's tokens at its start. */
  readonly tellsInputFirst?: boolean;
  whole(asked: Asked): object;
  events(asked: Asked): readonly (string | Buffer)[];
  /** What ends a stream with an error in it. */
  error(): string | Buffer;
  refusal(status: number): Refusal;
}

export interface Refusal {
  /** HTTP status, where the provider has another one for what is meant. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

const serverError = messageOf(500);

const openai = {
  provider: "openai",
  operation: "chat",
  refusal: (status: number) => ({ body: refusal("openai", status) }),
} as const;

const bedrock = {
  provider: "aws.bedrock",
  operation: "chat",
  streamType: "application/vnd.amazon.eventstream",
  error: () => exceptionEvent(serverError),
  refusal: (status: number) => ({
    ...(status === 401 && { status: 403 }),
    headers: { "x-amzn-errortype": exceptionOf(status) },
    body: { message: messageOf(status) },
  }),
} as const;

const google = {
  provider: "gcp.gemini",
  idPrefix: "gen_",
  error: () => `data: ${JSON.stringify(googleError(500, serverError))}\r\n\r\n`,
  refusal: (status: number) => ({ body: googleError(status, messageOf(status)) }),
} as const;

const noEvents = () => [];

export const interfaces = {
  chat: {
    ...openai,
    idPrefix: "chatcmpl-",
    whole: chatAnswer,
    events: chatChunks,
    error: () => errorEvent("chat"),
  },
  responses: {
    ...openai,
    idPrefix: "resp_",
    whole: responsesAnswer,
    events: responsesEvents,
    error: () => errorEvent("responses"),
  },
  embeddings: {
    ...openai,
    operation: "embeddings",
    idPrefix: "emb_",
    whole: embeddingAnswer,
    events: noEvents,
    error: () => "",
  },
  messages: {
    provider: "anthropic",
    operation: "chat",
    idPrefix: "msg_",
    tellsInputFirst: true,
    whole: messageAnswer,
    events: messageEvents,
    error: () => errorEvent("messages"),
    refusal: (status) => ({ body: refusal("anthropic", status) }),
  },
  generateContent: {
    ...google,
    operation: "generate_content",
    whole: generatedAnswer,
    events: generatedChunks,
  },
  embedContent: {
    ...google,
    operation: "embeddings",
    whole: contentEmbedding,
    events: noEvents,
  },
  converse: {
    ...bedrock,
    idPrefix: "converse-",
    whole: converseAnswer,
    events: converseEvents,
  },
  invoke: {
    ...bedrock,
    idPrefix: "msg_bdrk_",
    tellsInputFirst: true,
    whole: messageAnswer,
    events: invokeEvents,
  },
  cohere: {
    provider: "cohere",
    operation: "chat",
    idPrefix: "",
    whole: cohereAnswer,
    events: cohereEvents,
    error: () => "",
    refusal: (status) => ({ body: { message: messageOf(status) } }),
  },
} as const satisfies Readonly<Record<string, Interface>>;

export type Api = keyof typeof interfaces;

/** Which interface a path is of, the named groups being what it says besides. The first that fits. */
const paths: readonly (readonly [RegExp, Api])[] = [
  [/^(?:\/(?<host>azure|groq|mistral))?.*\/chat\/completions$/, "chat"],
  [/^(?:\/(?<host>azure|groq|mistral))?.*\/responses$/, "responses"],
  [/^(?:\/(?<host>azure|groq|mistral))?.*\/embeddings$/, "embeddings"],
  [/\/messages$/, "messages"],
  [/\/models\/(?<model>[^/:]+):(?<stream>streamG|g)enerateContent$/, "generateContent"],
  [/\/models\/(?<model>[^/:]+):(?:batchEmbedContents|embedContent)$/, "embedContent"],
  [/^\/model\/(?<model>[^/]+)\/converse(?<stream>-stream)?$/, "converse"],
  [/^\/model\/(?<model>[^/]+)\/invoke(?<stream>-with-response-stream)?$/, "invoke"],
  [/^\/cohere\/v2\/chat$/, "cohere"],
];

/** Providers that serve OpenAI's interface, by the first part of the path. */
const hosts: Readonly<Record<string, string>> = {
  azure: "azure.ai.openai",
  groq: "groq",
  mistral: "mistral_ai",
};

export interface Place {
  readonly api: Api;
  readonly provider: string;
  /** Where the path says it. */
  readonly model?: string;
  readonly isStream: boolean;
}

/** What a path asks for; undefined where nothing is imitated. */
export function placeOf(path: string): Place | undefined {
  for (const [pattern, api] of paths) {
    const found = pattern.exec(path);
    if (found === null) continue;
    const { host = "", model, stream = "" } = found.groups ?? {};
    return {
      api,
      provider: hosts[host] ?? interfaces[api].provider,
      ...(model !== undefined && { model: decodeURIComponent(model) }),
      isStream: stream.length > 1,
    };
  }
  return undefined;
}
