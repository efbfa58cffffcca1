/** Export requests as a busy chatbot sends them: 500 GenAI spans each, 16 attributes, from the fleet's own traffic shape. */
import { readFileSync, writeFileSync } from "node:fs";
import { namedRandom } from "../../../services/chatbot/random.ts";
import { ExportTraceServiceRequest } from "../../support/otlp-proto.ts";

export interface Payloads {
  readonly requests: readonly Uint8Array[];
  readonly spans: number;
}

const models = [
  "gpt-4o",
  "gpt-4o-mini",
  "claude-sonnet-4",
  "claude-haiku-4",
  "gemini-2.5-pro",
  "mistral-large",
];
const regions = ["us-east-1", "eu-west-1", "us-west-2", "ap-southeast-1"];

/** `count` requests that end in the `spanMs` after `startMs`; the same seed gives the same bytes. */
export function makePayloads(options: {
  readonly count: number;
  readonly spansEach: number;
  readonly startMs: number;
  readonly spanMs: number;
  readonly seed: number;
}): Payloads {
  const source = namedRandom(options.seed, "payloads");
  const random = () => source.unit();
  const requests = Array.from({ length: options.count }, (_, index) => {
    const region = regions[index % regions.length] ?? "";
    const endMs = options.startMs + (options.spanMs * index) / options.count;
    const spans = Array.from({ length: options.spansEach }, () => span(random, endMs));
    const resource = {
      attributes: [
        text("service.name", "chat-api"),
        text("service.version", "4.12.0"),
        text("service.instance.id", `chat-api-${index % 12}`),
        text("cloud.region", region),
        text("k8s.cluster.name", `chat-${region}`),
        text("deployment.environment.name", "production"),
      ],
    };
    const scope = { name: "opentelemetry.instrumentation.genai.openai", version: "1.3b0" };
    return ExportTraceServiceRequest.encode({
      resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }],
    });
  });
  return { requests, spans: options.count * options.spansEach };
}

/** For processes that are to send the same: each request behind its length, four bytes, little endian. */
export function writePayloads(file: string, { requests }: Payloads): void {
  const parts = requests.flatMap((request) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(request.length);
    return [length, request];
  });
  writeFileSync(file, Buffer.concat(parts));
}

export function readPayloads(file: string, spansEach: number): Payloads {
  const bytes = readFileSync(file);
  const requests: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    // Each in memory of its own, as a request comes in.
    requests.push(Uint8Array.from(bytes.subarray(at + 4, end)));
    at = end;
  }
  return { requests, spans: requests.length * spansEach };
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const integer = (key: string, intValue: number) => ({ key, value: { intValue } });

function span(random: () => number, endMs: number) {
  const model = models[Math.floor(random() ** 2 * models.length)] ?? "";
  const durationMs = 300 + 6_000 * random() * random();
  const failed = random() < 0.01;
  const output = Math.floor(20 + 600 * random() * random());
  const endNs = BigInt(Math.round(endMs - random() * 800)) * 1_000_000n;
  return {
    traceId: bytes(random, 16),
    spanId: bytes(random, 8),
    name: `chat ${model}`,
    kind: 3,
    startTimeUnixNano: String(endNs - BigInt(Math.round(durationMs * 1e6))),
    endTimeUnixNano: String(endNs),
    status: failed ? { code: 2, message: "Error code: 529 - overloaded" } : {},
    attributes: [
      text("gen_ai.operation.name", "chat"),
      text("gen_ai.provider.name", model.startsWith("claude") ? "anthropic" : "openai"),
      text("gen_ai.request.model", model),
      text("gen_ai.response.model", `${model}-2026-08-06`),
      text(
        "gen_ai.response.id",
        `chatcmpl-${Buffer.from(bytes(random, 12)).toString("base64url")}`,
      ),
      integer("gen_ai.usage.input_tokens", Math.floor(100 + 4_000 * random() * random())),
      integer("gen_ai.usage.output_tokens", output),
      integer("gen_ai.request.max_tokens", 4_096),
      { key: "gen_ai.request.temperature", value: { doubleValue: 0.7 } },
      {
        key: "gen_ai.response.time_to_first_chunk",
        value: { doubleValue: (durationMs * 0.2) / 1000 },
      },
      {
        key: "gen_ai.response.finish_reasons",
        value: { arrayValue: { values: [{ stringValue: "stop" }] } },
      },
      text("server.address", "api.example.com"),
      integer("server.port", 443),
      text("enduser.id", `tenant-${Math.floor(150 * random() ** 3)}`),
      text("openai.request.service_tier", "default"),
      ...(failed
        ? [text("error.type", "openai.InternalServerError")]
        : [{ key: "gen_ai.request.stream", value: { boolValue: true } }]),
    ],
  };
}

function bytes(random: () => number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}
