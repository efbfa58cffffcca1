/** OpenInference. */
import { claude, embedder, exception, type LibraryCases, one, openai, tokens } from "./case.ts";

export const openInferenceCases: readonly LibraryCases[] = [
  {
    library: "OpenInference",
    cases: [
      {
        title: "an OpenAI chat under the model that was asked for",
        batches: one("openinference.instrumentation.openai", {
          kind: "internal",
          name: "ChatCompletion",
          status: "ok",
          attributes: {
            "openinference.span.kind": "LLM",
            "llm.system": "openai",
            "llm.model_name": "gpt-4o-2024-08-06",
            "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.5}',
            "llm.token_count.prompt": 120,
            "llm.token_count.completion": 48,
            "llm.token_count.total": 168,
          },
          events: [{ name: "First Token Stream Event", atMs: 40 }],
        }),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.0401915 }],
      },
      {
        title: "a failed OpenAI chat, whose model is only in its parameters",
        batches: one("openinference.instrumentation.openai", {
          kind: "internal",
          status: "error",
          message: "RateLimitError: Error code: 429 - slow down",
          attributes: {
            "openinference.span.kind": "LLM",
            "llm.system": "openai",
            "llm.invocation_parameters": '{"model": "gpt-4o"}',
          },
          events: exception("openai.RateLimitError", "Error code: 429 - slow down"),
        }),
        rows: [{ ...openai, outcome: "rate_limit" }],
      },
      {
        title: "a stream cut and an error inside a stream",
        batches: one(
          "openinference.instrumentation.openai",
          {
            kind: "internal",
            status: "error",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.system": "openai",
              "llm.invocation_parameters": '{"model": "gpt-4o"}',
            },
            events: exception("httpx.RemoteProtocolError", "peer closed connection"),
          },
          {
            kind: "internal",
            status: "error",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.system": "openai",
              "llm.invocation_parameters": '{"model": "gpt-4o"}',
            },
            events: exception("openai.APIError", "The server had an error"),
          },
        ),
        rows: [{ ...openai, outcome: "stream_error", count: 2 }],
      },
      {
        title: "an embedding",
        batches: one("openinference.instrumentation.openai", {
          kind: "internal",
          name: "CreateEmbeddings",
          status: "ok",
          attributes: {
            "openinference.span.kind": "EMBEDDING",
            "llm.system": "openai",
            "embedding.model_name": embedder.model,
            "llm.token_count.prompt": 9,
          },
        }),
        rows: [{ ...embedder, input_tokens: 9 }],
      },
      {
        title: "an Anthropic message under the model that was asked for",
        batches: one("openinference.instrumentation.anthropic", {
          kind: "internal",
          name: "messages.create",
          status: "ok",
          attributes: {
            "openinference.span.kind": "LLM",
            "llm.provider": "anthropic",
            "llm.request.model_name": claude.model,
            "llm.response.model_name": "claude-sonnet-4-20250514",
            "llm.model_name": "claude-sonnet-4-20250514",
            "llm.token_count.prompt": 120,
            "llm.token_count.completion": 48,
          },
        }),
        rows: [{ ...claude, ...tokens }],
      },
      {
        title: "a LangChain call, not the chain around its retries",
        batches: one(
          "openinference.instrumentation.langchain",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            name: "ChatOpenAI",
            status: "ok",
            attributes: { "openinference.span.kind": "CHAIN", "llm.model_name": "gpt-4o" },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            name: "ChatOpenAI",
            status: "error",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": "openai",
              "llm.model_name": "gpt-4o",
            },
            events: exception("openai.RateLimitError", "Error code: 429"),
          },
          {
            id: 3,
            trace: 1,
            parent: 1,
            kind: "internal",
            name: "ChatOpenAI",
            status: "ok",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": "openai",
              "llm.model_name": "gpt-4o",
            },
          },
        ),
        rows: [openai, { ...openai, outcome: "rate_limit" }],
      },
      {
        title: "a LangChain stream given up by its caller",
        batches: one("openinference.instrumentation.langchain", {
          kind: "internal",
          status: "error",
          attributes: {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": "gpt-4o",
          },
          events: exception("GeneratorExit"),
        }),
        rows: [{ ...openai, outcome: "client_cancelled" }],
      },
      {
        title:
          "openai-agents: workflow, agent and turn apart from the call; the failure is all in the message",
        batches: one(
          "openinference.instrumentation.openai_agents",
          { id: 1, trace: 1, kind: "internal", attributes: { "openinference.span.kind": "AGENT" } },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            name: "generation",
            status: "error",
            message: "Error: {'error': \"Error code: 503 - unavailable\"}",
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.system": "openai",
              "llm.model_name": "gpt-4o",
            },
          },
          {
            id: 3,
            trace: 1,
            parent: 1,
            kind: "internal",
            attributes: { "openinference.span.kind": "TOOL" },
          },
        ),
        rows: [{ ...openai, outcome: "unavailable" }],
      },
    ],
  },
];
