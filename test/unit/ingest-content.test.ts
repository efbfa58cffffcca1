import { describe, expect, it } from "vitest";
import { attributeClassifier } from "../../services/contracts/content-attributes.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import {
  aSpan,
  logRecordsOf,
  logsRequest,
  metricsOf,
  metricsRequest,
  spansOf,
  text,
  traceRequest,
} from "../support/otlp-builders.ts";
import type { LogRecord, Span } from "../support/otlp-proto.ts";

const canary = "CANARY the user's question";
const settings = {
  partitions: 1,
  maxAttributeBytes: 4_096,
  maxAttributes: 128,
  keepContent: false,
  contentAttributes: [] as string[],
};

const admitSpan = (span: Span, overrides: Partial<typeof settings> = {}): Span => {
  const admit = createAdmission({ ...settings, ...overrides });
  const [record] = admit("traces", traceRequest(aSpan(span))).records;
  return spansOf(record?.value ?? new Uint8Array())[0] as Span;
};

const admitLog = (log: LogRecord): LogRecord => {
  const [record] = createAdmission(settings)("logs", logsRequest(log)).records;
  return logRecordsOf(record?.value ?? new Uint8Array())[0] as LogRecord;
};

describe("attributes that hold content", () => {
  const classify = attributeClassifier(["my.prompt.*", "secret"]);

  it.each([
    ["the conventions", "gen_ai.input.messages"],
    ["the conventions", "gen_ai.output.messages"],
    ["the conventions", "gen_ai.system_instructions"],
    ["the conventions", "gen_ai.tool.definitions"],
    ["the conventions", "gen_ai.tool.call.arguments"],
    ["the conventions", "gen_ai.tool.call.result"],
    ["the conventions", "gen_ai.retrieval.query.text"],
    ["the conventions, earlier", "gen_ai.prompt"],
    ["OpenLLMetry, earlier", "gen_ai.prompt.0.content"],
    ["OpenLLMetry, earlier", "gen_ai.completion.0.tool_calls.0.arguments"],
    ["OpenLLMetry", "traceloop.entity.input"],
    ["OpenInference", "input.value"],
    ["OpenInference", "output.value"],
    ["OpenInference", "llm.input_messages.0.message.content"],
    ["OpenInference", "llm.input_messages.1.message.contents.0.message_content.text"],
    ["OpenInference", "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments"],
    ["OpenInference", "llm.tools.0.tool.json_schema"],
    ["OpenInference", "llm.prompt_template.template"],
    ["OpenInference", "embedding.embeddings.0.embedding.text"],
    ["OpenInference", "embedding.embeddings.0.embedding.vector"],
    ["OpenInference", "tool.description"],
    ["litellm", "gen_ai.completion.0.function_call.arguments"],
    ["litellm", "llm.request.functions.0.description"],
    ["litellm", "llm.openai.messages"],
    ["litellm", "llm.anthropic.content"],
    ["litellm", "llm.anthropic.system"],
    ["litellm", "llm.openai.choices"],
    ["litellm", "llm.openai.tools"],
    ["litellm", "llm.None.input"],
    ["litellm v2", "gen_ai.tool.0.description"],
    ["litellm v2", "gen_ai.tool.0.parameters"],
    ["pydantic-ai", "pydantic_ai.all_messages"],
    ["pydantic-ai", "final_result"],
    ["pydantic-ai", "model_request_parameters"],
    ["Vercel AI 5", "ai.prompt"],
    ["Vercel AI 5", "ai.prompt.messages"],
    ["Vercel AI 5", "ai.prompt.tools"],
    ["Vercel AI 5", "ai.response.text"],
    ["Vercel AI 5", "ai.response.toolCalls"],
    ["Vercel AI 5", "ai.toolCall.args"],
    ["Vercel AI 5", "ai.toolCall.result"],
    ["Vercel AI 5", "ai.value"],
    ["Vercel AI 5", "ai.values"],
    ["Vercel AI 5", "ai.embedding"],
    ["Vercel AI 5", "ai.embeddings"],
    ["all", "exception.stacktrace"],
    ["litellm", "error.stack_trace"],
    ["litellm v2", "litellm.provider.error.stack_trace"],
    ["the configuration", "my.prompt.text"],
    ["the configuration", "secret"],
  ])("are dropped: %s, %s", (_, name) => {
    expect(classify(name, false)).toBe("drop");
  });

  it.each([
    "gen_ai.prompt.name",
    "gen_ai.completion.0.finish_reason",
    "gen_ai.completion.0.role",
    "gen_ai.request.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.tool.name",
    "gen_ai.tool.call.id",
    "gen_ai.usage.input_tokens",
    "llm.model_name",
    "llm.provider",
    "llm.request.type",
    "llm.token_count.prompt",
    "llm.cost.prompt",
    "llm.usage.total_tokens",
    "embedding.model_name",
    "openinference.span.kind",
    "ai.model.id",
    "ai.operationId",
    "ai.response.finishReason",
    "ai.response.msToFirstChunk",
    "error.type",
    "exception.type",
    "http.response.status_code",
    "tenant.id",
    "my.prompts",
  ])("do not include %s", (name) => {
    expect(classify(name, false)).toBe("keep");
  });
});

describe("a span", () => {
  it("keeps what decides, without content in attributes, events, links and status", () => {
    const span = admitSpan({
      attributes: [
        text("gen_ai.request.model", "gpt-4o"),
        text("gen_ai.input.messages", canary),
        text("error.message", `Error code: 429 - {"message": "${canary}"}`),
      ],
      events: [
        {
          name: "gen_ai.user.message",
          attributes: [text("content", canary), text("role", "user")],
        },
        {
          name: "exception",
          attributes: [
            text("exception.type", "openai.RateLimitError"),
            text("exception.message", `Error code: 529 - ${canary}`),
            text("exception.stacktrace", canary),
          ],
        },
        { name: "First Token Stream Event" },
      ],
      links: [{ traceId: Buffer.alloc(16, 1), attributes: [text("input.value", canary)] }],
      status: { code: 2, message: `could not parse: ${canary}` },
    });
    expect(span).toEqual({
      ...aSpan(),
      attributes: [
        text("gen_ai.request.model", "gpt-4o"),
        text("error.message", 'Error code: 429 - {"message": "'),
      ],
      events: [
        { name: "gen_ai.user.message", attributes: [text("role", "user")] },
        {
          name: "exception",
          attributes: [
            text("exception.type", "openai.RateLimitError"),
            text("exception.message", "Error code: 529 - "),
          ],
        },
        { name: "First Token Stream Event" },
      ],
      links: [{ traceId: Buffer.alloc(16, 1) }],
      status: { code: 2, message: "" },
    });
  });

  it("loses content that is nested in other attributes, or not a text", () => {
    const span = admitSpan({
      attributes: [
        {
          key: "request",
          value: {
            kvlistValue: {
              values: [
                text("gen_ai.prompt", canary),
                text("gen_ai.request.model", "gpt-4o"),
                {
                  key: "error.message",
                  value: { arrayValue: { values: [{ stringValue: canary }] } },
                },
              ],
            },
          },
        },
      ],
    });
    expect(span.attributes).toEqual([
      {
        key: "request",
        value: { kvlistValue: { values: [text("gen_ai.request.model", "gpt-4o")] } },
      },
    ]);
  });

  it("keeps the model of invocation parameters, and nothing else of them", () => {
    const parameters = JSON.stringify({ instructions: canary, model: "gpt-4o", tools: [canary] });
    const span = admitSpan({
      attributes: [
        text("llm.invocation_parameters", parameters),
        text("embedding.invocation_parameters", JSON.stringify({ input: canary })),
      ],
    });
    expect(span.attributes).toEqual([text("llm.invocation_parameters", '{"model":"gpt-4o"}')]);
  });

  it("passes whole when content is to be kept", () => {
    const span = aSpan({
      attributes: [text("gen_ai.input.messages", canary), text("error.message", canary)],
      status: { message: canary, code: 2 },
    });
    expect(admitSpan(span, { keepContent: true })).toEqual(span);
  });

  it("loses the attributes that the configuration names", () => {
    const span = admitSpan(
      { attributes: [text("my.text", canary), text("other", "x")] },
      { contentAttributes: ["my.*"] },
    );
    expect(span.attributes).toEqual([text("other", "x")]);
  });

  it("loses content whose key comes after its value, or twice", () => {
    const value = Buffer.from([0x12, 3, 0x0a, 1, 0x58]);
    const key = Buffer.from("\x0a\x0binput.value", "latin1");
    const harmless = Buffer.from("\x0a\x01a", "latin1");
    for (const pair of [Buffer.concat([value, key]), Buffer.concat([harmless, value, key])]) {
      const attribute = Buffer.concat([Buffer.from([0x4a, pair.length]), pair]);
      const ids = Buffer.concat([
        Buffer.from([0x0a, 16]),
        Buffer.alloc(16, 1),
        Buffer.from([0x12, 8]),
        Buffer.alloc(8, 1),
      ]);
      const span = Buffer.concat([ids, attribute]);
      const nest = (inner: Buffer, tag: number) =>
        Buffer.concat([Buffer.from([tag, inner.length]), inner]);
      const request = nest(nest(nest(span, 0x12), 0x12), 0x0a);
      const [record] = createAdmission(settings)("traces", request).records;
      expect(spansOf(record?.value as Uint8Array)[0]?.attributes).toBeUndefined();
    }
  });
});

describe("data points", () => {
  it("lose content in attributes and exemplars", () => {
    const dataPoint = { asInt: "1", attributes: [text("input.value", canary), text("model", "m")] };
    const exemplars = [{ asInt: "1", filteredAttributes: [text("gen_ai.prompt", canary)] }];
    const request = metricsRequest({
      name: "n",
      gauge: { dataPoints: [{ ...dataPoint, exemplars }] },
    });
    const [record] = createAdmission(settings)("metrics", request).records;
    expect(metricsOf(record?.value as Uint8Array)[0]?.gauge?.dataPoints).toEqual([
      { asInt: "1", attributes: [text("model", "m")], exemplars: [{ asInt: "1" }] },
    ]);
  });
});

describe("log records", () => {
  it.each<[string, LogRecord]>([
    ["the event name", { eventName: "gen_ai.choice" }],
    ["the attribute event.name", { attributes: [text("event.name", "gen_ai.choice")] }],
  ])("of GenAI events lose body and content, known by %s", (_, named) => {
    const log = admitLog({
      ...named,
      severityNumber: 9,
      body: { kvlistValue: { values: [text("content", canary)] } },
      attributes: [
        ...(named.attributes ?? []),
        text("content", canary),
        text("gen_ai.system", "openai"),
      ],
    });
    expect(log).toEqual({
      ...named,
      severityNumber: 9,
      attributes: [...(named.attributes ?? []), text("gen_ai.system", "openai")],
    });
  });

  it("of other kinds keep their body", () => {
    const log = { severityNumber: 17, body: { stringValue: "upstream failed" } };
    expect(admitLog(log)).toEqual(log);
  });
});
