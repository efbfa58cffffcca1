/** LiteLLM, as SDK and as proxy. */
import {
  answered,
  chat,
  claude,
  embedder,
  type LibraryCases,
  one,
  openai,
  openaiV2,
  tokens,
} from "./case.ts";

export const liteLlmCases: readonly LibraryCases[] = [
  {
    library: "LiteLLM, first integration",
    cases: [
      {
        title: "a completion as a chat at the provider, its finish reason a JSON text",
        batches: one("litellm", {
          kind: "internal",
          name: "litellm_request",
          status: "ok",
          attributes: {
            "gen_ai.operation.name": "acompletion",
            "llm.request.type": "acompletion",
            "gen_ai.system": "openai",
            "gen_ai.request.model": "gpt-4o",
            "litellm.provider.model": "openai/gpt-4o",
            "gen_ai.response.finish_reasons": '["stop"]',
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 48,
          },
        }),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "an embedding with an empty provider",
        batches: one("litellm", {
          kind: "internal",
          name: "litellm_request",
          attributes: {
            "gen_ai.operation.name": "aembedding",
            "gen_ai.system": "",
            "gen_ai.request.model": embedder.model,
            "litellm.provider.model": `openai/${embedder.model}`,
            "gen_ai.usage.input_tokens": 9,
          },
        }),
        rows: [{ ...embedder, input_tokens: 9 }],
      },
      {
        title: "current names without an operation name",
        batches: one("litellm", {
          name: "chat gpt-4o",
          attributes: {
            "llm.request.type": "acompletion",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            ...answered,
          },
        }),
        rows: [{ ...openai, ...tokens }],
      },
      ...(
        [
          ["RateLimitError", 429, "", "rate_limit"],
          ["APIError", 529, "", "overloaded"],
          [
            "InternalServerError",
            500,
            "litellm.InternalServerError: AnthropicException",
            "server_error",
          ],
          [
            "InternalServerError",
            500,
            'AnthropicException - {"error":{"type":"overloaded_error"',
            "overloaded",
          ],
          ["Timeout", 408, "", "timeout"],
          ["ContextWindowExceededError", 400, "", "invalid_request"],
          ["ServiceUnavailableError", 503, "", "unavailable"],
          ["RemoteProtocolError", undefined, "", "stream_error"],
          ["ReadError", undefined, "", "stream_error"],
          ["APIError", undefined, "", "stream_error"],
        ] as const
      ).map(([errorType, status, message, outcome]) => ({
        title: `${errorType} ${status} ${message.slice(0, 12)} as ${outcome}`,
        batches: one("litellm", {
          kind: "internal",
          status: "error",
          message,
          attributes: {
            ...chat("gen_ai.system", openai),
            "gen_ai.operation.name": "completion",
            "error.type": errorType,
            ...(status !== undefined && {
              "http.response.status_code": status,
              "error.code": String(status),
            }),
          },
        }),
        rows: [{ ...openai, outcome }],
      })),
      {
        title:
          "nothing of what it writes on the application's own SERVER span, and none of its raw request",
        batches: one(
          "app",
          {
            id: 1,
            trace: 1,
            kind: "server",
            attributes: chat("gen_ai.system", openai, { "error.type": "RateLimitError" }),
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            name: "raw_gen_ai_request",
            attributes: { "llm.openai.model": "gpt-4o" },
          },
        ),
        rows: [],
      },
      {
        title: "its span and the instrumented client's beside it once",
        batches: [
          {
            scope: "litellm",
            spans: [
              {
                id: 1,
                trace: 1,
                kind: "internal",
                startMs: 0,
                endMs: 1_000,
                attributes: chat("gen_ai.system", openai, {
                  ...answered,
                  "gen_ai.response.id": "chatcmpl-9",
                }),
              },
            ],
          },
          {
            scope: openaiV2,
            spans: [
              {
                id: 2,
                trace: 2,
                startMs: 5,
                endMs: 990,
                attributes: chat("gen_ai.system", openai, { "gen_ai.response.id": "chatcmpl-9" }),
              },
            ],
          },
        ],
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "the same when both failed and nothing names the call",
        batches: [
          {
            scope: "litellm",
            spans: [
              {
                id: 1,
                trace: 1,
                kind: "internal",
                status: "error",
                startMs: 0,
                endMs: 100,
                attributes: chat("gen_ai.system", openai, {
                  "error.type": "RateLimitError",
                  "gen_ai.response.id": "5f1c2a",
                }),
              },
            ],
          },
          {
            scope: openaiV2,
            spans: [
              {
                id: 2,
                trace: 2,
                status: "error",
                startMs: 5,
                endMs: 90,
                attributes: chat("gen_ai.system", openai, { "error.type": "RateLimitError" }),
              },
            ],
          },
        ],
        rows: [{ ...openai, outcome: "rate_limit" }],
      },
    ],
  },
  {
    library: "LiteLLM, second integration",
    cases: [
      {
        title: "a proxied chat under the true model, not the route span and not the SERVER span",
        batches: [
          {
            scope: "litellm",
            spans: [
              { id: 1, trace: 1, kind: "server", attributes: { "gen_ai.request.model": "smart" } },
              {
                id: 2,
                trace: 1,
                parent: 1,
                kind: "internal",
                name: "route smart",
                attributes: { "gen_ai.request.model": "smart" },
              },
              {
                id: 3,
                trace: 1,
                parent: 2,
                name: "chat smart",
                attributes: {
                  ...chat("gen_ai.provider.name", { provider: "anthropic", model: "smart" }),
                  ...answered,
                  "gen_ai.system": "anthropic",
                  "gen_ai.response.model": "smart",
                  "litellm.provider.model": "anthropic/claude-sonnet-4",
                  "litellm.request.streaming": true,
                  "gen_ai.response.time_to_first_chunk": 0.05,
                },
              },
            ],
          },
        ],
        rows: [{ ...claude, ...tokens, ttft_p50_s: 0.0499195 }],
      },
      {
        title: "a failure whose number is LiteLLM's own attribute",
        batches: one("litellm", {
          status: "error",
          attributes: chat("gen_ai.provider.name", openai, {
            "error.type": "APIError",
            "litellm.provider.error.code": "529",
            "gen_ai.usage.input_tokens": 0,
            "gen_ai.usage.output_tokens": 0,
          }),
        }),
        rows: [{ ...openai, outcome: "overloaded" }],
      },
    ],
  },
];
