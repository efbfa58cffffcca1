/** Spans of the clients of Google, Amazon and Groq, and of Mastra, in which the failure stands elsewhere than in the call. */
import { chat, claude, exception, type LibraryCases, one, openai, tokens } from "./case.ts";

const bedrock = { provider: "aws.bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0" };
const gemini = { provider: "gcp.gen_ai", model: "gemini-2.5-flash" };
const groq = { provider: "groq", model: "llama-3" };
const serverError = exception("google.genai.errors.ServerError", "500 INTERNAL. {'error'");

/** An agent over a call that only says that it failed, with what the agent says of it. */
const underAgent = (message: string, call: Readonly<Record<string, string>>) => ({
  batches: one(
    "@mastra/otel-exporter",
    { id: 1, trace: 1, kind: "internal" as const, status: "error" as const, message },
    { id: 2, trace: 1, parent: 1, kind: "internal" as const, status: "ok" as const },
    {
      id: 3,
      trace: 1,
      parent: 2,
      status: "ok" as const,
      attributes: chat("gen_ai.provider.name", openai, {
        "gen_ai.response.finish_reasons": '["error"]',
        ...call,
      }),
    },
  ),
});

export const otherProviderCases: readonly LibraryCases[] = [
  {
    library: "OpenInference, of Google's client",
    cases: [
      {
        title: "a number in the text of an error as the stream's where an output had begun",
        batches: one(
          "openinference.instrumentation.google_genai",
          ...[{}, { "output.mime_type": "application/json" }].map((output) => ({
            kind: "internal" as const,
            status: "error" as const,
            attributes: {
              "openinference.span.kind": "LLM",
              "llm.provider": "google",
              "llm.model_name": gemini.model,
              ...output,
            },
            events: serverError,
          })),
        ),
        rows: [
          { ...gemini, outcome: "server_error" },
          { ...gemini, outcome: "stream_error" },
        ],
      },
    ],
  },
  {
    library: "contrib's botocore",
    cases: [
      {
        title:
          "a stream without an end as left, and a whole answer of an unknown model as a success",
        batches: one(
          "opentelemetry.instrumentation.botocore.bedrock-runtime",
          ...["ConverseStream", "InvokeModel"].map((method) => ({
            attributes: chat("gen_ai.system", bedrock, {
              "rpc.method": method,
              "http.status_code": 200,
            }),
          })),
        ),
        rows: [bedrock, { ...bedrock, outcome: "client_cancelled" }],
      },
    ],
  },
  {
    library: "OpenLLMetry, of Groq's client",
    cases: [
      {
        title: "a stream without status and end as left",
        batches: one(
          "opentelemetry.instrumentation.groq",
          ...[{ status: "ok" as const }, {}].map((ending) => ({
            ...ending,
            attributes: chat("gen_ai.provider.name", groq, { "gen_ai.is_streaming": true }),
          })),
        ),
        rows: [groq, { ...groq, outcome: "client_cancelled" }],
      },
    ],
  },
  {
    library: "Mastra",
    cases: [
      {
        title: "a call that failed before it had begun as the agent says",
        ...underAgent("Rate limit reached", {}),
        rows: [{ ...openai, outcome: "rate_limit" }],
      },
      {
        title: "one that had begun as a broken stream",
        ...underAgent("The server had an error", {
          "mastra.completion_start_time": "2026-11-29T14:27:20.608Z",
        }),
        rows: [{ ...openai, outcome: "stream_error" }],
      },
      {
        title: "one without any end as left",
        batches: one("@mastra/otel-exporter", {
          status: "ok",
          attributes: chat("gen_ai.provider.name", claude),
        }),
        rows: [{ ...claude, outcome: "client_cancelled" }],
      },
    ],
  },
  {
    library: "Langfuse",
    cases: [
      {
        title: "the time to the first token of a date",
        batches: one("langfuse-sdk", {
          kind: "internal",
          attributes: {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": openai.model,
            "langfuse.observation.usage_details": '{"input":120,"output":48}',
            "langfuse.observation.completion_start_time": '"2027-01-15T08:00:00.250000Z"',
          },
        }),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.2508795 }],
      },
    ],
  },
];
