/** What frameworks above the clients write: CrewAI, LangSmith, LiteLLM under OpenInference, MLflow, Strands, Google ADK. */
import { answered, chat, claude, exception, type LibraryCases, one, openai } from "./case.ts";

export const newerFrameworkCases: readonly LibraryCases[] = [
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
];
