/**
 * What is counted for a cell in a window. Ids are the wire format: never reuse one, append only.
 * All counts are integers and weighted by the sampling probability (a span kept at 10 % counts 10).
 */
import { type Outcome, outcomes } from "./outcomes.ts";

/** Counters, by name, with their ids. Outcome counters take ids 16 + position in `outcomes`. */
export const counterIds = {
  /** Model calls or HTTP requests that ended in the window. */
  requests: 1,
  /** Spans behind `requests`, unweighted: how much evidence there is. */
  spans: 2,
  streamed: 3,
  inputTokens: 4,
  outputTokens: 5,
  cachedInputTokens: 6,
  reasoningTokens: 7,
  /** Attempts after the first, where a client reports them (`http.request.resend_count`). */
  retries: 8,
  /** Ended well, but with no output at all. */
  empty: 9,
  /** Cut at a token limit. */
  truncated: 10,
  /** Refused by the model or a content filter. */
  refused: 11,
  finishStop: 12,
  finishTool: 13,
  finishOther: 14,
  /** Ended well, without any finish reason. */
  finishMissing: 15,
  ...(Object.fromEntries(outcomes.map((outcome, index) => [outcome, 16 + index])) as Record<
    (typeof outcomes)[number],
    number
  >),
  /** Calls whose response model differs from the requested one beyond a version suffix. */
  substituted: 32,
} as const;

export type CounterName = keyof typeof counterIds;

/**
 * Tokens once more, by how the call ended, so that requests can be listed by outcome: ids 48 + and 64 + position in `outcomes`.
 * `inputTokens` and `outputTokens` are their sums.
 */
export const tokenCounterIds = { input: 48, output: 64 } as const;

/** Room for ids to come; an array of counters has this length. */
export const counterSlots = 80;

/** Quantile sketches (see sketch.ts), by name, with their ids and units. */
export const sketchIds = {
  /** Duration, µs, of calls that did not fail at once: outcomes ok, timeout, client_cancelled, stream_error. */
  duration: 1,
  /** Time to the first chunk, µs, wherever the telemetry has it. */
  timeToFirstToken: 2,
  /** Time per output token after the first, µs, of calls with at least 2 output tokens. */
  timePerOutputToken: 3,
  /** Output tokens of calls that ended well. */
  outputTokens: 4,
  inputTokens: 5,
  /** The shares of `timeToFirstToken` that belong to calls that did not end well, by how they ended. */
  timeToFirstTokenStreamError: 6,
  timeToFirstTokenCancelled: 7,
  timeToFirstTokenTimeout: 8,
  timeToFirstTokenOther: 9,
} as const;

/** Where the time to the first token of a call that did not end well is counted once more. */
export function failedFirstTokenSketch(outcome: Outcome): number {
  switch (outcome) {
    case "stream_error":
      return sketchIds.timeToFirstTokenStreamError;
    case "client_cancelled":
      return sketchIds.timeToFirstTokenCancelled;
    case "timeout":
      return sketchIds.timeToFirstTokenTimeout;
    default:
      return sketchIds.timeToFirstTokenOther;
  }
}

export type SketchName = keyof typeof sketchIds;

/** Tenant breadth bitmaps, by name, with their ids (see breadth.ts). */
export const breadthIds = { tenants: 1, tenantsFailed: 2, tenantsLimited: 3 } as const;

/** Dimensions beside the cell that attribution counts by value, as attribute names of the telemetry. */
export const defaultDimensions = [
  "service.version",
  "service.instance.id",
  "k8s.cluster.name",
  "input_token_bucket",
  "openai.request.service_tier",
  "gen_ai.response.model",
  "error.type",
] as const;
