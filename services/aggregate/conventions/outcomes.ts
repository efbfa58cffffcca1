/**
 * How a call or an HTTP request ended, from whatever its library says: error classes with or without module, HTTP status
 * numbers in attributes and in texts, exception events, the API's own error types.
 */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { valueKind } from "../decode/attributes.ts";
import { memoized } from "../decode/memo.ts";
import { internText } from "../decode/texts.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import {
  className,
  outcomeOfErrorName,
  outcomeOfName,
  outcomeOfStatus,
  phrases,
  undecided,
} from "./error-names.ts";
import { finishKind } from "./finish.ts";
import { decodeText, firstNumber, firstText, type Reading, rawText, textIn } from "./reading.ts";

/**
 * OpenAI's and Anthropic's base classes, raised for an error event inside a stream; failed requests have subclasses. LiteLLM has one
 * of the same name for any number it has no class for.
 */
const isBaseClass = memoized((text) =>
  /^(APIError|APIStatusError)$/.test(className(text)) && !text.startsWith("litellm.") ? 1 : 0,
);

const errorTypeField = fieldOf("error.type");
const exceptionType = fieldOf("exception.type");
const errorFields = [errorTypeField, exceptionType];
const statusFields = fieldsOf(
  "http.response.status_code",
  "http.status_code",
  "error.code",
  "litellm.provider.error.code",
);
const exceptionMessage = fieldOf("exception.message");
const errorMessage = fieldOf("error.message");
const langfuseLevel = fieldOf("langfuse.observation.level");
const langfuseMessage = fieldOf("langfuse.observation.status_message");
const messageBytes = 512;

/** HTTP status of the call; NaN where the telemetry has none as an attribute. */
const statusOf = (reading: Reading): number => firstNumber(reading, statusFields);

/** LangSmith's type of every exception; its message is Python's own form: `RateLimitError('Error code: 429 - …')`. */
const isAnyException = memoized((text) => (text === "Exception" ? 1 : 0));
const raised = /^(\w{1,64}(?:Error|Exception|Exit|Timeout))\(/;

/** Interned name of the error, as the telemetry has it; 0 where there is none. */
export function errorNameOf(reading: Reading): number {
  const name = firstText(reading, errorFields);
  if (name === 0 || isAnyException(reading.texts, name) === 0) return name;
  const inner = raised.exec(rawText(reading, exceptionMessage, 80))?.[1];
  return inner === undefined ? name : internText(reading.texts, inner);
}

export interface Ending {
  /** Index in `outcomes`. */
  outcome: number;
  /** Whether the outcome is a guess that an enclosing span may better. */
  isWeak: boolean;
}

/** Whether a call ended with an error, by its status, error type or HTTP status. */
export function isFailed(reading: Reading): boolean {
  const { span, attributes } = reading;
  if (span.statusCode === 2) return true;
  if (textIn(reading, attributes, errorTypeField) !== 0) return true;
  if (rawText(reading, langfuseLevel, 8) === "ERROR") return true;
  return statusOf(reading) >= 400;
}

/** Whether an event of the span tells of an exception; OpenInference for JavaScript gives it no type. */
export const hasException = ({ attributes }: Reading): boolean =>
  attributes.kinds[exceptionType] !== valueKind.none ||
  attributes.kinds[exceptionMessage] !== valueKind.none;

/** Classes that LiteLLM's adapters raise; a refused request never leaves it under them. */
const isAdapterClass = memoized((text) =>
  /^(Anthropic|OpenAI|AzureOpenAI|VertexAI|Bedrock|Cohere|Groq|Mistral|Replicate)Error$/.test(
    className(text),
  )
    ? 1
    : 0,
);

/**
 * LiteLLM turns every refusal into a class of its own, with a number (`litellm.exceptions.RateLimitError`, 429). An error that has
 * none, or still has the class of the client or adapter beneath, came out of a stream.
 */
export function isUntranslated(reading: Reading): boolean {
  if (Number.isNaN(statusOf(reading))) return true;
  const name = errorNameOf(reading);
  return name !== 0 && isAdapterClass(reading.texts, name) === 1;
}

/**
 * Anthropic's clients put the number of the response before the body of a refusal; the body alone is an event that came inside a
 * stream. Python writes it as a dictionary, JavaScript as JSON; libraries above quote it: `APIStatusError("{'type': …`.
 */
const isErrorEvent = /(?:^|\(["'])\{\s*['"]type['"]\s*:\s*['"]error['"]/;

/**
 * How a failed call ended. `hasBegun`: chunks of the answer had come, so a number in a text is no longer that of the HTTP response;
 * `namesAnswer`: the model that answered is known;
 * `isMidStream`: the error came out of the stream, whatever number it has.
 */
export function failureOf(
  reading: Reading,
  call: {
    readonly hasBegun: boolean;
    readonly namesAnswer?: boolean;
    readonly finish: number;
    readonly isMidStream: boolean;
  },
): Ending {
  const name = errorNameOf(reading);
  const named = name === 0 ? undecided : outcomeOfName(reading.texts, name);
  if (named === outcomeIndex.client_cancelled || named === outcomeIndex.timeout)
    return { outcome: named, isWeak: false };
  const text = messageOf(reading);
  const known = statusOf(reading);
  const isTold = Number.isNaN(known) && !call.hasBegun;
  const status = isTold ? statusInText(text) : known;
  // A name that says more than "no connection" outweighs an answering model, which some write beforehand.
  const isOpen = named === undecided || named === outcomeIndex.connection_error;
  const began =
    call.hasBegun || call.finish === finishKind.error || (isOpen && call.namesAnswer === true);
  const isEvent = named === undecided && isErrorEvent.test(text);
  const isInStream = status >= 200 && status < 300 ? true : !(status >= 400) && (began || isEvent);
  if (isInStream || call.isMidStream || named === outcomeIndex.stream_error)
    return { outcome: outcomeIndex.stream_error, isWeak: false };
  // pydantic-ai calls a 503 overloaded, LiteLLM makes a 500 of Anthropic's 529: of these two the name says more.
  if (named === outcomeIndex.overloaded && !(status > 500))
    return { outcome: named, isWeak: false };
  if (named === outcomeIndex.server_error && isOverloaded.test(text))
    return { outcome: outcomeIndex.overloaded, isWeak: false };
  if (status >= 400) return { outcome: betterThanStatus(status, text), isWeak: false };
  if (named !== undecided) return { outcome: named, isWeak: named === outcomeIndex.server_error };
  if (name !== 0 && isBaseClass(reading.texts, name) === 1)
    return { outcome: outcomeIndex.stream_error, isWeak: true };
  const told = nameInText(text);
  if (told !== undecided) return { outcome: told, isWeak: true };
  for (const [phrase, outcome] of phrases)
    if (phrase.test(text)) return { outcome: outcomeIndex[outcome], isWeak: true };
  return { outcome: outcomeIndex.other, isWeak: true };
}

/** What a failed span around a call says of its end, as an index in `outcomes`; 0 where it says nothing known. */
export function enclosingOutcomeOf(reading: Reading): number {
  const answer = { hasBegun: false, isMidStream: false, finish: finishKind.missing };
  const { outcome } = failureOf(reading, answer);
  return outcome === outcomeIndex.other ? outcomeIndex.ok : outcome;
}

/** LiteLLM turns Anthropic's 529 into a 500, with or without the number, but keeps the API's text. */
const isOverloaded = /overloaded_error/;
function betterThanStatus(status: number, text: string): number {
  if (status === 500 && isOverloaded.test(text)) return outcomeIndex.overloaded;
  return outcomeOfStatus(status);
}

/** `Error code: 529 - …`, `status_code: 429, …`, `Status 500. Body`, `failed with status code 429`, `503 Service Unavailable`, `HTTP 500`. */
const statusPatterns = [
  /(?:error|status)[ _]?code['"]?\s*[:=]\s*(\d{3})\b/i,
  /\bstatus(?: code)?:?\s+(\d{3})\b/i,
  /^(?:\w+Error:\s*)?(\d{3})\b/,
  /\bHTTP(?:\/[\d.]+)?\s*(?:status\s*)?(\d{3})\b/i,
];

function statusInText(text: string): number {
  if (text === "") return Number.NaN;
  for (const pattern of statusPatterns) {
    const status = Number(pattern.exec(text)?.[1] ?? Number.NaN);
    if (status >= 400 && status < 600) return status;
  }
  return Number.NaN;
}

/** `An error occurred (ThrottlingException) when calling …`, `ServiceResponseException: (…, RateLimitError('…`: the first that says how. */
const namesInText = /\b[A-Za-z_]\w{0,60}(?:Error|Exception)\b/g;

function nameInText(text: string): number {
  for (const [name] of text.matchAll(namesInText)) {
    const outcome = outcomeOfErrorName(name);
    if (outcome !== undecided) return outcome;
  }
  return undecided;
}

function messageOf(reading: Reading): string {
  const { span, bytes } = reading;
  const status = decodeText(
    bytes,
    span.messageStart,
    Math.min(span.messageEnd, span.messageStart + messageBytes),
  );
  const rest = [exceptionMessage, errorMessage, langfuseMessage].map((field) =>
    rawText(reading, field, messageBytes),
  );
  return [status, ...rest].filter((text) => text !== "").join("\n");
}

/** The error's name for people, without Python's `<class '…'>`. */
export function readableError(text: string): string {
  return text.replace(/^<class '(.*)'>$/, "$1");
}
