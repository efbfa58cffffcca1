import type { AttributeName } from "./emitted-telemetry.ts";
import { errorWording, type Flavour, serverStatus } from "./error-wording.ts";
import type { FilterEvent, RequestEvent } from "./fleet-event.ts";
import { type FleetModel, requestKinds, type Sender } from "./fleet-model.ts";
import { wordAt } from "./random.ts";

export type AttributeValue = string | number | boolean | readonly string[];

export type Attribute = readonly [key: AttributeName, value: AttributeValue];

/** A span before it is encoded or given to an SDK. Times are true Unix ms. */
export interface SpanShape {
  readonly sender: Sender;
  readonly scope: Scope;
  readonly name: string;
  readonly kind: "server" | "client";
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: readonly Attribute[];
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
}

export interface Scope {
  readonly name: string;
  readonly version: string;
}

export const scopes = {
  http: { name: "opentelemetry.instrumentation.fastapi", version: "0.66b0" },
  openai: { name: "opentelemetry.instrumentation.genai.openai", version: "1.3b0" },
  anthropic: { name: "opentelemetry.instrumentation.genai.anthropic", version: "1.3b0" },
  anthropicSdk: { name: "com.anthropic.sdk.python", version: "2.12.0" },
} as const satisfies Record<string, Scope>;

/** The attributes whose values are floating point in the conventions, also when they are whole. */
export const doubleAttributes: ReadonlySet<string> = new Set([
  "gen_ai.response.time_to_first_chunk",
]);

export const routeOf: Readonly<Record<(typeof requestKinds)[number], string>> = {
  chat: "/api/chat",
  stream: "/api/chat",
  embeddings: "/api/search",
  login: "/api/login",
  session: "/api/sessions",
};

/** Span numbers within a trace. */
const serverSpan = 0;
const callSpan = 1;
const sdkSpan = 2;
const filterSpan = 3;

type Attributes = Attribute[];

/** The spans of a request: the application's SERVER span, the model call inside it. */
export function requestSpans(fleet: FleetModel, event: RequestEvent): readonly SpanShape[] {
  if (event.isLostAtEdge) return [];
  const { telemetry } = fleet.config;
  const spans: SpanShape[] = [];
  const model = fleet.models[event.model];
  const parent = telemetry.httpSpans ? spanId(event, serverSpan) : undefined;
  if (model !== undefined) {
    const own = telemetry.anthropic;
    const isAnthropic = model.provider === "anthropic";
    const hasContrib = !isAnthropic || own !== "sdk";
    if (isAnthropic && own !== "contrib") {
      spans.push(sdkCall(fleet, event, hasContrib ? spanId(event, callSpan) : parent));
    }
    if (hasContrib) spans.push(contribCall(fleet, event, parent));
  }
  if (telemetry.httpSpans) spans.push(server(fleet, event));
  return spans;
}

/** The SERVER span of the safety filter, a child of the application's. */
export function filterSpanShape(fleet: FleetModel, event: FilterEvent): SpanShape {
  const { request } = event;
  const attributes: Attributes = [
    ["http.request.method", "POST"],
    ["http.route", "/v1/classify"],
    ["url.scheme", "http"],
    ["http.response.status_code", event.status],
  ];
  if (event.status >= 500) attributes.push(["error.type", String(event.status)]);
  return {
    sender: event.sender,
    scope: scopes.http,
    name: "POST /v1/classify",
    kind: "server",
    traceId: traceId(request),
    spanId: spanId(request, filterSpan + event.attempt),
    parentSpanId: fleet.config.telemetry.httpSpans ? spanId(request, serverSpan) : undefined,
    startMs: event.startMs,
    endMs: event.endMs,
    attributes,
    status: event.status >= 500 ? "error" : "unset",
    statusMessage: "",
  };
}

function server(fleet: FleetModel, event: RequestEvent): SpanShape {
  const route = routeOf[requestKinds[event.requestKind] ?? "chat"];
  const isStream = requestKinds[event.requestKind] === "stream";
  const hasStarted = isStream && !Number.isNaN(event.firstTokenSeconds);
  const status = serverStatus(event.outcome, hasStarted);
  const attributes: Attributes = [
    ["http.request.method", "POST"],
    ["http.route", route],
    ["url.path", route],
    ["url.scheme", "https"],
  ];
  if (status !== undefined) attributes.push(["http.response.status_code", status]);
  if (event.inputTokens > 0)
    attributes.push(["http.request.body.size", 180 + 4 * event.inputTokens]);
  if (status !== undefined && status >= 500) attributes.push(["error.type", String(status)]);
  pushBaggage(fleet, event, attributes);
  return {
    sender: event.sender,
    scope: scopes.http,
    name: `POST ${route}`,
    kind: "server",
    traceId: traceId(event),
    spanId: spanId(event, serverSpan),
    parentSpanId: undefined,
    startMs: event.startMs,
    endMs: event.endMs,
    attributes,
    status: status !== undefined && status >= 500 ? "error" : "unset",
    statusMessage: "",
  };
}

function contribCall(
  fleet: FleetModel,
  event: RequestEvent,
  parentSpanId: Uint8Array | undefined,
): SpanShape {
  const { attributes, operation, model } = callAttributes(fleet, event);
  const flavour: Flavour = model.provider;
  const wording = errorWording(flavour, event.outcome);
  const isStream = requestKinds[event.requestKind] === "stream";
  attributes.push(["server.address", serverAddress[model.provider]], ["server.port", 443]);
  const { contentCanary } = fleet.config.telemetry;
  if (contentCanary !== undefined) {
    attributes.push([
      "gen_ai.input.messages",
      JSON.stringify([{ role: "user", parts: [{ type: "text", content: contentCanary }] }]),
    ]);
  }
  if (model.provider === "openai") {
    const tier = fleet.config.tiers[event.tier];
    if (tier !== undefined) attributes.push(["openai.request.service_tier", tier.serviceTier]);
  }
  if (isStream) attributes.push(["gen_ai.request.stream", true]);
  if (event.outcome === "ok" && operation === "chat") {
    attributes.push(["gen_ai.response.finish_reasons", [finishReason(event, model.provider)]]);
  }
  if (wording !== undefined) attributes.push(["error.type", wording.errorType]);
  pushBaggage(fleet, event, attributes);
  return {
    sender: event.sender,
    scope: scopes[model.provider],
    name: `${operation} ${model.name}`,
    kind: "client",
    traceId: traceId(event),
    spanId: spanId(event, callSpan),
    parentSpanId,
    startMs: event.callStartMs,
    endMs: event.callEndMs,
    attributes,
    status: wording === undefined ? "unset" : "error",
    statusMessage: wording?.message ?? "",
  };
}

/** What Anthropic's SDK records by itself; it alone counts retries. */
function sdkCall(
  fleet: FleetModel,
  event: RequestEvent,
  parentSpanId: Uint8Array | undefined,
): SpanShape {
  const { attributes } = callAttributes(fleet, event);
  const wording = errorWording("anthropic-sdk", event.outcome);
  const status = wording === undefined ? 200 : wording.httpStatus;
  if (status !== undefined && !(event.outcome === "client_cancelled" && hasNoAnswer(event))) {
    attributes.push(["http.response.status_code", status]);
  }
  if (event.retries > 0) attributes.push(["http.request.resend_count", event.retries]);
  if (event.outcome === "ok") {
    attributes.push(["anthropic.message.stop_reason", finishReason(event, "anthropic")]);
  }
  if (wording !== undefined) attributes.push(["error.type", wording.errorType]);
  pushBaggage(fleet, event, attributes);
  return {
    sender: event.sender,
    scope: scopes.anthropicSdk,
    name: "anthropic.messages.create",
    kind: "client",
    traceId: traceId(event),
    spanId: spanId(event, sdkSpan),
    parentSpanId,
    startMs: event.callStartMs,
    endMs: event.callEndMs,
    attributes,
    status: wording !== undefined ? "error" : event.outcome === "client_cancelled" ? "unset" : "ok",
    statusMessage: "",
  };
}

/** What every library records of a call: answers' attributes only where an answer came. */
function callAttributes(fleet: FleetModel, event: RequestEvent) {
  const model = fleet.models[event.model];
  const server = fleet.models[event.servedBy];
  if (model === undefined || server === undefined) throw new RangeError("a call has a model");
  const operation = model.operation;
  const attributes: Attributes = [
    ["gen_ai.operation.name", operation],
    ["gen_ai.provider.name", model.provider],
    ["gen_ai.request.model", model.name],
  ];
  if (operation === "chat" && event.outcome === "ok") {
    attributes.push(["gen_ai.request.max_tokens", 4096]);
  }
  if (event.outcome === "ok" || !hasNoAnswer(event)) {
    attributes.push(
      ["gen_ai.response.model", server.responseModel],
      ["gen_ai.response.id", responseId(event, model.provider)],
    );
  }
  if (event.outcome === "ok") {
    attributes.push(["gen_ai.usage.input_tokens", event.inputTokens]);
    if (operation === "chat") attributes.push(["gen_ai.usage.output_tokens", event.outputTokens]);
  }
  const isStream = requestKinds[event.requestKind] === "stream";
  if (isStream && !Number.isNaN(event.firstTokenSeconds)) {
    attributes.push(["gen_ai.response.time_to_first_chunk", event.firstTokenSeconds]);
  }
  return { attributes, operation, model };
}

/** Baggage of the application, copied to every span by opentelemetry-processor-baggage. */
function pushBaggage(fleet: FleetModel, event: RequestEvent, attributes: Attributes): void {
  attributes.push(
    ["enduser.id", fleet.tenants[event.tenant]?.name ?? ""],
    ["app.tier", fleet.config.tiers[event.tier]?.name ?? ""],
  );
}

const serverAddress = { openai: "api.openai.com", anthropic: "api.anthropic.com" } as const;

function hasNoAnswer(event: RequestEvent): boolean {
  return Number.isNaN(event.firstTokenSeconds);
}

/** genai-anthropic maps Anthropic's stop reasons to the conventions'; the SDK itself shows its own. */
function finishReason(event: RequestEvent, provider: "openai" | "anthropic"): string {
  if (provider === "openai") return event.finishReason;
  return { stop: "end_turn", length: "max_tokens", content_filter: "refusal" }[event.finishReason];
}

function responseId(event: RequestEvent, provider: "openai" | "anthropic"): string {
  const text = [221, 222, 223]
    .map((at) => wordAt(event.key1, at).toString(36).padStart(7, "0"))
    .join("");
  return provider === "openai" ? `chatcmpl-${text}` : `msg_01${text}`;
}

/** 16 bytes; words of both keys, so that a trace id repeats only when both collide. */
export function traceId(event: RequestEvent): Uint8Array {
  const bytes = new Uint8Array(16);
  writeWord(bytes, 0, wordAt(event.key1, 201));
  writeWord(bytes, 4, wordAt(event.key2, 202));
  writeWord(bytes, 8, wordAt(event.key1, 203));
  writeWord(bytes, 12, wordAt(event.key2, 204));
  return bytes;
}

function spanId(event: RequestEvent, number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeWord(bytes, 0, wordAt(event.key1, 240 + number));
  writeWord(bytes, 4, wordAt(event.key2, 240 + number));
  return bytes;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
