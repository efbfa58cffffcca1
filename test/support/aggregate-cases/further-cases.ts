/** What further libraries write: OpenLIT, the Vercel AI SDK 6, LangChain under OpenLLMetry; errors by whose they are. */
import { claude, exception, type LibraryCase, type LibraryCases, one, openai } from "./case.ts";

const claudeBody = (said: string) =>
  `{'type': 'error', 'error': {'type': '${said}_error', 'message': 'Said so'}}`;

export const furtherCases: readonly LibraryCases[] = [
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
];
