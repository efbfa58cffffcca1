/** Python contrib instrumentations of OpenAI and Anthropic. */
import {
  answered,
  chat,
  claude,
  embedder,
  failures,
  genaiAnthropic,
  genaiOpenai,
  type LibraryCases,
  one,
  openai,
  openaiV2,
  pythonOpenaiFailures,
  tokens,
} from "./case.ts";

export const contribCases: readonly LibraryCases[] = [
  {
    library: "Python contrib openai-v2, default names",
    cases: [
      {
        title: "a chat with tokens",
        batches: one(openaiV2, { attributes: chat("gen_ai.system", openai, answered) }),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "an embedding",
        batches: one(openaiV2, {
          attributes: {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.system": "openai",
            "gen_ai.request.model": embedder.model,
            "gen_ai.usage.input_tokens": 9,
          },
        }),
        rows: [{ ...embedder, input_tokens: 9 }],
      },
      {
        title: "a stream without tokens and finish reason as ok",
        batches: one(openaiV2, { attributes: chat("gen_ai.system", openai) }),
        rows: [openai],
      },
      {
        title: "a class in Python's own notation",
        batches: one("opentelemetry.util.genai.handler", {
          attributes: chat("gen_ai.provider.name", openai, {
            "error.type": "<class 'openai.RateLimitError'>",
          }),
          status: "error",
        }),
        rows: [{ ...openai, outcome: "rate_limit" }],
      },
      ...failures(openaiV2, chat("gen_ai.system", openai), openai, pythonOpenaiFailures),
    ],
  },
  {
    library: "Python contrib genai-openai",
    cases: [
      {
        title: "a stream with its first chunk",
        batches: one(genaiOpenai, {
          attributes: chat("gen_ai.provider.name", openai, {
            ...answered,
            "gen_ai.request.stream": true,
            "gen_ai.response.time_to_first_chunk": 0.05,
          }),
        }),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0499195 }],
      },
      {
        title: "the Responses API as chat",
        batches: one(genaiOpenai, {
          attributes: chat("gen_ai.provider.name", openai, {
            "openai.api.type": "responses",
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 48,
          }),
        }),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "a stream cut after its first chunk",
        batches: one(genaiOpenai, {
          status: "error",
          message: "Connection error.",
          attributes: chat("gen_ai.provider.name", openai, {
            "error.type": "openai.APIConnectionError",
            "gen_ai.request.stream": true,
            "gen_ai.response.time_to_first_chunk": { double: 0.032 },
          }),
        }),
        rows: [{ ...openai, outcome: "stream_error", ttft_p50_s: 0.0321275 }],
      },
      {
        title: "a stream given up by the caller",
        batches: one(genaiOpenai, {
          attributes: chat("gen_ai.provider.name", openai, {
            "gen_ai.request.stream": true,
            "gen_ai.response.model": "gpt-4o-2024-08-06",
          }),
        }),
        rows: [{ ...openai, outcome: "client_cancelled" }],
      },
      {
        title: "the same with content captured: finish reason error, status unset",
        batches: one(genaiOpenai, {
          attributes: chat("gen_ai.provider.name", openai, {
            "gen_ai.request.stream": true,
            "gen_ai.response.finish_reasons": ["error"],
          }),
        }),
        rows: [{ ...openai, outcome: "client_cancelled" }],
      },
      ...failures(
        genaiOpenai,
        chat("gen_ai.provider.name", openai),
        openai,
        pythonOpenaiFailures.map(([name, message, outcome]) => [
          name === "RemoteProtocolError" ? "httpx2.RemoteProtocolError" : `openai.${name}`,
          message,
          outcome,
        ]),
      ),
    ],
  },
  {
    library: "Python contrib genai-anthropic",
    cases: [
      {
        title: "a chat",
        batches: one(genaiAnthropic, {
          attributes: chat("gen_ai.provider.name", claude, {
            ...answered,
            "gen_ai.response.model": claude.model,
            "gen_ai.usage.cache_read.input_tokens": 100,
          }),
        }),
        rows: [{ ...claude, ...tokens }],
      },
      ...failures(genaiAnthropic, chat("gen_ai.provider.name", claude), claude, [
        ["anthropic.OverloadedError", "Error code: 529 - {'type'", "overloaded"],
        ["anthropic.RateLimitError", "Error code: 429 - {'type'", "rate_limit"],
        ["anthropic.APIStatusError", "{'type': 'error', 'error': …", "stream_error"],
        ["httpx2.RemoteProtocolError", "peer closed", "stream_error"],
      ]),
    ],
  },
  {
    library: "openai-agents over contrib",
    cases: [
      {
        title: "the chat alone",
        batches: [
          {
            scope: "opentelemetry.instrumentation.genai.openai_agents",
            spans: [
              {
                id: 1,
                trace: 1,
                kind: "internal",
                attributes: { "gen_ai.operation.name": "invoke_workflow" },
              },
              {
                id: 2,
                trace: 1,
                parent: 1,
                kind: "internal",
                attributes: { "gen_ai.operation.name": "invoke_agent" },
              },
              {
                id: 4,
                trace: 1,
                parent: 2,
                kind: "internal",
                attributes: { "gen_ai.operation.name": "execute_tool" },
              },
            ],
          },
          {
            scope: genaiOpenai,
            spans: [
              {
                id: 3,
                trace: 1,
                parent: 2,
                attributes: chat("gen_ai.provider.name", openai, answered),
              },
            ],
          },
        ],
        rows: [{ ...openai, ...tokens }],
      },
    ],
  },
];
