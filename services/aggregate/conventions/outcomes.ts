/**
 * How a call or an HTTP request ended, from whatever its library says: error classes with or without module, HTTP status
 * numbers in attributes and in texts, exception events, the API's own error types.
 */
import { type Outcome, outcomeIndex } from "../../contracts/outcomes.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import { finishKind } from "./finish.ts";
import {
  decodeText,
  firstNumber,
  firstText,
  memoized,
  type Reading,
  rawText,
  textIn,
} from "./reading.ts";

/** Error names without module, `_`, `-`, blanks, case and the ending Error or Exception. */
const names: Readonly<Record<Exclude<Outcome, "ok">, readonly string[]>> = {
  client_cancelled: [
    "cancelled",
    "canceled",
    "cancel",
    "generatorexit",
    "abort",
    "aborted",
    "apiuserabort",
    "clientcancelled",
    "keyboardinterrupt",
    "responseaborted",
    "clientdisconnected",
    "clientclosedrequest",
    "taskcanceled",
    "operationcanceled",
  ],
  timeout: [
    "apitimeout",
    "apiconnectiontimeout",
    "timeout",
    "timedout",
    "modeltimeout",
    "readtimeout",
    "connecttimeout",
    "pooltimeout",
    "writetimeout",
    "clienttimeout",
    "deadlineexceeded",
    "gatewaytimeout",
    "etimedout",
    "sockettimeout",
    "requesttimeout",
    "httptimeout",
    "headerstimeout",
    "bodytimeout",
    "undercerrconnecttimeout",
    "undercerrheaderstimeout",
  ],
  overloaded: ["overloaded", "modeloverloaded", "serveroverloaded", "engineoverloaded"],
  rate_limit: [
    "ratelimit",
    "modelratelimit",
    "ratelimited",
    "ratelimitexceeded",
    "toomanyrequests",
    "throttling",
    "throttled",
    "resourceexhausted",
    "quotaexceeded",
    "insufficientquota",
    "servicequotaexceeded",
  ],
  unavailable: [
    "serviceunavailable",
    "unavailable",
    "badgateway",
    "modelunavailable",
    "notready",
    "modelnotready",
  ],
  auth: [
    "authentication",
    "permissiondenied",
    "permission",
    "unauthorized",
    "forbidden",
    "accessdenied",
    "invalidapikey",
    "unauthenticated",
    "modelauthentication",
    "loadapikey",
  ],
  invalid_request: [
    "badrequest",
    "invalidrequest",
    "notfound",
    "unprocessableentity",
    "contextwindowexceeded",
    "contextlengthexceeded",
    "contentpolicyviolation",
    "requesttoolarge",
    "conflict",
    "validation",
    "unsupportedparams",
    "invalidargument",
    "modelnotfound",
    "nosuchmodel",
    "invalidprompt",
    "modelbadrequest",
    "payloadtoolarge",
  ],
  connection_error: [
    "apiconnection",
    "connection",
    "connect",
    "connectionreset",
    "connectionrefused",
    "connectionaborted",
    "modelconnection",
    "brokenpipe",
    "network",
    "dns",
    "gaierror",
    "ssl",
    "socket",
    "econnreset",
    "econnrefused",
    "enotfound",
    "eaiagain",
    "epipe",
    "remotedisconnected",
    "clientconnector",
    "clientconnection",
    "clientos",
    "serverdisconnected",
    "networkconnection",
  ],
  stream_error: [
    "remoteprotocol",
    "localprotocol",
    "read",
    "incompleteread",
    "chunkedencoding",
    "stream",
    "streamclosed",
    "clientpayload",
    "midstreamfallback",
    "prematureclose",
    "modelstreamerror",
  ],
  server_error: ["internalserver", "server", "modelserver", "internal", "undocumentedserver"],
  other: [],
};

/** The API's error types, where they differ from a class of the same letters. */
const apiTypes: Readonly<Record<string, Outcome>> = {
  api_error: "server_error",
  server_error: "server_error",
  stream_error: "stream_error",
};

/** What texts say, where nothing else does; first match wins. */
const phrases: readonly (readonly [RegExp, Outcome])[] = [
  // OpenAI's words for a 503.
  [/engine is (currently )?overloaded/i, "unavailable"],
  [/overloaded/i, "overloaded"],
  [/rate.?limit|too many requests|quota/i, "rate_limit"],
  [
    /incomplete chunked read|peer closed connection|premature close|stream (was )?(closed|cut|ended)|terminated/i,
    "stream_error",
  ],
  [/timed? ?out|timeout|deadline/i, "timeout"],
  [/abort|cancel/i, "client_cancelled"],
  [/unavailable|bad gateway/i, "unavailable"],
  [/unauthori[sz]ed|authenticat|api.?key|permission|forbidden/i, "auth"],
  [/connection|connect|econn|socket|fetch failed|network|cannot reach/i, "connection_error"],
  [/internal server|server (had an )?error|internal error/i, "server_error"],
  [/bad request|invalid|not found|unsupported|context length|incomplete/i, "invalid_request"],
];

const undecided = -1;
const ofName = new Map<string, number>();
for (const [outcome, all] of Object.entries(names))
  for (const name of all) ofName.set(name, outcomeIndex[outcome as Outcome]);

/** `<class 'openai.RateLimitError'>`, `openai.RateLimitError` and `AI_RateLimitError` are all `RateLimitError`. */
function className(text: string): string {
  const bare = text.replace(/^<class '(.*)'>$/, "$1");
  return bare.slice(bare.lastIndexOf(".") + 1).replace(/^AI_/, "");
}

function squashed(name: string): string {
  return name
    .toLowerCase()
    .replace(/[_\-\s]/g, "")
    .replace(/(error|exception)$/, "");
}

/** Outcome of an error name, or −1 where the name says nothing (`APICallError`, `RetryError`). */
const outcomeOfName = memoized((text) => {
  const name = className(text);
  const api = apiTypes[name];
  if (api !== undefined) return outcomeIndex[api];
  if (/^\d{3}$/.test(name)) return outcomeOfStatus(Number(name));
  return ofName.get(squashed(name)) ?? undecided;
});

/** OpenAI's and Anthropic's base classes, raised for an error event inside a stream; failed requests have subclasses. */
const isBaseClass = memoized((text) =>
  /^(APIError|APIStatusError)$/.test(className(text)) ? 1 : 0,
);

/** Outcome of an HTTP status ≥ 400. */
export function outcomeOfStatus(status: number): number {
  if (status === 429) return outcomeIndex.rate_limit;
  if (status === 529) return outcomeIndex.overloaded;
  if (status === 401 || status === 403) return outcomeIndex.auth;
  if (status === 408 || status === 504 || status === 524) return outcomeIndex.timeout;
  if (status === 499) return outcomeIndex.client_cancelled;
  if (status === 502 || status === 503 || (status >= 520 && status <= 530))
    return outcomeIndex.unavailable;
  if (status >= 500) return outcomeIndex.server_error;
  return outcomeIndex.invalid_request;
}

const errorTypeField = fieldOf("error.type");
const errorFields = [errorTypeField, fieldOf("exception.type")];
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

/** Interned name of the error, as the telemetry has it; 0 where there is none. */
export const errorNameOf = (reading: Reading): number => firstText(reading, errorFields);

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
 * How a failed call ended. `hasBegun`: chunks of the answer had come, which a number of the HTTP response outweighs;
 * `isMidStream`: the error came out of the stream, whatever number it has.
 */
export function failureOf(
  reading: Reading,
  call: { readonly hasBegun: boolean; readonly finish: number; readonly isMidStream: boolean },
): Ending {
  const name = errorNameOf(reading);
  const named = name === 0 ? undecided : outcomeOfName(reading.texts, name);
  if (named === outcomeIndex.client_cancelled || named === outcomeIndex.timeout)
    return { outcome: named, isWeak: false };
  const text = messageOf(reading);
  const known = statusOf(reading);
  const status = Number.isNaN(known) ? statusInText(text) : known;
  const began = call.hasBegun || call.finish === finishKind.error;
  const isInStream = status >= 200 && status < 300 ? true : !(status >= 400) && began;
  if (isInStream || call.isMidStream || named === outcomeIndex.stream_error)
    return { outcome: outcomeIndex.stream_error, isWeak: false };
  // pydantic-ai calls a 503 overloaded, LiteLLM makes a 500 of Anthropic's 529: of these two the name says more.
  if (named === outcomeIndex.overloaded && !(status > 500))
    return { outcome: named, isWeak: false };
  if (status >= 400) return { outcome: betterThanStatus(status, text), isWeak: false };
  if (named !== undecided) return { outcome: named, isWeak: named === outcomeIndex.server_error };
  if (name !== 0 && isBaseClass(reading.texts, name) === 1)
    return { outcome: outcomeIndex.stream_error, isWeak: true };
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

/** LiteLLM turns Anthropic's 529 into a 500, but keeps the API's text. */
function betterThanStatus(status: number, text: string): number {
  if (status === 500 && /overloaded_error/.test(text)) return outcomeIndex.overloaded;
  return outcomeOfStatus(status);
}

/** `Error code: 529 - …`, `status_code: 429, …`, `503 Service Unavailable`, `HTTP 500`. */
const statusPatterns = [
  /(?:error|status)[ _]?code['"]?\s*[:=]\s*(\d{3})\b/i,
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
