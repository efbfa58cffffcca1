/** What the cases of all libraries are made of. */
import type { RequestRow } from "../../../services/contracts/request-rows.ts";
import type { Attributes, Batch, SpanSketch } from "../aggregate-harness.ts";

export interface LibraryCase {
  readonly title: string;
  readonly batches: readonly Batch[];
  readonly rows: readonly (Partial<RequestRow> & Pick<RequestRow, "provider" | "model">)[];
}

export const openai = { provider: "openai", model: "gpt-4o" };
export const claude = { provider: "anthropic", model: "claude-sonnet-4" };
export const embedder = {
  provider: "openai",
  model: "text-embedding-3-small",
  operation: "embeddings",
};

export const one = (scope: string, ...spans: readonly SpanSketch[]): Batch[] => [{ scope, spans }];

/** `gen_ai.*` as the conventions have it, with the provider under its former or current name. */
export const chat = (
  providerKey: "gen_ai.system" | "gen_ai.provider.name",
  { provider, model }: { provider: string; model: string },
  more: Attributes = {},
): Attributes => ({
  "gen_ai.operation.name": "chat",
  [providerKey]: provider,
  "gen_ai.request.model": model,
  ...more,
});

export const answered: Attributes = {
  "gen_ai.response.model": "gpt-4o-2024-08-06",
  "gen_ai.response.finish_reasons": ["stop"],
  "gen_ai.usage.input_tokens": 120,
  "gen_ai.usage.output_tokens": 48,
};
export const tokens = { input_tokens: 120, output_tokens: 48 };

const failed = (
  errorType: string,
  message = "",
): Pick<SpanSketch, "status" | "message"> & {
  error: Attributes;
} => ({ status: "error", message, error: { "error.type": errorType } });

export const exception = (type: string, message = ""): NonNullable<SpanSketch["events"]> => [
  {
    name: "exception",
    atMs: 900,
    attributes: { "exception.type": type, "exception.message": message },
  },
];

/** Failures of a library that writes `error.type` and perhaps a message: one case a kind. */
export function failures(
  scope: string,
  base: Attributes,
  who: { provider: string; model: string },
  kinds: readonly (readonly [errorType: string, message: string, outcome: RequestRow["outcome"]])[],
): LibraryCase[] {
  return kinds.map(([errorType, message, outcome]) => {
    const { status, error } = failed(errorType);
    return {
      title: `${errorType} (${message.slice(0, 15)}) as ${outcome}`,
      batches: one(scope, {
        attributes: { ...base, ...error },
        message,
        ...(status && { status }),
      }),
      rows: [{ ...who, outcome }],
    };
  });
}

export const openaiV2 = "opentelemetry.instrumentation.openai_v2";
export const genaiOpenai = "opentelemetry.instrumentation.genai.openai";
export const genaiAnthropic = "opentelemetry.instrumentation.genai.anthropic";
export const anthropicSdk = "com.anthropic.sdk.python";

export const pythonOpenaiFailures = [
  ["RateLimitError", "Error code: 429 - {'error'", "rate_limit"],
  ["InternalServerError", "Error code: 500 - {'error'", "server_error"],
  ["InternalServerError", "Error code: 503 - {'error'", "unavailable"],
  ["InternalServerError", "Error code: 529 - {'error'", "overloaded"],
  ["APITimeoutError", "Request timed out.", "timeout"],
  ["APIConnectionError", "Connection error.", "connection_error"],
  ["BadRequestError", "Error code: 400 - {'error'", "invalid_request"],
  ["AuthenticationError", "Error code: 401 - {'error'", "auth"],
  ["RemoteProtocolError", "peer closed connection", "stream_error"],
  ["APIError", "The server had an error", "stream_error"],
] as const;

export interface LibraryCases {
  readonly library: string;
  readonly cases: readonly LibraryCase[];
}
