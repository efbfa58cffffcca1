/** What further libraries write: OpenLIT, the Vercel AI SDK 6, LangChain under OpenLLMetry, CrewAI over OpenInference. */
import type { Batch, SpanSketch } from "../aggregate-harness.ts";
import { answered, chat, claude, exception, type LibraryCase, one, openai } from "./case.ts";

const claudeBody = (said: string) =>
  `{'type': 'error', 'error': {'type': '${said}_error', 'message': 'Said so'}}`;

/** A span of another instrumentation around one of contrib's, which has nothing of an answer unless told. */
const around = (
  outer: SpanSketch,
  inner: SpanSketch = { attributes: chat("gen_ai.provider.name", openai) },
): Batch[] => [
  {
    scope: "opentelemetry.instrumentation.genai.openai",
    spans: [{ trace: 1, id: 2, parent: 1, kind: "client", startMs: 10, endMs: 980, ...inner }],
  },
  { scope: "some.client", spans: [{ trace: 1, id: 1, kind: "client", ...outer }] },
];

export const furtherCases: readonly {
  readonly library: string;
  readonly cases: readonly LibraryCase[];
}[] = [
  {
    library: "the Vercel AI SDK 6",
    cases: [
      {
        title: "tokens read from the cache once, where the SDK has added them up itself",
        batches: one("ai", {
          kind: "internal",
          attributes: {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.provider": "anthropic.messages",
            "ai.model.id": claude.model,
            "ai.usage.inputTokens": 120,
            "ai.usage.inputTokenDetails.noCacheTokens": 100,
            "ai.usage.cachedInputTokens": 20,
            "ai.usage.outputTokens": 48,
          },
        }),
        rows: [{ ...claude, input_tokens: 120, output_tokens: 48 }],
      },
    ],
  },
  {
    library: "OpenLIT",
    cases: [
      {
        title: "no first token of a whole answer, and those read from Anthropic's cache",
        batches: one("openlit.instrumentation.anthropic", {
          kind: "client",
          status: "ok",
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": claude.model,
            "gen_ai.request.stream": false,
            "gen_ai.server.time_to_first_token": { double: 0.21 },
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.cache_read.input_tokens": 20,
            "gen_ai.usage.output_tokens": 48,
          },
        }),
        rows: [{ ...claude, input_tokens: 120, output_tokens: 48 }],
      },
      {
        title: "failed calls that have no attribute but the exception's, by their names",
        batches: one("openlit.instrumentation.anthropic", {
          name: `chat ${claude.model}`,
          kind: "client",
          status: "error",
          message: `OverloadedError: Error code: 529 - ${claudeBody("overloaded")}`,
          events: exception("anthropic.OverloadedError"),
        }),
        rows: [{ ...claude, outcome: "overloaded" }],
      },
      {
        title: "nothing of a span whose name is none of a call, or that did not fail",
        batches: one(
          "openlit.instrumentation.anthropic",
          { name: "chat room closed", kind: "client", status: "error" },
          { name: `chat ${claude.model}`, kind: "client", status: "ok" },
        ),
        rows: [],
      },
      {
        title: "nothing of such a name from a library that writes attributes",
        batches: one("app", { name: `chat ${claude.model}`, kind: "client", status: "error" }),
        rows: [],
      },
    ],
  },
  {
    library: "LangChain, under OpenLLMetry",
    cases: [
      {
        title: "a time-out as such, though it names an answering model beforehand",
        batches: one("opentelemetry.instrumentation.langchain", {
          kind: "client",
          status: "error",
          message: "Request timed out or interrupted: a dropped connection, or cancellation.",
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": openai.model,
            "gen_ai.response.model": openai.model,
            "error.type": "OpenAITimeoutError",
          },
        }),
        rows: [{ ...openai, outcome: "timeout" }],
      },
      ...(["LMRateLimitError", "ModelThrottledException", "AnthropicRateLimitError"] as const).map(
        (name): LibraryCase => ({
          title: `${name} by what it says without whose it is`,
          batches: one("dspy", {
            status: "error",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": "openai",
              "llm.model_name": openai.model,
            },
            events: exception(name),
          }),
          rows: [{ ...openai, outcome: "rate_limit" }],
        }),
      ),
    ],
  },
  {
    library: "OpenLLMetry anthropic, asynchronous",
    cases: [
      {
        title: "an error inside a stream, which is the body of a refusal without a number",
        batches: one("opentelemetry.instrumentation.anthropic", {
          kind: "client",
          status: "error",
          message: claudeBody("overloaded"),
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": claude.model,
          },
        }),
        rows: [{ ...claude, outcome: "stream_error" }],
      },
      {
        title: "the same body behind a number as the refusal that it is",
        batches: one("opentelemetry.instrumentation.anthropic", {
          kind: "client",
          status: "error",
          message: `Error code: 529 - ${claudeBody("overloaded")}`,
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": claude.model,
          },
        }),
        rows: [{ ...claude, outcome: "overloaded" }],
      },
    ],
  },
  {
    library: "OpenInference anthropic, under CrewAI",
    cases: [
      {
        title: "no request that only counts tokens",
        batches: one(
          "openinference.instrumentation.anthropic",
          ...["messages.count_tokens", "messages.create"].map((name) => ({
            name,
            status: "ok" as const,
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": "anthropic",
              "llm.request.model_name": claude.model,
              "llm.token_count.prompt": 120,
              "llm.token_count.completion": 48,
            },
          })),
        ),
        rows: [{ ...claude, input_tokens: 120, output_tokens: 48 }],
      },
    ],
  },
  {
    library: "LangSmith",
    cases: [
      {
        title: "failed calls that have the status OK and Python's form of the exception",
        batches: one("langsmith", {
          kind: "internal",
          status: "ok",
          attributes: {
            "langsmith.span.kind": "llm",
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": openai.model,
          },
          events: exception("Exception", "APITimeoutError('Took too long')Traceback (most …"),
        }),
        rows: [{ ...openai, outcome: "timeout" }],
      },
      {
        title: "prompts and chains as no calls",
        batches: one(
          "langsmith",
          ...["prompt", "chain", "llm"].map((kind) => ({
            status: "ok" as const,
            attributes: {
              "langsmith.span.kind": kind,
              "gen_ai.operation.name": "chat",
              "gen_ai.system": "openai",
              "gen_ai.request.model": openai.model,
            },
          })),
        ),
        rows: [openai],
      },
      {
        title: "an exception that another library's call got over as none",
        batches: one("app", {
          kind: "client",
          status: "ok",
          attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "openai",
            "gen_ai.request.model": openai.model,
          },
          events: exception("Exception", "RateLimitError('…')"),
        }),
        rows: [openai],
      },
    ],
  },
  {
    library: "LiteLLM, under OpenInference",
    cases: [
      {
        title: "models without the provider that stands before them",
        batches: one(
          "openinference.instrumentation.litellm",
          ...["anthropic", "openrouter"].map((provider) => ({
            status: "ok" as const,
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": provider,
              "llm.model_name": `anthropic/${claude.model}`,
            },
          })),
        ),
        rows: [claude, { provider: "openrouter", model: `anthropic/${claude.model}` }],
      },
      {
        title: "an overload that it calls an error of the server, without a number",
        batches: one("openinference.instrumentation.litellm", {
          status: "error",
          message: `InternalServerError: AnthropicError - {"error":{"type":"overloaded_error"}}`,
          attributes: {
            "openinference.span.kind": "LLM",
            "llm.model_name": claude.model,
          },
          events: exception("litellm.exceptions.InternalServerError"),
        }),
        rows: [{ ...claude, outcome: "overloaded" }],
      },
    ],
  },
  {
    library: "MLflow",
    cases: [
      {
        title: "calls by their type, with values in quotes, and nothing of chains",
        batches: one(
          "mlflow.tracing.provider",
          ...["CHAT_MODEL", "CHAIN"].map((type) => ({
            status: "ok" as const,
            attributes: {
              "mlflow.spanType": `"${type}"`,
              "mlflow.message.format": '"openai"',
              model: '"gpt-4o"',
              "mlflow.llm.model": '"gpt-4o-2024-08-06"',
              "mlflow.chat.tokenUsage": '{"input_tokens": 120, "output_tokens": 48}',
            },
          })),
        ),
        rows: [{ ...openai, input_tokens: 120, output_tokens: 48 }],
      },
    ],
  },
  {
    library: "frameworks that call themselves the provider",
    cases: [
      {
        title: "Strands' calls by whose the model is, and its first token in milliseconds",
        batches: one("strands.telemetry.tracer", {
          status: "ok",
          attributes: {
            ...chat("gen_ai.system", { provider: "strands-agents", model: openai.model }),
            ...answered,
            "gen_ai.server.time_to_first_token": 250,
          },
        }),
        rows: [{ ...openai, input_tokens: 120, output_tokens: 48, ttft_p50_s: 0.2508795 }],
      },
      {
        title: "Google ADK's calls by the provider before the model",
        batches: one("gcp.vertex.agent", {
          attributes: {
            ...chat("gen_ai.system", { provider: "gcp.vertex.agent", model: "groq/llama-3" }),
            ...answered,
          },
        }),
        rows: [{ provider: "groq", model: "llama-3", input_tokens: 120, output_tokens: 48 }],
      },
    ],
  },
  {
    library: "two instrumentations of one client",
    cases: [
      {
        title: "a raw response that one of them takes for left, by what the other has read of it",
        batches: around({
          status: "ok",
          attributes: { ...chat("gen_ai.provider.name", openai), ...answered },
        }),
        rows: [{ ...openai, input_tokens: 120, output_tokens: 48 }],
      },
      {
        title: "a stream that was left as such, where the other has no end of it either",
        batches: around({ status: "ok", attributes: chat("gen_ai.provider.name", openai) }),
        rows: [{ ...openai, outcome: "client_cancelled" }],
      },
      {
        title: "a broken connection as a broken stream, where the other saw it begin",
        batches: around(
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai, {
              "error.type": "APIConnectionError",
              "gen_ai.response.time_to_first_chunk": 0.25,
            }),
          },
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai, {
              "error.type": "APIConnectionError",
            }),
          },
        ),
        rows: [{ ...openai, outcome: "stream_error", ttft_p50_s: 0.2508795 }],
      },
    ],
  },
];
