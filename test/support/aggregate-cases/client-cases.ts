/** Anthropic's own SDK, OpenLLMetry, JavaScript contrib, and two libraries at once. */
import {
  answered,
  anthropicSdk,
  chat,
  claude,
  exception,
  failures,
  genaiAnthropic,
  type LibraryCases,
  one,
  openai,
  openaiV2,
  tokens,
} from "./case.ts";

export const clientCases: readonly LibraryCases[] = [
  {
    library: "Anthropic's own SDK",
    cases: [
      {
        title: "a success, which is OK and has its own stop reason",
        batches: one(anthropicSdk, {
          status: "ok",
          name: "anthropic.messages.create",
          attributes: chat("gen_ai.provider.name", claude, {
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 48,
            "anthropic.message.stop_reason": "end_turn",
            "http.response.status_code": 200,
          }),
        }),
        rows: [{ ...claude, ...tokens }],
      },
      ...(
        [
          ["rate_limit_error", 429, "rate_limit"],
          ["overloaded_error", 529, "overloaded"],
          ["api_error", 500, "server_error"],
          ["invalid_request_error", 400, "invalid_request"],
          ["client_timeout_error", undefined, "timeout"],
          ["connection_error", undefined, "connection_error"],
          ["connection_error", 200, "stream_error"],
          ["overloaded_error", 200, "stream_error"],
        ] as const
      ).map(([errorType, status, outcome]) => ({
        title: `${errorType} with status ${status} as ${outcome}`,
        batches: one(anthropicSdk, {
          status: "error",
          attributes: chat("gen_ai.provider.name", claude, {
            "error.type": errorType,
            ...(status !== undefined && { "http.response.status_code": status }),
          }),
        }),
        rows: [{ ...claude, outcome }],
      })),
      {
        title: "an unset status as given up by the caller",
        batches: one(anthropicSdk, {
          attributes: chat("gen_ai.provider.name", claude, { "http.response.status_code": 200 }),
        }),
        rows: [{ ...claude, outcome: "client_cancelled" }],
      },
    ],
  },
  {
    library: "OpenLLMetry (Python)",
    cases: [
      {
        title: "a chat whose first chunk is an event",
        batches: one("opentelemetry.instrumentation.openai.v1", {
          name: "openai.chat",
          status: "ok",
          attributes: chat("gen_ai.provider.name", openai, answered),
          events: [
            { name: "gen_ai.content.completion.chunk", atMs: 40 },
            { name: "gen_ai.content.completion.chunk", atMs: 80 },
          ],
        }),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0401915 }],
      },
      {
        title: "a failure with the number in its exception event",
        batches: one("opentelemetry.instrumentation.openai.v1", {
          status: "error",
          attributes: chat("gen_ai.provider.name", openai, { "error.type": "InternalServerError" }),
          events: exception("openai.InternalServerError", "Error code: 529 - Overloaded"),
        }),
        rows: [{ ...openai, outcome: "overloaded" }],
      },
      {
        title: "an Anthropic chat",
        batches: one("opentelemetry.instrumentation.anthropic", {
          name: "anthropic.chat",
          status: "ok",
          attributes: chat("gen_ai.provider.name", claude, answered),
        }),
        rows: [{ ...claude, ...tokens }],
      },
      {
        title: "a request of the years before operation names, by llm.request.type",
        batches: one("opentelemetry.instrumentation.openai.v1", {
          attributes: {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": openai.model,
            "gen_ai.usage.prompt_tokens": 7,
            "gen_ai.usage.completion_tokens": 3,
          },
        }),
        rows: [{ ...openai, input_tokens: 7, output_tokens: 3 }],
      },
    ],
  },
  {
    library: "JavaScript: OpenLLMetry and contrib",
    cases: [
      {
        title: "a chat of OpenLLMetry",
        batches: one("@traceloop/instrumentation-openai", {
          status: "ok",
          attributes: chat("gen_ai.provider.name", openai, answered),
        }),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "a chat of contrib",
        batches: one("@opentelemetry/instrumentation-openai", {
          attributes: chat("gen_ai.system", openai, answered),
        }),
        rows: [{ ...openai, ...tokens }],
      },
      ...failures("@opentelemetry/instrumentation-openai", chat("gen_ai.system", openai), openai, [
        ["APIConnectionTimeoutError", "Request timed out.", "timeout"],
        ["RateLimitError", "429 Rate limit reached", "rate_limit"],
        ["InternalServerError", "529 Overloaded", "overloaded"],
        ["InternalServerError", "503 The engine is overloaded", "unavailable"],
      ]),
    ],
  },
  {
    library: "two libraries at once",
    cases: [
      {
        title: "Anthropic's own span inside contrib's once, with what contrib knows more",
        batches: [
          {
            scope: genaiAnthropic,
            spans: [
              {
                id: 1,
                trace: 1,
                attributes: chat("gen_ai.provider.name", claude, {
                  ...answered,
                  "gen_ai.response.time_to_first_chunk": 0.05,
                }),
              },
            ],
          },
          {
            scope: anthropicSdk,
            spans: [
              {
                id: 2,
                trace: 1,
                parent: 1,
                status: "ok",
                endMs: 990,
                attributes: chat("gen_ai.provider.name", claude, {
                  "http.request.resend_count": 2,
                }),
              },
            ],
          },
        ],
        rows: [{ ...claude, ...tokens, ttft_p50_s: 0.0499195 }],
      },
      {
        title:
          "Anthropic's own span beside OpenLLMetry's in another trace once, by the response id",
        batches: [
          {
            scope: "opentelemetry.instrumentation.anthropic",
            spans: [
              {
                id: 1,
                trace: 1,
                status: "ok",
                attributes: chat("gen_ai.provider.name", claude, {
                  ...answered,
                  "gen_ai.response.id": "msg_1",
                }),
              },
            ],
          },
          {
            scope: anthropicSdk,
            spans: [
              {
                id: 2,
                trace: 2,
                status: "ok",
                startMs: 3,
                endMs: 990,
                attributes: chat("gen_ai.provider.name", claude, { "gen_ai.response.id": "msg_1" }),
              },
            ],
          },
        ],
        rows: [{ ...claude, ...tokens }],
      },
      {
        title: "the HTTP client's spans under a chat as nothing of their own",
        batches: [
          {
            scope: openaiV2,
            spans: [{ id: 1, trace: 1, attributes: chat("gen_ai.system", openai, answered) }],
          },
          {
            scope: "opentelemetry.instrumentation.httpx",
            spans: [
              {
                id: 2,
                trace: 1,
                parent: 1,
                attributes: { "http.request.method": "POST", "http.response.status_code": 429 },
              },
              {
                id: 3,
                trace: 1,
                parent: 1,
                attributes: { "http.request.method": "POST", "http.response.status_code": 200 },
              },
            ],
          },
        ],
        rows: [{ ...openai, ...tokens }],
      },
    ],
  },
];
