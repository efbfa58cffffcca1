/** What frameworks that came later show and leave out; see `departures.ts`. */
import {
  answered,
  cutLooksRefused,
  ends,
  firstTokens,
  left,
  leftIsNowhere,
  namelessStreamError,
  noFirstToken,
  noInputOfStreams,
  noTokensOfBroken,
  not,
  oneTokenMore,
} from "./departing.ts";
import type { Showing } from "./expected.ts";

export const furtherFrameworkShowings: Readonly<Record<string, Showing>> = {
  "semantic-kernel": {
    ...noFirstToken,
    departures: [
      cutLooksRefused,
      {
        when: left,
        shows: "nothing",
        because:
          "the span of an abandoned stream stays the current one, so that later calls lie in it and count in its place",
      },
    ],
  },
  mastra: {
    ...noFirstToken,
    departures: [
      {
        when: ends("timeout"),
        shows: "client_cancelled",
        because: "a time-out that its caller sets is a call that its caller leaves",
      },
      noTokensOfBroken,
    ],
  },
  "contrib-genai-langchain": {
    ...firstTokens,
    retries: "a call each",
    departures: [noTokensOfBroken, noInputOfStreams],
  },
  "openinference-langgraph-js": {
    ...noFirstToken,
    departures: [leftIsNowhere, namelessStreamError, noTokensOfBroken, oneTokenMore],
  },
  "openllmetry-langgraph-js": {
    ...noFirstToken,
    departures: [
      leftIsNowhere,
      namelessStreamError,
      noTokensOfBroken,
      oneTokenMore,
      noInputOfStreams,
    ],
  },
  instructor: { ...noFirstToken, departures: [] },
  haystack: {
    ...noFirstToken,
    departures: [
      cutLooksRefused,
      {
        when: not(answered),
        provider: "",
        model: "",
        because: "a failed call names neither provider nor model",
      },
      {
        when: answered,
        model: "gpt-4o-2024-08-06",
        because: "a chat that had an answer names the model that gave it, not the one asked for",
      },
    ],
  },
  dspy: {
    ...noFirstToken,
    departures: [
      {
        when: ends("503", "529"),
        shows: "server_error",
        because: "refusals with 503 and 529 are errors of the server like that with 500",
      },
      {
        when: () => true,
        tokens: { input: 0, output: 0 },
        because: "there are no tokens",
      },
    ],
  },
};
