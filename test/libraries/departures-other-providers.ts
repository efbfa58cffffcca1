/** What libraries for the clients of Google, Amazon and others show and leave out; see `departures.ts`. */
import {
  both,
  cachedLeftOut,
  claudeAlone,
  ends,
  firstTokens,
  isStreamed,
  noFirstToken,
  noTokensOfStreams,
  not,
  over,
  unended,
} from "./departing.ts";
import type { Showing } from "./expected.ts";

export const otherProviderShowings: Readonly<Record<string, Showing>> = {
  "contrib-google-genai": { ...firstTokens, departures: [] },
  "openinference-google-genai": {
    ...noFirstToken,
    departures: [
      {
        when: () => true,
        provider: "gcp.gen_ai",
        because: "the provider is Google, whichever of its services",
      },
      {
        when: not(over("embedContent")),
        operation: "chat",
        because: "the generation of content is chat",
      },
    ],
  },
  "contrib-botocore": {
    ...noFirstToken,
    departures: [
      {
        when: both(isStreamed, ends("cut")),
        shows: "nothing",
        because: "a stream whose connection broke has no span",
      },
      cachedLeftOut,
      {
        when: both(over("invoke"), isStreamed),
        tokens: { input: 0, output: 0 },
        because: "streams of invoked models have no tokens",
      },
    ],
  },
  "openllmetry-bedrock": {
    ...noFirstToken,
    departures: [
      { when: () => true, model: claudeAlone, because: "models are named without their maker" },
      { when: unended, shows: "nothing", because: "a broken or abandoned stream has no span" },
      { ...cachedLeftOut, when: both(over("invoke"), ends("ok", "tool")) },
    ],
  },
  "openinference-bedrock": {
    ...noFirstToken,
    departures: [
      {
        when: both(over("invoke"), not(ends("ok", "tool"))),
        model: claudeAlone,
        because: "models of failed invocations are named without their maker",
      },
      {
        when: both(isStreamed, ends("429")),
        shows: "nothing",
        because: "a refused stream has no span, or one without any attribute",
      },
      {
        when: both(over("invoke"), isStreamed, ends("cut")),
        tokens: { input: 0 },
        because: "a broken stream has no tokens, though its first event announced them",
      },
    ],
  },
  "openllmetry-cohere": {
    ...firstTokens,
    departures: [
      {
        when: both(isStreamed, ends("429")),
        shows: "ok",
        because: "a refused stream looks like a success",
      },
      {
        when: both(isStreamed, ends("cut")),
        shows: "client_cancelled",
        because: "a broken stream looks like one that its caller left",
      },
    ],
  },
  "openllmetry-groq": { ...noFirstToken, departures: [noTokensOfStreams] },
  "openinference-groq": {
    ...noFirstToken,
    departures: [
      {
        when: unended,
        shows: "ok",
        because: "the span of a stream ends with its opening: ok, whatever became of it",
      },
      noTokensOfStreams,
    ],
  },
  "openinference-mistral": { ...firstTokens, departures: [] },
};
