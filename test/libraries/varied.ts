/**
 * Captures as other versions and other set-ups of the libraries would have sent them: the same calls under former or newer names, in
 * another order, beside spans of the HTTP client. What is counted must stay the same.
 */
import type { CaptureRecord } from "../../services/log/capture.ts";
import {
  ExportTraceServiceRequest,
  type KeyValue,
  type ScopeSpans,
  type Span,
} from "../support/otlp-proto.ts";

export interface Variation {
  readonly title: string;
  vary(records: readonly CaptureRecord[]): CaptureRecord[];
}

/** Each request of spans changed, or given up as several. */
function requests(
  change: (scopes: readonly ScopeSpans[]) => readonly (readonly ScopeSpans[])[],
): Variation["vary"] {
  return (records) =>
    records.flatMap((record) => {
      if (record.signal !== "traces") return [record];
      const { resourceSpans = [] } = ExportTraceServiceRequest.decode(record.payload);
      return resourceSpans.flatMap((resource) =>
        change(resource.scopeSpans ?? []).map((scopeSpans) => ({
          ...record,
          payload: ExportTraceServiceRequest.encode({
            resourceSpans: [{ ...resource, scopeSpans: [...scopeSpans] }],
          }),
        })),
      );
    });
}

/** Each span changed, or given up as several of its scope. */
const spans = (change: (span: Span) => Span | readonly Span[]): Variation["vary"] =>
  requests((scopes) => [
    scopes.map((scope) => ({ ...scope, spans: (scope.spans ?? []).flatMap(change) })),
  ]);

const attributes = (change: (attribute: KeyValue) => KeyValue): Variation["vary"] =>
  spans((span) => ({ ...span, attributes: (span.attributes ?? []).map(change) }));

/** Attributes under other names. Where a span has the other one already, it keeps both. */
const renamed = (names: Readonly<Record<string, string>>): Variation["vary"] =>
  spans((span) => {
    const own = new Set((span.attributes ?? []).map(({ key }) => key));
    const rename = (key = "") => {
      const other = names[key];
      return other === undefined || own.has(other) ? key : other;
    };
    const change = (attribute: KeyValue) => ({ ...attribute, key: rename(attribute.key) });
    return { ...span, attributes: (span.attributes ?? []).map(change) };
  });

const textOf = ({ attributes: all = [] }: Span, key: string): string =>
  all.find((attribute) => attribute.key === key)?.value?.stringValue ?? "";

const client = 3;
const error = 2;

/** What instrumentations of HTTP clients write beneath a call: an attempt that was refused, and one that was not. */
function withAttempts(span: Span): Span | readonly Span[] {
  const isCall = textOf(span, "gen_ai.operation.name") !== "" && span.kind === client;
  if (!isCall || span.spanId === undefined) return span;
  const attempt = (number: number, status: number): Span => ({
    ...span,
    name: "POST",
    parentSpanId: span.spanId as Uint8Array,
    spanId: Buffer.from(span.spanId as Uint8Array).map((byte, i) =>
      i === 0 ? byte ^ number : byte,
    ),
    attributes: [
      { key: "http.request.method", value: { stringValue: "POST" } },
      { key: "url.full", value: { stringValue: "http://127.0.0.1/v1/chat/completions" } },
      { key: "http.response.status_code", value: { intValue: status } },
    ],
    events: [],
    status: { code: status >= 400 ? error : 0 },
  });
  return [attempt(1, 429), attempt(2, 200), span];
}

/** A call inside an agent's span that has the same attributes but for the operation. */
function withAgent(span: Span): Span | readonly Span[] {
  const isRoot = (span.parentSpanId?.length ?? 0) === 0;
  const isCall = ["chat", "embeddings"].includes(textOf(span, "gen_ai.operation.name"));
  if (!isRoot || !isCall || span.spanId === undefined) return span;
  const spanId = Buffer.from(span.spanId).map((byte, i) => (i === 1 ? byte ^ 0x55 : byte));
  const repeated = (span.attributes ?? []).map(({ key = "", value = {} }) =>
    key === "gen_ai.operation.name"
      ? { key, value: { stringValue: "invoke_agent" } }
      : { key, value },
  );
  return [
    { ...span, parentSpanId: spanId },
    { ...span, spanId, kind: 1, attributes: repeated },
  ];
}

export const variations: readonly Variation[] = [
  {
    title: "under the former name of the provider",
    vary: renamed({ "gen_ai.provider.name": "gen_ai.system" }),
  },
  {
    title: "under the former names of tokens",
    vary: renamed({
      "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
      "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
    }),
  },
  {
    title: "under the names of before the conventions",
    vary: renamed({
      "gen_ai.request.model": "llm.request.model",
      "gen_ai.response.model": "llm.response.model",
      "gen_ai.usage.input_tokens": "llm.usage.prompt_tokens",
      "gen_ai.usage.output_tokens": "llm.usage.completion_tokens",
      "gen_ai.response.finish_reasons": "llm.response.finish_reason",
    }),
  },
  {
    title: "with the time to the first token under another name",
    vary: renamed({
      "gen_ai.response.time_to_first_chunk": "gen_ai.server.time_to_first_token",
      "gen_ai.client.operation.time_to_first_chunk": "gen_ai.response.time_to_first_chunk",
    }),
  },
  {
    title: "with lists of finish reasons as JSON",
    vary: attributes(({ key = "", value = {} }) => {
      const texts = value.arrayValue?.values?.map(({ stringValue }) => stringValue);
      return key === "gen_ai.response.finish_reasons" && texts !== undefined
        ? { key, value: { stringValue: JSON.stringify(texts) } }
        : { key, value };
    }),
  },
  {
    title: "with exceptions that leave the status alone",
    vary: spans((span) => {
      const hasThrown = span.events?.some(({ name }) => name === "exception") === true;
      return hasThrown ? { ...span, status: { message: span.status?.message ?? "" } } : span;
    }),
  },
  {
    title: "inside an agent that repeats what they say",
    vary: spans(withAgent),
  },
  {
    title: "with their attributes in another order",
    vary: spans((span) => ({ ...span, attributes: [...(span.attributes ?? [])].reverse() })),
  },
  {
    title: "with whole numbers as texts",
    vary: attributes(({ key = "", value = {} }) =>
      value.intValue === undefined
        ? { key, value }
        : { key, value: { stringValue: String(value.intValue) } },
    ),
  },
  {
    title: "with classes of errors in Python's form",
    vary: attributes(({ key = "", value = {} }) =>
      key === "error.type" && /^[A-Za-z.]+$/.test(value.stringValue ?? "")
        ? { key, value: { stringValue: `<class '${value.stringValue}'>` } }
        : { key, value },
    ),
  },
  {
    title: "span by span, the last one of each request first",
    vary: requests((scopes) =>
      scopes
        .flatMap((scope) => (scope.spans ?? []).map((span) => [{ ...scope, spans: [span] }]))
        .reverse(),
    ),
  },
  { title: "sent twice", vary: (records) => [...records, ...records] },
  { title: "over spans of the HTTP client's attempts", vary: spans(withAttempts) },
];
