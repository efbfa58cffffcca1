/** Which calls a departure is about, and the departures that several libraries share. */
import type { Departure, Showing } from "./expected.ts";
import type { TrueCall } from "./truth.ts";

type When = (call: TrueCall) => boolean;

export const both =
  (...conditions: readonly When[]): When =>
  (call) =>
    conditions.every((condition) => condition(call));
export const not =
  (condition: When): When =>
  (call) =>
    !condition(call);
export const ends =
  (...behaviours: readonly string[]): When =>
  (call) =>
    behaviours.includes(call.behaviour);
export const by =
  (provider: string): When =>
  (call) =>
    call.provider === provider;
export const over =
  (api: string): When =>
  (call) =>
    call.api === api;
/** One call of the run, where nothing else tells it from others: of two ways to ask for a stream, say. */
export const isCall =
  (...numbers: readonly string[]): When =>
  ({ call }) =>
    numbers.includes(call);
export const isStreamed: When = (call) => call.streamed;
export const isServed: When = (call) => call.served;

export const broken = both(isStreamed, ends("cut", "event"));
export const left = both(isStreamed, ends("cancel"));
export const unended = both(isStreamed, ends("cut", "event", "cancel"));
/** Streams whose first chunk had come. */
export const begun = both(
  isStreamed,
  ends("ok", "tool", "truncated", "empty", "cut", "event", "cancel"),
);
/** Calls that ended well. */
export const answered = ends("ok", "empty", "truncated", "tool", "flaky");
const nowhere: When = () => false;

export const noFirstToken: Pick<Showing, "firstToken" | "retries"> = {
  firstToken: nowhere,
  retries: "inside one call",
};
/** The same, but only for streams that came to an end. */
export const firstTokensOfEnded: Pick<Showing, "firstToken" | "retries"> = {
  firstToken: both(begun, not(left)),
  retries: "inside one call",
};
export const firstTokens: Pick<Showing, "firstToken" | "retries"> = {
  firstToken: begun,
  retries: "inside one call",
};

export const messageStart: Departure = {
  when: both(by("anthropic"), unended),
  tokens: { output: 1 },
  because: "a broken Anthropic stream has the one output token that its first event announces",
};
export const noTokensOfBroken: Departure = {
  when: both(by("anthropic"), unended),
  tokens: { input: 0 },
  because: "a broken Anthropic stream has no tokens, though its first event announced them",
};
export const leftLooksFine: Departure = {
  when: left,
  shows: "ok",
  because: "a stream that its caller left looks like one whose usage was not asked for: ok",
};
export const cutLooksRefused: Departure = {
  when: both(by("openai"), isStreamed, ends("cut")),
  shows: "connection_error",
  because:
    "a cut OpenAI stream has the error of a connection that never came about, and nothing shows that it had begun",
};

export const noEmbeddings: Departure = {
  when: over("embeddings"),
  shows: "nothing",
  because: "embeddings have no spans",
};
export const noInputOfStreams: Departure = {
  when: both(by("anthropic"), isStreamed, not(unended)),
  tokens: { input: 0 },
  because: "streams of ChatAnthropic have no input tokens",
};
export const namelessEvent: Departure = {
  when: both(over("responses"), isStreamed, ends("event")),
  shows: "server_error",
  because: "an error inside a stream of the Responses API is LangChain's own, of the server",
};

/** Of the Vercel AI SDK up to 6. */
export const noSpanOfCut: Departure = {
  when: both(isStreamed, ends("cut", "cancel")),
  shows: "nothing",
  because: "a cut or abandoned stream has no span of the call",
};
export const vercelTokens: Pick<Showing, "firstToken" | "retries"> = {
  firstToken: both(begun, not(ends("cut", "cancel"))),
  retries: "a call each",
};

/** Bedrock's name of the model, less the maker in front of it. */
export const claudeAlone = "claude-sonnet-4-5-20250929-v1:0";
export const cachedLeftOut: Departure = {
  when: both(over("invoke"), not(isStreamed), ends("ok", "tool")),
  tokens: { input: 100 },
  because: "input tokens of invoked models of Anthropic leave out those read from the cache",
};
export const noTokensOfStreams: Departure = {
  when: both(isStreamed, ends("ok")),
  tokens: { input: 0, output: 0 },
  because: "streams have no tokens",
};

/** Of LangChain for JavaScript. */
export const leftIsNowhere: Departure = {
  when: left,
  shows: "nothing",
  because: "an abandoned stream has no span",
};
export const namelessStreamError: Departure = {
  when: both(by("openai"), isStreamed, ends("event")),
  shows: "server_error",
  because: "an error inside an OpenAI stream has neither class nor number: of the server",
};
export const oneTokenMore: Departure = {
  when: both(by("anthropic"), isStreamed, ends("ok")),
  tokens: { output: 49 },
  because: "output tokens of streams include those of the first event once more: one too many",
};
