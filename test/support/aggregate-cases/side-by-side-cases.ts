/** Two libraries that tell of the same calls, and streams whose end one has to tell from what there is. */
import type { Batch, SpanSketch } from "../aggregate-harness.ts";
import {
  answered,
  chat,
  claude,
  exception,
  genaiAnthropic,
  type LibraryCases,
  one,
  openai,
  openaiV2,
  tokens,
} from "./case.ts";

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

export const sideBySideCases: readonly LibraryCases[] = [
  {
    library: "libraries side by side",
    cases: [
      {
        title: "a success without a response id once, by its tokens",
        batches: [
          {
            scope: "openinference.instrumentation.anthropic",
            spans: [
              {
                id: 1,
                trace: 1,
                kind: "internal",
                status: "ok",
                attributes: {
                  "openinference.span.kind": "LLM",
                  "llm.provider": "anthropic",
                  "llm.request.model_name": claude.model,
                  "llm.token_count.prompt": 120,
                  "llm.token_count.completion": 48,
                },
              },
            ],
          },
          {
            scope: "com.anthropic.sdk.python",
            spans: [
              {
                id: 2,
                trace: 2,
                status: "ok",
                startMs: 4,
                endMs: 990,
                attributes: chat("gen_ai.provider.name", claude, {
                  ...answered,
                  "gen_ai.response.model": claude.model,
                  "gen_ai.response.id": "msg_1",
                }),
              },
            ],
          },
        ],
        rows: [{ ...claude, ...tokens }],
      },
      {
        title: "two successes of different tokens, or of different response ids, twice",
        batches: [
          {
            scope: "litellm",
            spans: [
              {
                id: 1,
                attributes: chat("gen_ai.system", openai, {
                  "gen_ai.usage.input_tokens": 7,
                  "gen_ai.response.id": "a",
                }),
              },
              {
                id: 2,
                attributes: chat("gen_ai.system", openai, { "gen_ai.usage.input_tokens": 9 }),
              },
            ],
          },
          {
            scope: openaiV2,
            spans: [
              {
                id: 3,
                startMs: 5,
                endMs: 990,
                attributes: chat("gen_ai.system", openai, {
                  "gen_ai.usage.input_tokens": 7,
                  "gen_ai.response.id": "b",
                }),
              },
            ],
          },
        ],
        rows: [{ ...openai, count: 3, input_tokens: 23 }],
      },
      {
        title: "failures of two equally near libraries once each, the closest in time together",
        batches: [
          {
            scope: "opentelemetry.instrumentation.anthropic",
            spans: [0, 300].map((startMs, i) => ({
              id: 10 + i,
              startMs,
              endMs: startMs + 200,
              status: "error" as const,
              attributes: chat("gen_ai.provider.name", claude, { "error.type": "RateLimitError" }),
            })),
          },
          {
            scope: genaiAnthropic,
            spans: [5, 305].map((startMs, i) => ({
              id: 20 + i,
              startMs,
              endMs: startMs + 190,
              status: "error" as const,
              attributes: chat("gen_ai.provider.name", claude, {
                "error.type": "anthropic.RateLimitError",
              }),
            })),
          },
        ],
        rows: [{ ...claude, outcome: "rate_limit", count: 2 }],
      },
    ],
  },
  {
    library: "streams that end without an end",
    cases: [
      {
        title:
          "broken by a connection error where the answering model is known, and no other error by it",
        batches: one(
          "my.own.instrumentation",
          ...["APIConnectionError", "RateLimitError"].map((errorType) => ({
            status: "error" as const,
            attributes: chat("gen_ai.provider.name", openai, {
              "error.type": errorType,
              "gen_ai.response.model": "gpt-4o-2024-08-06",
            }),
          })),
        ),
        rows: [
          { ...openai, outcome: "rate_limit" },
          { ...openai, outcome: "stream_error" },
        ],
      },
      {
        title: "OpenLLMetry's, marked as a success, and as broken inside a failed span",
        batches: [
          {
            scope: "app",
            spans: [{ id: 1, trace: 1, kind: "internal", status: "error", name: "handle" }],
          },
          {
            scope: "opentelemetry.instrumentation.openai.v1",
            spans: [
              { id: 2, trace: 1, parent: 1 },
              { id: 3, trace: 3 },
            ].map((ids) => ({
              ...ids,
              status: "ok" as const,
              attributes: chat("gen_ai.provider.name", openai, {
                "gen_ai.is_streaming": true,
                "gen_ai.response.model": "gpt-4o-2024-08-06",
              }),
            })),
          },
        ],
        rows: [
          { ...openai, outcome: "stream_error" },
          { ...openai, outcome: "client_cancelled" },
        ],
      },
      {
        title: "pydantic-ai's refused one, which only the agent's span tells",
        batches: one(
          "pydantic-ai",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            status: "error",
            message: "ModelRateLimitError: status_code: 429, model_name: gpt-4o",
            attributes: { "gen_ai.operation.name": "invoke_agent" },
            events: exception("pydantic_ai.exceptions.ModelRateLimitError", "status_code: 429"),
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            attributes: chat("gen_ai.provider.name", openai, { "gen_ai.response.model": "gpt-4o" }),
          },
        ),
        rows: [{ ...openai, outcome: "rate_limit" }],
      },
      {
        title: "LiteLLM's, whose errors are still those of the client or adapter beneath",
        batches: one(
          "litellm",
          ...(
            [
              ["APIConnectionError", undefined],
              ["AnthropicError", 500],
            ] as const
          ).map(([errorType, status]) => ({
            kind: "internal" as const,
            status: "error" as const,
            attributes: chat("gen_ai.system", openai, {
              "llm.is_streaming": "True",
              "error.type": errorType,
              ...(status !== undefined && { "http.response.status_code": status }),
            }),
          })),
        ),
        rows: [{ ...openai, outcome: "stream_error", count: 2 }],
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
