/**
 * What it costs our process to turn spans into rows: the hand-written reader and Native blocks, against protobufjs and
 * JSONEachRow as one would write them first. Run: node test/bench/archive-bench.ts
 */
import { encodeRecords } from "../../services/archive/encode-records.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { aLogRecord, spanEncoder } from "../support/archive-rows.ts";
import {
  type AnyValue,
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
} from "../support/otlp-proto.ts";

export interface ArchiveBench {
  /** Spans per CPU second of this process. */
  readonly nativeSpansPerCpuSecond: number;
  readonly naiveSpansPerCpuSecond: number;
  readonly ratio: number;
  readonly bytesPerSpan: number;
}

const spansPerRequest = 500;
const requests = 40;
const models = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "claude-haiku-4", "gemini-2.5-pro"];

/** Both take the same records, in turns; the median of `rounds` is reported. */
export async function benchArchive(rounds = 7): Promise<ArchiveBench> {
  const records = Array.from({ length: requests }, (_, index) => aRecord(index));
  const spans = requests * spansPerRequest;
  const encoder = spanEncoder();
  const native: number[] = [];
  const naive: number[] = [];
  // One round to warm up.
  for (let round = -1; round < rounds; round++) {
    const nativeSeconds = await cpuSeconds(() => encodeRecords(encoder, records, () => undefined));
    const naiveSeconds = await cpuSeconds(async () => naiveRows(records));
    if (round < 0) continue;
    native.push(spans / nativeSeconds);
    naive.push(spans / naiveSeconds);
  }
  const nativeSpansPerCpuSecond = median(native);
  const naiveSpansPerCpuSecond = median(naive);
  return {
    nativeSpansPerCpuSecond,
    naiveSpansPerCpuSecond,
    ratio: nativeSpansPerCpuSecond / naiveSpansPerCpuSecond,
    bytesPerSpan: records.reduce((sum, { value }) => sum + value.length, 0) / spans,
  };
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const text = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue } });
const integer = (key: string, intValue: number): KeyValue => ({ key, value: { intValue } });

/** Spans of model calls with 16 attributes, as an instrumentation writes them. */
export function aRecord(index: number): LogRecord {
  const spans = Array.from({ length: spansPerRequest }, (_, i) =>
    aSpan(index * spansPerRequest + i),
  );
  const value = ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text("service.name", "chatbot"),
            text("service.version", "1.42.0"),
            text("service.instance.id", `pod-${index % 8}`),
            text("cloud.region", "eu-west-1"),
          ],
        },
        scopeSpans: [
          { scope: { name: "@opentelemetry/instrumentation-openai", version: "0.9" }, spans },
        ],
      },
    ],
  });
  return aLogRecord(value, { offset: index });
}

function aSpan(n: number): Span {
  const model = models[n % models.length] as string;
  const start = 1_764_000_000_000_000_000n + BigInt(n) * 1_000_003n;
  return {
    traceId: Buffer.from(
      (0x10000000000000000000000000000000n + BigInt(n) * 0x9e3779b97f4a7c15n).toString(16),
      "hex",
    ),
    spanId: Buffer.from((0x1000000000000000n + BigInt(n) * 0x9e3779b1n).toString(16), "hex"),
    parentSpanId: Buffer.from((0x2000000000000000n + BigInt(n) * 0x85ebca6bn).toString(16), "hex"),
    name: `chat ${model}`,
    kind: 3,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 1_200_000_000n + BigInt(n % 997) * 1_000_000n),
    attributes: [
      text("gen_ai.operation.name", "chat"),
      text("gen_ai.provider.name", model.startsWith("gpt") ? "openai" : "anthropic"),
      text("gen_ai.request.model", model),
      text("gen_ai.response.model", `${model}-2026-01-01`),
      text("gen_ai.response.id", `chatcmpl-${(n * 2_654_435_761).toString(36)}`),
      {
        key: "gen_ai.response.finish_reasons",
        value: { arrayValue: { values: [{ stringValue: "stop" }] } },
      },
      integer("gen_ai.usage.input_tokens", 200 + (n % 3_000)),
      integer("gen_ai.usage.output_tokens", 20 + (n % 700)),
      integer("gen_ai.request.max_tokens", 4_096),
      { key: "gen_ai.request.temperature", value: { doubleValue: 0.7 } },
      { key: "gen_ai.response.time_to_first_chunk", value: { doubleValue: 0.3 + (n % 100) / 250 } },
      text("server.address", "api.openai.com"),
      integer("server.port", 443),
      text("openai.request.service_tier", "default"),
      text("tenant.id", `tenant-${n % 400}`),
      text("user.id", `user-${(n * 40_503) % 65_536}`),
    ],
  };
}

/** As the Collector's exporter has it, one JSON object a line. */
function naiveRows(records: readonly LogRecord[]): Buffer {
  const lines: string[] = [];
  for (const record of records) {
    for (const group of ExportTraceServiceRequest.decode(record.value).resourceSpans ?? []) {
      const resource = attributesOf(group.resource?.attributes);
      for (const { scope, spans = [] } of group.scopeSpans ?? []) {
        for (const span of spans) {
          const start = BigInt(span.startTimeUnixNano ?? 0);
          lines.push(
            JSON.stringify({
              Timestamp: String(start),
              TraceId: hex(span.traceId),
              SpanId: hex(span.spanId),
              ParentSpanId: hex(span.parentSpanId),
              TraceState: span.traceState ?? "",
              SpanName: span.name ?? "",
              SpanKind: span.kind ?? 0,
              ServiceName: resource["service.name"] ?? "",
              ResourceAttributes: resource,
              ScopeName: scope?.name ?? "",
              ScopeVersion: scope?.version ?? "",
              SpanAttributes: attributesOf(span.attributes),
              Duration: String(BigInt(span.endTimeUnixNano ?? 0) - start),
              StatusCode: span.status?.code ?? 0,
              StatusMessage: span.status?.message ?? "",
            }),
          );
        }
      }
    }
  }
  return Buffer.from(lines.join("\n"));
}

const hex = (id: Uint8Array | undefined) => Buffer.from(id ?? []).toString("hex");

function attributesOf(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key = "", value }) => [key, textOf(value)]));
}

function textOf(value: AnyValue = {}): string {
  if (value.arrayValue !== undefined)
    return JSON.stringify((value.arrayValue.values ?? []).map((element) => textOf(element)));
  return String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? "");
}

if (import.meta.main) {
  const { nativeSpansPerCpuSecond, naiveSpansPerCpuSecond, ratio, bytesPerSpan } =
    await benchArchive();
  const thousands = (count: number) => `${Math.round(count / 1_000)}k spans per CPU second`;
  console.log(
    `archive encode, ${Math.round(bytesPerSpan)} bytes a span: native ${thousands(nativeSpansPerCpuSecond)}, protobufjs and JSONEachRow ${thousands(naiveSpansPerCpuSecond)}, ratio ${ratio.toFixed(1)}`,
  );
}
