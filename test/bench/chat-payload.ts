/** Requests of GenAI chat spans as the benches of decoding send them: 16 attributes, about 740 bytes a span. */
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

const models = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "o4-mini-2025-04-16"];

/** Repeatable numbers in [0, 1): a multiplicative congruence, enough to vary payloads. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

export function chatPayloads(requests: number, spansPerRequest: number): Uint8Array[] {
  const next = sequence(7);
  return Array.from({ length: requests }, (_, request) =>
    chatPayload(request, spansPerRequest, next),
  );
}

function chatPayload(request: number, spans: number, next: () => number): Uint8Array {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const whole = (key: string, intValue: number) => ({ key, value: { intValue } });
  const bytes = (length: number) => Uint8Array.from({ length }, () => 1 + Math.floor(next() * 255));
  return ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text("service.name", "chat-gateway"),
            text("service.instance.id", `gateway-${request % 8}`),
            text("cloud.region", request % 2 === 0 ? "eu-west-1" : "us-east-1"),
          ],
        },
        scopeSpans: [
          {
            scope: { name: "opentelemetry.instrumentation.genai.openai", version: "1.3b0" },
            spans: Array.from({ length: spans }, (_, i) => {
              const model = models[i % models.length] as string;
              const startMs = 1_800_000_000_000 + request * 100 + i;
              const durationMs = 200 + Math.floor(next() * 4_000);
              const failed = next() < 0.02;
              return {
                traceId: bytes(16),
                spanId: bytes(8),
                parentSpanId: bytes(8),
                name: `chat ${model}`,
                kind: 3,
                startTimeUnixNano: `${startMs}000000`,
                endTimeUnixNano: `${startMs + durationMs}000000`,
                status: failed ? { code: 2, message: "Error code: 529" } : { code: 0 },
                attributes: [
                  text("gen_ai.operation.name", "chat"),
                  text("gen_ai.provider.name", model.startsWith("claude") ? "anthropic" : "openai"),
                  text("gen_ai.request.model", model),
                  text("gen_ai.response.model", `${model}-2025-08-06`),
                  text("gen_ai.response.id", `chatcmpl-${request}-${i}-abcdef`),
                  whole("gen_ai.request.max_tokens", 4_096),
                  { key: "gen_ai.request.temperature", value: { doubleValue: 0.7 } },
                  { key: "gen_ai.request.stream", value: { boolValue: true } },
                  {
                    key: "gen_ai.response.time_to_first_chunk",
                    value: { doubleValue: Math.floor(next() * 1024) / 1024 },
                  },
                  whole("gen_ai.usage.input_tokens", Math.floor(next() * 8_000)),
                  whole("gen_ai.usage.output_tokens", Math.floor(next() * 900)),
                  {
                    key: "gen_ai.response.finish_reasons",
                    value: { arrayValue: { values: [{ stringValue: "stop" }] } },
                  },
                  text("server.address", "api.openai.com"),
                  whole("server.port", 443),
                  text("enduser.id", `tenant-${Math.floor(next() * 150)}`),
                  text("openai.request.service_tier", "default"),
                ],
              };
            }),
          },
        ],
      },
    ],
  });
}
