/**
 * What each library shows, and what it leaves out or says differently, with the reason: the rules behind the expected rows.
 * `docs/libraries.md` is written from them.
 */
import {
  begun,
  both,
  broken,
  by,
  cutLooksRefused,
  ends,
  firstTokens,
  firstTokensOfEnded,
  isCall,
  isServed,
  isStreamed,
  left,
  leftLooksFine,
  messageStart,
  namelessEvent,
  noEmbeddings,
  noFirstToken,
  noInputOfStreams,
  noSpanOfCut,
  noTokensOfBroken,
  not,
  over,
  unended,
  vercelTokens,
} from "./departing.ts";
import { furtherFrameworkShowings } from "./departures-further-frameworks.ts";
import { otherProviderShowings } from "./departures-other-providers.ts";
import type { Showing } from "./expected.ts";

/** By name of the run. */
export const showings: Readonly<Record<string, Showing>> = {
  "contrib-openai-v2": { ...noFirstToken, departures: [leftLooksFine] },
  "contrib-openai-v2-latest": { ...noFirstToken, departures: [leftLooksFine] },
  "contrib-genai-openai": { ...firstTokens, departures: [] },
  "contrib-genai-anthropic": { ...firstTokens, departures: [messageStart] },
  "contrib-genai-anthropic-and-sdk": { ...firstTokens, departures: [messageStart] },
  "anthropic-sdk": { ...firstTokensOfEnded, departures: [] },
  "openllmetry-openai": {
    ...firstTokens,
    // The Responses API's streams have no chunk events.
    firstToken: both(begun, over("chat")),
    departures: [
      {
        when: both(over("chat"), broken),
        shows: "client_cancelled",
        because:
          "a broken stream of chat completions is marked as a success without an end, like one that its caller left: client_cancelled, unless the span around it failed",
      },
      {
        when: both(over("responses"), ends("truncated")),
        shows: "nothing",
        because: "a truncated answer of the Responses API has no span",
      },
      { ...cutLooksRefused, when: both(over("responses"), isStreamed, ends("cut")) },
    ],
  },
  "openllmetry-anthropic": {
    ...noFirstToken,
    departures: [
      { when: unended, shows: "nothing", because: "a broken or abandoned stream has no span" },
      {
        when: both(isStreamed, ends("ok", "tool")),
        tokens: { output: 49 },
        because:
          "output tokens of streams include those of the first event once more: one too many",
      },
      {
        when: both(isStreamed, ends("529")),
        shows: "nothing",
        because: "a refused call of messages.stream has no span",
      },
    ],
  },
  "openllmetry-anthropic-and-sdk": { ...firstTokensOfEnded, departures: [] },
  "openinference-openai": { ...firstTokens, departures: [] },
  "openinference-anthropic": { ...noFirstToken, departures: [messageStart] },
  "openinference-anthropic-and-sdk": { ...firstTokensOfEnded, departures: [messageStart] },
  litellm: { ...noFirstToken, departures: [noTokensOfBroken] },
  "litellm-served": {
    ...noFirstToken,
    departures: [
      noTokensOfBroken,
      {
        when: isServed,
        shows: "nothing",
        because:
          "inside a span of the application a call has no span of its own: its attributes are written on the application's, which is an HTTP request and stays one",
      },
    ],
  },
  "litellm-over-openinference": {
    ...firstTokens,
    firstToken: both(begun, by("openai")),
    departures: [
      noTokensOfBroken,
      {
        when: both(isServed, by("anthropic")),
        shows: "nothing",
        because:
          "inside a span of the application only calls of the instrumented client have a span of their own, here OpenAI's",
      },
    ],
  },
  "pydantic-ai": { ...firstTokens, departures: [messageStart] },
  langchain: {
    ...noFirstToken,
    retries: "a call each",
    departures: [noTokensOfBroken, cutLooksRefused, noInputOfStreams],
  },
  "openai-agents": {
    ...noFirstToken,
    departures: [
      cutLooksRefused,
      {
        when: both(over("responses"), ends("ok")),
        model: "gpt-4o-2024-08-06",
        because: "the Responses API's calls name the model that answered, not the one asked for",
      },
      {
        when: both(over("responses"), not(ends("ok"))),
        model: "",
        because: "a failed call of the Responses API names no model at all",
      },
    ],
  },
  "vercel-ai-5": {
    ...vercelTokens,
    departures: [
      noSpanOfCut,
      noTokensOfBroken,
      {
        when: both(by("anthropic"), not(isStreamed), ends("ok", "truncated", "flaky")),
        tokens: { input: 100 },
        because: "input tokens of whole Anthropic answers leave out those read from the cache",
      },
    ],
  },
  "vercel-ai-7": {
    ...firstTokens,
    firstToken: both(begun, not(left), not(both(by("anthropic"), unended))),
    departures: [
      {
        when: both(by("anthropic"), isStreamed, ends("event")),
        shows: "nothing",
        because: "an Anthropic stream with an error in it has no span of the call",
      },
      noTokensOfBroken,
    ],
  },
  "openllmetry-js-openai": {
    ...noFirstToken,
    departures: [
      {
        when: not(ends("ok", "empty", "truncated", "tool", "flaky")),
        shows: "nothing",
        because: "only calls that ended well have spans",
      },
      { when: over("embeddings"), shows: "nothing", because: "embeddings have no spans" },
      {
        when: isStreamed,
        tokens: { input: 0, output: 0 },
        because: "streams have no tokens",
      },
    ],
  },
  "contrib-js-openai": {
    ...noFirstToken,
    departures: [
      { when: unended, shows: "nothing", because: "a broken or abandoned stream has no span" },
    ],
  },
  "litellm-proxy": { ...noFirstToken, departures: [noTokensOfBroken] },
  "litellm-proxy-v2": {
    ...firstTokens,
    departures: [
      {
        when: both(by("openai"), isStreamed, ends("cut")),
        tokens: { input: 23, output: 10 },
        because: "a broken OpenAI stream has tokens that LiteLLM counted itself",
      },
      {
        when: both(by("anthropic"), isStreamed, ends("cut")),
        tokens: { output: 3 },
        because: "a broken Anthropic stream has output tokens that LiteLLM counted itself",
      },
    ],
  },
  llamaindex: { ...firstTokens, departures: [] },
  logfire: { ...noFirstToken, departures: [leftLooksFine, messageStart] },
  langfuse: {
    ...firstTokens,
    departures: [
      {
        when: unended,
        shows: "ok",
        because: "a broken or abandoned stream looks like one whose usage was not asked for: ok",
      },
      {
        when: both(
          over("chat"),
          ends("ok", "empty", "truncated", "tool", "flaky", "cut", "event", "cancel"),
        ),
        model: "gpt-4o-2024-08-06",
        because: "a chat that had an answer names the model that gave it, not the one asked for",
      },
    ],
  },
  "vercel-ai-6": {
    ...vercelTokens,
    departures: [noSpanOfCut, noTokensOfBroken],
  },
  openlit: {
    ...firstTokens,
    firstToken: both(begun, not(unended)),
    departures: [
      {
        when: both(unended, not(isCall("c51"))),
        shows: "nothing",
        because: "a broken or abandoned stream has no span, unless messages.stream asked for it",
      },
      {
        when: both(isStreamed, ends("529")),
        shows: "nothing",
        because: "a refused call of messages.stream has no span",
      },
      noTokensOfBroken,
      {
        when: both(by("anthropic"), isStreamed, ends("ok", "tool")),
        tokens: { input: 100 },
        because: "input tokens of Anthropic's streams leave out those read from the cache",
      },
      {
        when: isCall("c20"),
        tokens: { input: 24, output: 16 },
        because: "a stream whose usage was not asked for has tokens that OpenLIT counted itself",
      },
    ],
  },
  "openllmetry-langgraph": {
    ...noFirstToken,
    retries: "a call each",
    departures: [noTokensOfBroken, cutLooksRefused, namelessEvent, noInputOfStreams, noEmbeddings],
  },
  langsmith: {
    ...noFirstToken,
    retries: "a call each",
    repeatedInside: isCall("c84"),
    departures: [noTokensOfBroken, cutLooksRefused, namelessEvent, noInputOfStreams, noEmbeddings],
  },
  crewai: { ...noFirstToken, retries: "a call each", departures: [] },
  mlflow: {
    ...noFirstToken,
    departures: [
      {
        when: isCall("c50", "c51", "c52"),
        shows: "nothing",
        because: "streams of messages.stream have no spans",
      },
      {
        when: both(by("openai"), left),
        shows: "nothing",
        because: "an abandoned OpenAI stream has no span",
      },
      {
        when: both(by("anthropic"), unended),
        shows: "ok",
        because: "a broken or abandoned Anthropic stream looks like any other: ok",
      },
      {
        when: both(by("anthropic"), isStreamed),
        tokens: { input: 0, output: 0 },
        because: "Anthropic's streams have no tokens",
      },
      {
        when: over("embeddings"),
        tokens: { input: 0 },
        because: "embeddings have no tokens",
      },
      cutLooksRefused,
    ],
  },
  "openinference-litellm": { ...noFirstToken, departures: [noTokensOfBroken] },
  "contrib-genai-and-openllmetry": {
    ...firstTokens,
    departures: [
      {
        when: isCall("c12"),
        tokens: { input: 0, output: 0 },
        because: "an answer that the caller reads itself (with_streaming_response) has no tokens",
      },
    ],
  },
  ...furtherFrameworkShowings,
  ...otherProviderShowings,
};
