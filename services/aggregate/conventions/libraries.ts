/**
 * What an instrumentation scope says about its library: how near to the provider its spans are, and what it means when
 * one of them has neither an error nor an end.
 */
import { lookUp } from "./look-up.ts";

export interface Library {
  /**
   * Of two spans that describe one call without being nested, the higher counts: 3 the provider's own client,
   * 2 an instrumentation of that client, 1 a framework above it.
   */
  readonly nearness: number;
  /**
   * A span with status UNSET and no finish reason:
   * - `unknown`: may be a success (counted as such, with its missing end);
   * - `cancelled`: the caller gave up, because successes always look different;
   * - `cut`: the stream broke or the caller gave up; the enclosing span's error tells which.
   */
  readonly unfinished: "unknown" | "cancelled" | "cut";
  /** Every success has a response model or tokens, and every success of a stream a finish reason. */
  readonly answersAlways?: boolean;
  /** Only a stream can be left without an end; what else has none is a success of which it could not read more. */
  readonly onlyStreams?: boolean;
  /** Every success has the status OK, so tokens and other beginnings of an answer are none. */
  readonly marksSuccess?: boolean;
  /** Every success has a finish reason or tokens, and every span the status OK. */
  readonly endsAlways?: boolean;
  /** Every stream that ended has a finish reason; broken and abandoned ones have the status OK, too. */
  readonly endsStreams?: boolean;
  /**
   * A stream has two spans: one of its opening, without an answer, which does not count, and a record of its end, without a
   * duration but with the attribute `duration`, in seconds.
   */
  readonly recordsStreams?: boolean;
  /** Token counts are the provider's own, which Anthropic gives without those read from its cache. */
  readonly passesOnTokens?: boolean;
  /** Refused requests have errors of its own with a number; others come out of streams. */
  readonly translatesErrors?: boolean;
  /** Writes the finish reason `error` when the caller gives up. */
  readonly cancelsWithError?: boolean;
  /** Failed calls have the status OK like all others, and only an event of the exception. */
  readonly failsByException?: boolean;
  /** Writes `gen_ai.server.time_to_first_token` in milliseconds instead of seconds. */
  readonly firstTokenInMs?: boolean;
  /** Models may be the only ones to say whose they are: `openai/text-embedding-3-small`. */
  readonly prefixesModels?: boolean;
  /** Failed calls may have no attribute at all, only the name: `chat claude-sonnet-4-5`. */
  readonly namesFailures?: boolean;
}

const client: Library = { nearness: 2, unfinished: "unknown" };
const openLit: Library = { ...client, passesOnTokens: true, namesFailures: true };
/** Its instrumentations of clients give successes the status OK. */
const openInference: Library = { nearness: 2, unfinished: "cancelled" };
const framework: Library = { nearness: 1, unfinished: "unknown" };

const libraries: Readonly<Record<string, Library>> = {
  "com.anthropic.sdk.python": { nearness: 3, unfinished: "cancelled", marksSuccess: true },
  "opentelemetry.instrumentation.genai.openai": {
    nearness: 2,
    unfinished: "cancelled",
    answersAlways: true,
    cancelsWithError: true,
  },
  "opentelemetry.instrumentation.genai.anthropic": {
    nearness: 2,
    unfinished: "cancelled",
    answersAlways: true,
  },
  "opentelemetry.instrumentation.google_genai": { nearness: 2, unfinished: "cancelled" },
  "opentelemetry.instrumentation.botocore.bedrock-runtime": {
    nearness: 2,
    unfinished: "cancelled",
    onlyStreams: true,
  },
  "opentelemetry.instrumentation.openai.v1": { nearness: 2, unfinished: "cut", endsStreams: true },
  "openinference.instrumentation.openai": {
    nearness: 2,
    unfinished: "cancelled",
    marksSuccess: true,
  },
  "openinference.instrumentation.anthropic": {
    nearness: 2,
    unfinished: "cancelled",
    marksSuccess: true,
  },
  "openinference.instrumentation.litellm": { ...framework, prefixesModels: true },
  "mlflow.tracing.provider": framework,
  "semantic_kernel.utils.telemetry.model_diagnostics.decorators": framework,
  agent_framework: framework,
  litellm: { nearness: 1, unfinished: "unknown", translatesErrors: true },
  "logfire.openai": { nearness: 2, unfinished: "unknown", recordsStreams: true },
  "logfire.anthropic": { nearness: 2, unfinished: "unknown", recordsStreams: true },
  "gcp.vertex.agent": { ...framework, prefixesModels: true },
  "strands.telemetry.tracer": { ...framework, firstTokenInMs: true },
  "@mastra/otel-exporter": { nearness: 1, unfinished: "cancelled", endsAlways: true },
  langsmith: { ...framework, failsByException: true },
  "pydantic-ai": { nearness: 1, unfinished: "cut" },
  // Vercel AI SDK 7, and up to 6.
  gen_ai: { nearness: 1, unfinished: "cancelled" },
  ai: { nearness: 1, unfinished: "unknown", passesOnTokens: true },
};

/** Frameworks above the clients, whoever instruments them in whichever language. */
const frameworks =
  /[./-](agno|autogen|autogen_agentchat|beeai|crewai|dspy|guardrails|haystack|instructor|langchain|langgraph|litellm|llama-?index|llama_index|openai[-_]agents|portkey|pydantic_ai|qwen_agent|smolagents)$/;

/** OpenLLMetry's other clients, which give successes the status OK. */
const openLlmetryClients =
  /^opentelemetry\.instrumentation\.(alephalpha|cohere|google_generativeai|groq|mistralai|ollama|replicate|together|vertexai|watsonx|writer)$/;
const openLlmetry: Library = { nearness: 2, unfinished: "cancelled", onlyStreams: true };

/** Traits of a scope by its name; unknown scopes are taken for instrumentations of a client. */
export function libraryOf(scope: string): Library {
  // One scope a provider: `openlit.instrumentation.anthropic`; before version 1.35 all have `openlit.otel.tracing`.
  const known = lookUp(libraries, scope);
  if (known !== undefined) return known;
  if (frameworks.test(scope)) return framework;
  if (openLlmetryClients.test(scope)) return openLlmetry;
  if (/^(openinference\.|@arizeai\/openinference-)instrumentation/.test(scope))
    return openInference;
  return scope.startsWith("openlit.") ? openLit : client;
}
