/** Frameworks above the clients: pydantic-ai and the Vercel AI SDK. */
import {
  answered,
  chat,
  claude,
  embedder,
  exception,
  type LibraryCases,
  one,
  openai,
  tokens,
} from "./case.ts";

export const frameworkCases: readonly LibraryCases[] = [
  {
    library: "pydantic-ai",
    cases: [
      {
        title: "a chat inside an agent, the first chunk under the metric's name",
        batches: one(
          "pydantic-ai",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            attributes: {
              "gen_ai.operation.name": "invoke_agent",
              "gen_ai.provider.name": "openai",
              "gen_ai.request.model": "gpt-4o",
              "gen_ai.aggregated_usage.input_tokens": 120,
            },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            attributes: chat("gen_ai.provider.name", openai, {
              ...answered,
              "gen_ai.client.operation.time_to_first_chunk": 0.05,
            }),
          },
          {
            id: 3,
            trace: 1,
            parent: 1,
            kind: "internal",
            attributes: { "gen_ai.operation.name": "execute_tool" },
          },
        ),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0499195 }],
      },
      ...(
        [
          ["ModelRateLimitError", "status_code: 429, model_name: gpt-4o", "rate_limit"],
          ["ModelOverloadedError", "status_code: 529, model_name: gpt-4o", "overloaded"],
          ["ModelServerError", "status_code: 503, model_name: gpt-4o", "unavailable"],
          ["ModelTimeoutError", "", "timeout"],
        ] as const
      ).map(([name, message, outcome]) => ({
        title: `${name} as ${outcome}`,
        batches: one("pydantic-ai", {
          status: "error",
          message,
          attributes: chat("gen_ai.provider.name", openai),
          events: exception(`pydantic_ai.exceptions.${name}`, message),
        }),
        rows: [{ ...openai, outcome }],
      })),
      {
        title: "a stream cut, which only the agent's span tells, and one given up",
        batches: one(
          "pydantic-ai",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            status: "error",
            attributes: { "gen_ai.operation.name": "invoke_agent" },
          },
          { id: 2, trace: 1, parent: 1, attributes: chat("gen_ai.provider.name", openai) },
          {
            id: 3,
            trace: 3,
            kind: "internal",
            attributes: { "gen_ai.operation.name": "invoke_agent" },
          },
          { id: 4, trace: 3, parent: 3, attributes: chat("gen_ai.provider.name", openai) },
        ),
        rows: [
          { ...openai, outcome: "stream_error" },
          { ...openai, outcome: "client_cancelled" },
        ],
      },
    ],
  },
  {
    library: "Vercel AI SDK 7",
    cases: [
      {
        title: "the chat, not the agent that carries the same",
        batches: one(
          "gen_ai",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            attributes: {
              ...chat("gen_ai.provider.name", openai, answered),
              "gen_ai.operation.name": "invoke_agent",
            },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            attributes: { "gen_ai.operation.name": "agent_step" },
          },
          {
            id: 3,
            trace: 1,
            parent: 2,
            attributes: chat("gen_ai.provider.name", openai, {
              ...answered,
              "gen_ai.response.finish_reasons": ["tool-calls"],
              "gen_ai.client.operation.time_to_first_chunk": 0.05,
            }),
          },
        ),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0499195 }],
      },
      {
        title: "two nested embeddings once",
        batches: one(
          "gen_ai",
          {
            id: 1,
            trace: 1,
            attributes: {
              "gen_ai.operation.name": "embeddings",
              "gen_ai.provider.name": "openai",
              "gen_ai.request.model": embedder.model,
            },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            endMs: 995,
            attributes: {
              "gen_ai.operation.name": "embeddings",
              "gen_ai.provider.name": "openai",
              "gen_ai.request.model": embedder.model,
              "gen_ai.usage.input_tokens": 9,
            },
          },
        ),
        rows: [{ ...embedder, input_tokens: 9 }],
      },
      {
        title:
          "failures by number and by exception, a cut stream, an error inside one, a call given up",
        batches: one(
          "gen_ai",
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai, { "http.response.status_code": 529 }),
            events: exception("AI_RetryError", "Failed after 3 attempts. Last error: Overloaded"),
          },
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai),
            events: exception("TimeoutError", "The operation was aborted due to timeout"),
          },
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai, { "http.response.status_code": 200 }),
          },
          {
            status: "error",
            attributes: chat("gen_ai.provider.name", openai, {
              "gen_ai.response.finish_reasons": ["error"],
            }),
          },
          {
            attributes: chat("gen_ai.provider.name", openai, {
              "gen_ai.client.operation.time_to_first_chunk": { double: 0.032 },
            }),
          },
        ),
        rows: [
          { ...openai, outcome: "overloaded" },
          { ...openai, outcome: "timeout" },
          { ...openai, outcome: "stream_error", count: 2 },
          { ...openai, outcome: "client_cancelled", ttft_p50_s: 0.0321275 },
        ],
      },
    ],
  },
  {
    library: "Vercel AI SDK 5",
    cases: [
      {
        title: "the call inside its wrapper, the first chunk in milliseconds",
        batches: one(
          "ai",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            name: "ai.streamText",
            attributes: {
              "ai.operationId": "ai.streamText",
              "ai.model.provider": "openai.chat",
              "ai.model.id": "gpt-4o",
              "ai.usage.promptTokens": 120,
              "ai.usage.completionTokens": 48,
            },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            name: "ai.streamText.doStream",
            attributes: {
              "ai.operationId": "ai.streamText.doStream",
              "gen_ai.system": "openai.responses",
              "ai.model.provider": "openai.responses",
              "gen_ai.request.model": "gpt-4o",
              "ai.model.id": "gpt-4o",
              "gen_ai.response.finish_reasons": ["stop"],
              "ai.usage.promptTokens": 120,
              "ai.usage.completionTokens": 48,
              "ai.response.msToFirstChunk": 40.25,
            },
            events: [
              {
                name: "ai.stream.firstChunk",
                atMs: 41,
                attributes: { "ai.response.msToFirstChunk": 40.25 },
              },
            ],
          },
        ),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0401915 }],
      },
      {
        title: "an embedding, which has only the SDK's own names",
        batches: one("ai", {
          kind: "internal",
          attributes: {
            "ai.operationId": "ai.embed.doEmbed",
            "ai.model.provider": "openai.embedding",
            "ai.model.id": embedder.model,
            "ai.usage.tokens": 9,
          },
        }),
        rows: [{ ...embedder, input_tokens: 9 }],
      },
      {
        title: "each attempt, failures by what their exceptions say, an error inside a stream",
        batches: one(
          "ai",
          {
            kind: "internal",
            status: "error",
            attributes: {
              "ai.operationId": "ai.generateText.doGenerate",
              "ai.model.provider": "anthropic.messages",
              "ai.model.id": claude.model,
            },
            events: exception("AI_APICallError", "Overloaded"),
          },
          {
            kind: "internal",
            status: "error",
            attributes: {
              "ai.operationId": "ai.generateText.doGenerate",
              "ai.model.provider": "anthropic.messages",
              "ai.model.id": claude.model,
            },
            events: exception("AI_APICallError", "Too Many Requests"),
          },
          {
            kind: "internal",
            attributes: {
              "ai.operationId": "ai.streamText.doStream",
              "ai.model.provider": "anthropic.messages",
              "ai.model.id": claude.model,
              "gen_ai.response.finish_reasons": ["error"],
            },
          },
        ),
        rows: [
          { ...claude, outcome: "rate_limit" },
          { ...claude, outcome: "overloaded" },
          { ...claude, outcome: "stream_error" },
        ],
      },
    ],
  },
];
