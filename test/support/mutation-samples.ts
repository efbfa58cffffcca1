/** Requests to be mutated: a little of everything that instrumentations write, and whose counts are known. */
import type { Signal } from "../../services/contracts/topics.ts";
import { type Batch, requestOf, sceneStartMs } from "./aggregate-harness.ts";
import {
  type AnyValue,
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  type KeyValue,
} from "./otlp-proto.ts";

const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.usage.input_tokens": 1_200,
  "gen_ai.usage.output_tokens": 80,
  "gen_ai.server.time_to_first_token": { double: 0.31 },
  "tenant.id": "t-17",
  // Without it a span whose operation is damaged would be a call all the same, by its provider and model.
  "gen_ai.agent.name": "helper",
} as const;

/** A conversation: an agent over a framework's call over the client's call, one that failed, embeddings, and what is no call. */
const batches = (trace: number): readonly Batch[] => [
  {
    resource: {
      "service.name": "chatbot",
      "service.instance.id": "a-1",
      "cloud.region": "eu-west-1",
    },
    scope: "chat-app",
    spans: [
      {
        trace,
        id: 1,
        kind: "internal",
        name: "invoke_agent",
        endMs: 900,
        attributes: { "gen_ai.operation.name": "invoke_agent", note: "ö" },
      },
      {
        trace,
        id: 2,
        parent: 1,
        kind: "internal",
        name: "chat",
        endMs: 800,
        attributes: { ...call, "gen_ai.response.id": `outer-${trace}` },
      },
      {
        trace,
        id: 3,
        parent: 2,
        name: "chat gpt-4o",
        endMs: 700,
        traceState: "ot=th:0",
        attributes: {
          ...call,
          "gen_ai.response.id": `chat-${trace}`,
          "gen_ai.input.messages": '[{"role":"user"}]',
          "gen_ai.request.stop_sequences": ["a", "b"],
          streamed: true,
        },
        events: [{ name: "gen_ai.choice", atMs: 400, attributes: { content: "x", index: 0 } }],
      },
    ],
  },
  {
    resource: { "service.name": "worker" },
    scope: "batch",
    spans: [
      {
        trace,
        id: 4,
        name: "chat gpt-4o",
        endMs: -3_000,
        startMs: -4_000,
        status: "error",
        message: "Error code: 500 - overloaded",
        // Beneath a span of its own trace, so that nobody takes it for another trace's failure told twice.
        parent: 7,
        attributes: { ...call, "error.type": "InternalServerError" },
        events: [{ name: "exception", attributes: { "exception.type": "InternalServerError" } }],
      },
      {
        trace: trace + 1,
        id: 5,
        name: "embeddings",
        endMs: 500,
        attributes: {
          ...call,
          "gen_ai.operation.name": "embeddings",
          "gen_ai.request.model": "text-embedding-3-small",
          "gen_ai.response.id": `embeddings-${trace}`,
        },
      },
      { trace: trace + 1, id: 6, kind: "server", name: "POST /chat", endMs: 990, attributes: call },
    ],
  },
];

const nanos = (ms: number) => String(BigInt(sceneStartMs + ms) * 1_000_000n);
const attributes: KeyValue[] = [
  { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
  { key: "server.port", value: { intValue: 443 } },
  { key: "share", value: { doubleValue: 0.5 } },
];
const resource = {
  attributes: [{ key: "service.name", value: { stringValue: "chatbot" } }],
  droppedAttributesCount: 1,
};
const pairs = (values: KeyValue[]): AnyValue => ({ kvlistValue: { values } });
const times = (ms: number) => ({ startTimeUnixNano: nanos(ms - 5_000), timeUnixNano: nanos(ms) });

const metrics = () =>
  ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          {
            scope: { name: "meter", version: "1" },
            metrics: [
              {
                name: "http.server.active_requests",
                unit: "1",
                gauge: {
                  dataPoints: [
                    {
                      ...times(500),
                      asInt: 3,
                      attributes: [{ key: "http.route", value: { stringValue: "/chat" } }],
                    },
                    { ...times(600), asDouble: 2.5, attributes },
                  ],
                },
              },
              {
                name: "chat.requests",
                sum: { dataPoints: [{ ...times(700), asInt: 8, attributes }], isMonotonic: true },
              },
              {
                name: "gen_ai.client.operation.duration",
                histogram: {
                  dataPoints: [
                    {
                      ...times(800),
                      count: 3,
                      sum: 1.5,
                      bucketCounts: [1, 2, 0],
                      explicitBounds: [0.5, 1],
                      attributes,
                      min: 0.1,
                    },
                  ],
                  aggregationTemporality: 1,
                },
              },
              {
                name: "sizes",
                exponentialHistogram: {
                  dataPoints: [
                    {
                      ...times(800),
                      count: 2,
                      sum: 9,
                      scale: 3,
                      zeroCount: 1,
                      positive: { offset: 1, bucketCounts: [1, 300] },
                    },
                  ],
                },
              },
              {
                name: "old",
                summary: {
                  dataPoints: [
                    {
                      ...times(900),
                      count: 2,
                      sum: 4,
                      quantileValues: [{ quantile: 0.5, value: 1 }],
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  });

const logs = () =>
  ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            scope: { name: "logger" },
            logRecords: [
              {
                timeUnixNano: nanos(300),
                observedTimeUnixNano: nanos(310),
                severityNumber: 17,
                severityText: "ERROR",
                body: { stringValue: "upstream failed" },
                attributes,
                traceId: Buffer.alloc(16, 1),
                spanId: Buffer.alloc(8, 1),
              },
              {
                observedTimeUnixNano: nanos(400),
                eventName: "gen_ai.choice",
                body: pairs([{ key: "content", value: { stringValue: "hello" } }]),
                attributes,
              },
              { timeUnixNano: nanos(500), body: pairs(attributes), flags: 1 },
            ],
          },
        ],
      },
    ],
  });

/** The request that is mutated; of traces also those that come before and after it, with other traces. */
export const sampleOf = (signal: Signal): Uint8Array => {
  if (signal === "metrics") return metrics();
  return signal === "logs" ? logs() : traceSample(100);
};

/** `trace` tells the conversation: the same number gives the same ids. */
export const traceSample = (trace: number): Uint8Array =>
  ExportTraceServiceRequest.encode(requestOf(batches(trace)));
