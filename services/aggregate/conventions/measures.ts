/** Numbers of a call: tokens, time to the first chunk, retries, whether it streams. */
import { fieldOf, fieldsOf } from "./attributes.ts";
import { isStreamOperation } from "./operations.ts";
import {
  firstNumber,
  isFalse,
  isTrue,
  numberIn,
  type Reading,
  rawText,
  withoutQuotes,
} from "./reading.ts";

const inputTokens = fieldsOf(
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "llm.token_count.prompt",
  "ai.usage.inputTokens",
  "ai.usage.promptTokens",
  "ai.usage.tokens",
  "llm.usage.prompt_tokens",
);
const outputTokens = fieldsOf(
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.completion_tokens",
  "llm.token_count.completion",
  "ai.usage.outputTokens",
  "ai.usage.completionTokens",
  "llm.usage.completion_tokens",
);
const cachedTokens = fieldsOf(
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_read_input_tokens",
  "llm.token_count.prompt_details.cache_read",
  "ai.usage.cachedInputTokens",
);
const reasoningTokens = fieldsOf(
  "gen_ai.usage.reasoning.output_tokens",
  "gen_ai.usage.reasoning_tokens",
  "llm.token_count.completion_details.reasoning",
  "ai.usage.reasoningTokens",
);
const firstChunkSeconds = fieldsOf(
  "gen_ai.response.time_to_first_chunk",
  "gen_ai.client.operation.time_to_first_chunk",
  "gen_ai.server.time_to_first_token",
  "gen_ai.latency.time_to_first_token",
  "gen_ai.response.time_to_first_token",
  "gen_ai.client.time_to_first_token",
);
const firstChunkMs = fieldsOf("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk");
/** Langfuse's, of streams alone: a date as JSON. */
const firstChunkAt = fieldOf("langfuse.observation.completion_start_time");
const streaming = fieldsOf(
  "gen_ai.request.stream",
  "gen_ai.request.is_stream",
  "gen_ai.is_streaming",
  "llm.is_streaming",
  "litellm.request.streaming",
);
const usageDetails = fieldsOf("langfuse.observation.usage_details", "mlflow.chat.tokenUsage");
const duration = fieldOf("duration");
const resends = fieldOf("http.request.resend_count");

/** Largest count that is believed; anything above, below 0 or not a number counts as absent. */
const countLimit = 1_000_000_000;

/** −1 where the telemetry does not tell. */
function countOf(value: number): number {
  return value >= 0 && value <= countLimit ? Math.round(value) : -1;
}

/** `withCached`: those read from a cache are not in the number, as they are by the conventions. */
export function inputTokensOf(reading: Reading, withCached: boolean): number {
  const told = firstNumber(reading, inputTokens);
  const counted = countOf(Number.isNaN(told) ? numberInUsage(reading, inputInUsage) : told);
  return withCached && counted >= 0 ? counted + Math.max(0, cachedTokensOf(reading)) : counted;
}
export function outputTokensOf(reading: Reading): number {
  const told = firstNumber(reading, outputTokens);
  return countOf(Number.isNaN(told) ? numberInUsage(reading, outputInUsage) : told);
}

/** Langfuse and MLflow have their counts as JSON in a text: `{"input": 120, "output": 48}`. */
function numberInUsage(reading: Reading, pattern: RegExp): number {
  for (let i = 0; i < usageDetails.length; i++) {
    const text = rawText(reading, usageDetails[i] as number, 1_024);
    if (text !== "") return Number(pattern.exec(text)?.[1] ?? Number.NaN);
  }
  return Number.NaN;
}

const inputInUsage = /"(?:input|prompt_tokens|input_tokens|promptTokens)"\s*:\s*(\d+)/;
const outputInUsage = /"(?:output|completion_tokens|output_tokens|completionTokens)"\s*:\s*(\d+)/;
export const cachedTokensOf = (reading: Reading): number =>
  countOf(firstNumber(reading, cachedTokens));
export const reasoningTokensOf = (reading: Reading): number =>
  countOf(firstNumber(reading, reasoningTokens));
export const retriesOf = (reading: Reading): number =>
  Math.max(0, countOf(numberIn(reading, resends)));

/** Longest time that is believed, µs (a day). */
const timeLimitUs = 86_400_000_000;

/**
 * Time from the start of the call to its first chunk, µs; −1 where the telemetry does not tell. OpenLIT writes one for whole
 * answers, too, which it says are no streams. `isInMs`: what should be seconds is known to be milliseconds.
 */
export function firstChunkUsOf(reading: Reading, isInMs: boolean): number {
  const told = toldFirstChunkUs(reading, isInMs ? 1e3 : 1e6);
  const us =
    told >= thousandfoldUs && isThousandfold(told, durationUsOf(reading, false))
      ? Math.round(told / 1e3)
      : told;
  return us >= 0 && isFalse(reading, streaming) ? -1 : us;
}

/** From here on a time may be one in milliseconds that should be in seconds: 20 ms. Spans that end early have shorter ones. */
const thousandfoldUs = 20_000_000;

/** A time far longer than its call that fits it as a thousandth. */
const isThousandfold = (us: number, durationUs: number): boolean =>
  us > durationUs * 10 && us <= durationUs * 1e3;

function toldFirstChunkUs(reading: Reading, usPerUnit: number): number {
  const told = firstNumber(reading, firstChunkSeconds);
  if (told >= 0) return timeOf(told * usPerUnit);
  const ms = firstNumber(reading, firstChunkMs);
  if (ms >= 0) return timeOf(ms * 1e3);
  const { span } = reading;
  const atMs = dateMs(withoutQuotes(rawText(reading, firstChunkAt, 64)));
  if (!Number.isNaN(atMs))
    return timeOf((atMs - (span.startHigh * 4_294_967_296 + span.startLow) / 1e6) * 1e3);
  if (span.firstChunkHigh === 0 && span.firstChunkLow === 0) return -1;
  const nanos =
    (span.firstChunkHigh - span.startHigh) * 4_294_967_296 + (span.firstChunkLow - span.startLow);
  return timeOf(nanos / 1e3);
}

const zone = /(?:Z|[+-]\d\d:?\d\d)$/;

/** Unix ms of a date as ISO 8601 has it, in UTC where it names no zone; NaN of any other text. */
function dateMs(text: string): number {
  if (text === "") return Number.NaN;
  // biome-ignore lint/style/noRestrictedGlobals: reads a date that is given, no clock
  return Date.parse(zone.test(text) ? text : `${text}Z`);
}

function timeOf(us: number): number {
  return us >= 0 && us <= timeLimitUs ? Math.round(us) : -1;
}

/** Duration, µs: 0 where the end lies before the start (clocks), a day at most. `asAttribute`: an attribute may tell it, in seconds. */
export function durationUsOf(reading: Reading, asAttribute: boolean): number {
  const { span } = reading;
  const told = asAttribute ? numberIn(reading, duration) : Number.NaN;
  if (told >= 0) return Math.min(timeLimitUs, Math.round(told * 1e6));
  const nanos = (span.endHigh - span.startHigh) * 4_294_967_296 + (span.endLow - span.startLow);
  return nanos <= 0 ? 0 : Math.min(timeLimitUs, Math.round(nanos / 1e3));
}

export function isStreamed(reading: Reading, firstChunkUs: number): boolean {
  return firstChunkUs >= 0 || isTrue(reading, streaming) || isStreamOperation(reading);
}
