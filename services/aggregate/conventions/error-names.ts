/** Names and phrases that errors have in all libraries, languages and APIs, and how a call with each of them ended. */
import { type Outcome, outcomeIndex } from "../../contracts/outcomes.ts";
import { memoized } from "../decode/memo.ts";
import { lookUp } from "./look-up.ts";

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
    "auth",
    "invalidauth",
  ],
  invalid_request: [
    "badrequest",
    "invalidrequest",
    "notfound",
    "unprocessableentity",
    "contextwindowexceeded",
    "contextlengthexceeded",
    "contextlength",
    "contextoverflow",
    "contextwindowoverflow",
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
export const phrases: readonly (readonly [RegExp, Outcome])[] = [
  // OpenAI's words for a 503.
  [/engine is (currently )?overloaded/i, "unavailable"],
  [/overloaded/i, "overloaded"],
  [/rate.?limit|too many requests|quota/i, "rate_limit"],
  [
    /incomplete chunked read|peer closed connection|premature close|ended prematurely|stream (was )?(closed|cut|ended)|terminated/i,
    "stream_error",
  ],
  [/timed? ?out|timeout|deadline/i, "timeout"],
  [/abort|cancel/i, "client_cancelled"],
  [/unavailable|bad gateway/i, "unavailable"],
  [/unauthori[sz]ed|authenticat|api.?key|permission|forbidden/i, "auth"],
  [/connection|connect|econn|socket|fetch failed|network|cannot reach/i, "connection_error"],
  [/internal server|server[ _](had an )?error|internal error/i, "server_error"],
  [/bad request|invalid|not found|unsupported|context length|incomplete/i, "invalid_request"],
];

export const undecided = -1;
const ofName = new Map<string, number>();
for (const [outcome, all] of Object.entries(names))
  for (const name of all) ofName.set(name, outcomeIndex[outcome as Outcome]);

/** `<class 'openai.RateLimitError'>`, `openai.RateLimitError` and `AI_RateLimitError` are all `RateLimitError`. */
export function className(text: string): string {
  const bare = text.replace(/^<class '(.*)'>$/, "$1");
  return bare.slice(bare.lastIndexOf(".") + 1).replace(/^AI_/, "");
}

function squashed(name: string): string {
  return name
    .toLowerCase()
    .replace(/[_\-\s]/g, "")
    .replace(/(error|exception)$/, "");
}

/** Whose error it is: `OpenAITimeoutError` (LangChain) and `LMTimeoutError` (DSPy) are time-outs. */
const owner =
  /^(azureopenai|openai|anthropic|google|gemini|vertexai|bedrock|cohere|groq|mistral|litellm|chatclient|service|model|llm|lm)/;

/** Outcome of an error name, or −1 where the name says nothing (`APICallError`, `RetryError`). */
export function outcomeOfErrorName(text: string): number {
  const name = className(text);
  const api = lookUp(apiTypes, name);
  if (api !== undefined) return outcomeIndex[api];
  if (/^\d{3}$/.test(name)) return outcomeOfStatus(Number(name));
  const bare = squashed(name);
  return ofName.get(bare) ?? ofName.get(bare.replace(owner, "")) ?? undecided;
}

/** The same of an interned name. */
export const outcomeOfName = memoized(outcomeOfErrorName);

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
