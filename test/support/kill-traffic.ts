/** Telemetry of a small chatbot fleet in which one model after another fails for some seconds: incidents without end. */
import { namedRandom } from "../../services/chatbot/random.ts";
import { integer, list, spanId, text, traceId } from "./otlp-builders.ts";
import {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  type Span,
} from "./otlp-proto.ts";

export interface TelemetryRequest {
  readonly path: "/v1/traces" | "/v1/metrics" | "/v1/logs";
  readonly body: Uint8Array;
  /** What must be in the log once the request is acknowledged: span ids, or the marks of a metric or log record. */
  readonly contents: readonly string[];
}

const families = ["gpt", "claude"] as const;
const regions = ["us-east-1", "eu-west-1"] as const;

export interface TrafficOptions {
  readonly seed: number;
  /** Telemetry of so much time goes out at once, ms. */
  readonly tickMs: number;
  readonly callsPerSecond: number;
  /** Each model in turn fails for `failingMs` out of `turnMs`, after `healthyMs` of good traffic. */
  readonly models: number;
  readonly healthyMs: number;
  readonly turnMs: number;
  readonly failingMs: number;
}

export interface Traffic {
  /** Requests of the tick that ends at `nowMs`; a few repeat earlier ones or come much too late. */
  tick(nowMs: number): TelemetryRequest[];
  /** End of the latest span made so far, Unix ms. */
  readonly latestEndMs: number;
}

export function openTraffic(options: TrafficOptions): Traffic {
  const random = namedRandom(options.seed, "kill traffic");
  let made = 0;
  let startMs: number | undefined;
  let latestEndMs = 0;
  let last: TelemetryRequest | undefined;

  /** Place of the model that fails at a time; none before the first turn. */
  function failingAt(ms: number): number | undefined {
    const since = ms - (startMs ?? ms) - options.healthyMs;
    if (since < 0 || since % options.turnMs >= options.failingMs) return undefined;
    return Math.floor(since / options.turnMs) % options.models;
  }

  function call(nowMs: number): Span[] {
    const number = ++made;
    const endMs = nowMs - random.unit() * options.tickMs;
    latestEndMs = Math.max(latestEndMs, endMs);
    const model = Math.floor(random.unit() * options.models);
    const name = `${families[model % families.length]}-${model}`;
    const isFailed = random.unit() < (failingAt(endMs) === model ? 0.95 : 0.004);
    const durationMs = (isFailed ? 40 : 300) * (0.8 + 0.4 * random.unit());
    const times = (startBeforeMs: number) => ({
      startTimeUnixNano: String(BigInt(Math.round(endMs - startBeforeMs)) * 1_000_000n),
      endTimeUnixNano: String(BigInt(Math.floor(endMs)) * 1_000_000n),
    });
    const ids = { traceId: traceId(number), spanId: spanId(2 * number) };
    const spans: Span[] = [
      {
        ...ids,
        parentSpanId: spanId(2 * number + 1),
        name: `chat ${name}`,
        kind: 3,
        ...times(durationMs),
        status: isFailed ? { code: 2, message: "overloaded" } : {},
        attributes: [
          text("gen_ai.operation.name", "chat"),
          text("gen_ai.provider.name", name.startsWith("claude") ? "anthropic" : "openai"),
          text("gen_ai.request.model", name),
          integer("gen_ai.usage.input_tokens", 100 + (number % 900)),
          integer("gen_ai.usage.output_tokens", isFailed ? 0 : 50 + (number % 300)),
          ...(isFailed ? [] : [list("gen_ai.response.finish_reasons", { stringValue: "stop" })]),
          text("tenant.id", `tenant-${number % 17}`),
          ...(isFailed
            ? [text("error.type", "503"), integer("http.response.status_code", 503)]
            : []),
        ],
      },
      // What an agent framework adds around a call is never a request itself.
      {
        traceId: traceId(number),
        spanId: spanId(2 * number + 1),
        name: "invoke_agent helper",
        kind: 1,
        ...times(durationMs + 5),
        attributes: [text("gen_ai.operation.name", "invoke_agent")],
      },
    ];
    return spans.slice(0, number % 3 === 0 ? 2 : 1);
  }

  function traces(nowMs: number, region: number): TelemetryRequest {
    const calls = Math.max(
      1,
      Math.round((options.callsPerSecond * options.tickMs) / 1_000 / regions.length),
    );
    const spans = Array.from({ length: calls }, () => call(nowMs)).flat();
    const body = ExportTraceServiceRequest.encode({
      resourceSpans: [{ resource: resourceOf(region), scopeSpans: [{ scope, spans }] }],
    });
    return { path: "/v1/traces", body, contents: spans.map(spanKey) };
  }

  return {
    get latestEndMs() {
      return latestEndMs;
    },
    tick(nowMs) {
      startMs ??= nowMs;
      const requests = regions.map((_, region) => traces(nowMs, region));
      // Senders repeat what was acknowledged when the answer got lost, and some come long after everybody else.
      if (last !== undefined && random.unit() < 0.1) requests.push(last);
      last = requests[0];
      if (random.unit() < 0.05) requests.push(traces(nowMs - 120_000, 0));
      if (random.unit() < 0.25) requests.push(metrics(nowMs, ++made), logs(nowMs, ++made));
      return requests;
    },
  };
}

const scope = { name: "opentelemetry.instrumentation.openai", version: "2.1" };
const resourceOf = (region: number) => ({
  attributes: [
    text("service.name", "chat-api"),
    text("service.instance.id", `chat-api-${region}`),
    text("cloud.region", regions[region] ?? ""),
  ],
});

export const spanKey = (span: Span): string =>
  `${Buffer.from(span.traceId ?? []).toString("hex")}:${Buffer.from(span.spanId ?? []).toString("hex")}`;

function metrics(nowMs: number, mark: number): TelemetryRequest {
  const timeUnixNano = String(BigInt(Math.floor(nowMs)) * 1_000_000n);
  const body = ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource: resourceOf(0),
        scopeMetrics: [
          {
            scope,
            metrics: [{ name: "mark", gauge: { dataPoints: [{ timeUnixNano, asInt: mark }] } }],
          },
        ],
      },
    ],
  });
  return { path: "/v1/metrics", body, contents: [`metric ${mark}`] };
}

function logs(nowMs: number, mark: number): TelemetryRequest {
  const timeUnixNano = String(BigInt(Math.floor(nowMs)) * 1_000_000n);
  const body = ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: resourceOf(0),
        scopeLogs: [
          { scope, logRecords: [{ timeUnixNano, severityNumber: 9, eventName: `mark-${mark}` }] },
        ],
      },
    ],
  });
  return { path: "/v1/logs", body, contents: [`log mark-${mark}`] };
}
