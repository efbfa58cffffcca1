/** Forms that other libraries and earlier versions give the same facts. */
import type { RequestRow } from "../../../services/contracts/request-rows.ts";
import {
  answered,
  chat,
  claude,
  exception,
  type LibraryCase,
  type LibraryCases,
  one,
  openai,
  openaiV2,
  tokens,
} from "./case.ts";

const anyScope = "my.own.instrumentation";

const providers = [
  ["OpenAI", "openai"],
  ["Azure", "azure.ai.openai"],
  ["AzureOpenAI", "azure.ai.openai"],
  ["az.ai.inference", "azure.ai.inference"],
  ["azure-openai.chat", "azure.ai.openai"],
  ["AWS", "aws.bedrock"],
  ["Amazon Bedrock", "aws.bedrock"],
  ["bedrock_converse", "aws.bedrock"],
  ["bedrock.anthropic.messages", "aws.bedrock"],
  ["VertexAI", "gcp.vertex_ai"],
  ["google_vertexai", "gcp.vertex_ai"],
  ["vertex.anthropic.messages", "gcp.vertex_ai"],
  ["google.generative-ai", "gcp.gemini"],
  ["gcp.gen_ai", "gcp.gen_ai"],
  ["MistralAI", "mistral_ai"],
  ["xai.chat", "x_ai"],
  ["ollama", "ollama"],
] as const;

const failures = [
  ["com.openai.errors.RateLimitException", "", "rate_limit"],
  ["software.amazon.awssdk.services.bedrockruntime.model.ThrottlingException", "", "rate_limit"],
  ["ServiceQuotaExceededException", "", "rate_limit"],
  ["ModelNotReadyException", "", "unavailable"],
  ["ModelStreamErrorException", "", "stream_error"],
  ["google.genai.errors.ServerError", "503 UNAVAILABLE. {}", "unavailable"],
  ["google.genai.errors.ClientError", "429 RESOURCE_EXHAUSTED. {}", "rate_limit"],
  ["System.ClientModel.ClientResultException", "HTTP 429 (requests: limit)", "rate_limit"],
  ["System.OperationCanceledException", "", "client_cancelled"],
  ["529", "", "overloaded"],
  ["_OTHER", "context deadline exceeded", "timeout"],
  ["timeout", "", "timeout"],
  ["AxiosError", "Request failed with status code 429", "rate_limit"],
  ["SDKError", 'API error occurred: Status 500. Body: {"error"', "server_error"],
  ["SomeFailure", "Whatever: (ReadTimeoutError('x'), ThrottlingException('y'))", "timeout"],
  ["SomeFailure", "An error occurred (ThrottlingException) when calling it", "rate_limit"],
  ["SomeFailure", "Response ended prematurely", "stream_error"],
] as const satisfies readonly (readonly [string, string, RequestRow["outcome"]])[];

const namedProviders: LibraryCase[] = providers.map(([name, provider]) => ({
  title: `the provider ${name} as ${provider}`,
  batches: one(anyScope, {
    attributes: chat("gen_ai.system", { provider: name, model: "m" }, answered),
  }),
  rows: [{ provider, model: "m", ...tokens }],
}));

const namedFailures: LibraryCase[] = failures.map(([errorType, message, outcome]) => ({
  title: `${errorType} (${message}) as ${outcome}`,
  batches: one(anyScope, {
    status: "error",
    message,
    attributes: chat("gen_ai.provider.name", openai, { "error.type": errorType }),
  }),
  rows: [{ ...openai, outcome }],
}));

export const variationCases: readonly LibraryCases[] = [
  { library: "whichever library, by provider", cases: namedProviders },
  { library: "whichever library, by error", cases: namedFailures },
  {
    library: "whichever library, in other words",
    cases: [
      {
        title: "a framework that gives itself as the provider by whose the model is",
        batches: one(anyScope, {
          attributes: chat(
            "gen_ai.system",
            { provider: "Langchain", model: openai.model },
            answered,
          ),
        }),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "a time to the first token in milliseconds by the duration of its call",
        batches: one(anyScope, {
          attributes: chat("gen_ai.system", openai, {
            ...answered,
            "gen_ai.response.time_to_first_chunk": 250,
          }),
        }),
        rows: [{ ...openai, ...tokens, ttft_p50_s: 0.2508795 }],
      },
      {
        title: "an exception without a status as a failure where there is no answer",
        batches: one(
          anyScope,
          ...[{}, answered].map((answer) => ({
            attributes: chat("gen_ai.system", openai, answer),
            events: exception("openai.RateLimitError"),
          })),
        ),
        rows: [
          { ...openai, ...tokens },
          { ...openai, outcome: "rate_limit" },
        ],
      },
      {
        title: "what the interfaces call their operations",
        batches: one(
          anyScope,
          ...["converse", "messages", "chat_completion"].map((operation) => ({
            attributes: { ...chat("gen_ai.system", openai), "gen_ai.operation.name": operation },
          })),
        ),
        rows: [{ ...openai, count: 3 }],
      },
    ],
  },
  {
    library: "libraries without an operation name",
    cases: [
      {
        title: "a failed call of OpenLLMetry's Responses API, which never came to write it",
        batches: one("opentelemetry.instrumentation.openai.v1", {
          name: "openai.response",
          status: "error",
          message: "Connection error.",
          attributes: {
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.is_streaming": true,
            "error.type": "APIConnectionError",
          },
        }),
        rows: [{ ...openai, outcome: "connection_error" }],
      },
      {
        title: "an INTERNAL span of Logfire with tokens, and none without",
        batches: one(
          "logfire.openai",
          {
            kind: "internal",
            attributes: {
              "gen_ai.system": "openai",
              "gen_ai.request.model": "gpt-4o",
              "gen_ai.usage.input_tokens": 120,
              "gen_ai.usage.output_tokens": 48,
            },
          },
          {
            kind: "internal",
            attributes: { "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o" },
          },
        ),
        rows: [{ ...openai, ...tokens }],
      },
      {
        title: "no database, agent, tool, workflow or routing span, whatever it carries",
        batches: [
          ...["db.system", "gen_ai.agent.name", "gen_ai.tool.name", "traceloop.span.kind"].map(
            (other) => ({
              scope: anyScope,
              spans: [
                {
                  attributes: {
                    "gen_ai.system": "openai",
                    "gen_ai.request.model": "gpt-4o",
                    "gen_ai.usage.input_tokens": 9,
                    [other]: "x",
                  },
                },
              ],
            }),
          ),
          {
            scope: "litellm",
            spans: [
              {
                name: "route smart",
                attributes: { "gen_ai.provider.name": "openai", "gen_ai.request.model": "smart" },
              },
            ],
          },
        ],
        rows: [],
      },
      {
        title:
          "generations of Langfuse, by their model's maker, and none of its other observations",
        batches: one(
          "langfuse-sdk",
          {
            id: 1,
            trace: 1,
            kind: "internal",
            attributes: { "langfuse.observation.type": "agent" },
          },
          {
            id: 2,
            trace: 1,
            parent: 1,
            kind: "internal",
            attributes: {
              "langfuse.observation.type": "generation",
              "langfuse.observation.model.name": "gpt-4o",
              "langfuse.observation.usage_details": '{"input":120,"output":48,"total":168}',
            },
          },
          {
            id: 3,
            trace: 1,
            parent: 1,
            kind: "internal",
            attributes: {
              "langfuse.observation.type": "generation",
              "langfuse.observation.model.name": claude.model,
              "langfuse.observation.level": "ERROR",
              "langfuse.observation.status_message": "Error code: 529 - {'type'",
            },
          },
        ),
        rows: [
          { ...claude, outcome: "overloaded" },
          { ...openai, ...tokens },
        ],
      },
    ],
  },
  {
    // Source: vllm-project/vllm, `vllm/tracing` and the output processor that writes the span.
    library: "vLLM's own spans",
    cases: [
      {
        title: "a request with its times, inside its caller's span",
        batches: [
          {
            scope: openaiV2,
            spans: [
              { id: 1, trace: 1, attributes: chat("gen_ai.system", { ...openai, model: "alias" }) },
            ],
          },
          {
            scope: "vllm.llm_engine",
            spans: [
              {
                id: 2,
                trace: 1,
                parent: 1,
                kind: "server",
                name: "llm_request",
                endMs: 980,
                attributes: {
                  "gen_ai.response.model": "llama-3-8b",
                  "gen_ai.request.id": "cmpl-1",
                  "gen_ai.request.max_tokens": 100,
                  "gen_ai.usage.num_sequences": 1,
                  "gen_ai.usage.prompt_tokens": 120,
                  "gen_ai.usage.completion_tokens": 48,
                  "gen_ai.latency.time_in_queue": { double: 0.01 },
                  "gen_ai.latency.time_to_first_token": { double: 0.05 },
                  "gen_ai.latency.e2e": { double: 0.9 },
                },
              },
            ],
          },
        ],
        rows: [{ provider: "vllm", model: "llama-3-8b", ...tokens, ttft_p50_s: 0.0499195 }],
      },
    ],
  },
];
