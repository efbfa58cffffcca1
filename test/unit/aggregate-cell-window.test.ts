import { describe, expect, it } from "vitest";
import { bucketOf } from "../../detectors/sketch.ts";
import { parseCellKey } from "../../services/contracts/cell.ts";
import { counter, estimateBreadth, sketch } from "../../services/contracts/window.ts";
import {
  AggregateRun,
  encodeBatches,
  keyValues,
  sceneStartMs,
} from "../support/aggregate-harness.ts";
import { cellOf, chat } from "../support/counted-chats.ts";
import { ExportLogsServiceRequest, ExportMetricsServiceRequest } from "../support/otlp-proto.ts";

describe("a cell's window", () => {
  it("holds the counts, sketches, tenants and dimensions of its requests", () => {
    const cell = cellOf(
      chat({
        endMs: 1_200,
        attributes: {
          "gen_ai.usage.input_tokens": 5_000,
          "gen_ai.usage.output_tokens": 11,
          "gen_ai.usage.cache_read.input_tokens": 4_000,
          "gen_ai.usage.reasoning_tokens": 3,
          "gen_ai.response.finish_reasons": ["length"],
          "gen_ai.response.time_to_first_chunk": 0.2,
          "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
          "http.request.resend_count": 2,
          "enduser.id": "a",
          "service.version": "7",
        },
      }),
      chat({
        status: "error",
        attributes: {
          "error.type": "openai.InternalServerError",
          "enduser.id": "b",
          "service.version": "8",
        },
      }),
      chat({
        attributes: {
          "gen_ai.usage.input_tokens": 10,
          "gen_ai.usage.output_tokens": 0,
          "enduser.id": "a",
        },
      }),
    );

    expect(parseCellKey(cell.cell)).toEqual({
      kind: "genai",
      provider: "openai",
      model: "gpt-4o",
      region: "",
      operation: "chat",
    });
    const counts = Object.fromEntries(
      (
        [
          "requests",
          "ok",
          "server_error",
          "streamed",
          "inputTokens",
          "outputTokens",
          "cachedInputTokens",
          "reasoningTokens",
          "retries",
          "empty",
          "truncated",
          "finishMissing",
          "substituted",
        ] as const
      ).map((name) => [name, counter(cell, name)]),
    );
    expect(counts).toEqual({
      requests: 3,
      ok: 2,
      server_error: 1,
      streamed: 1,
      inputTokens: 5_010,
      outputTokens: 11,
      cachedInputTokens: 4_000,
      reasoningTokens: 3,
      retries: 2,
      empty: 1,
      truncated: 1,
      finishMissing: 1,
      substituted: 1,
    });
    expect(sketch(cell, "timePerOutputToken")).toEqual({
      buckets: [bucketOf(100_000)],
      counts: [1],
    });
    expect(estimateBreadth(cell, "tenants")).toBe(2);
    expect(estimateBreadth(cell, "tenantsFailed")).toBe(1);
    expect(
      cell.dimensions.map(({ dimension, values }) => [
        dimension,
        values.map(({ value, requests, failures }) => [value, requests, failures]),
      ]),
    ).toEqual([
      ["error.type", [["openai.InternalServerError", 1, 1]]],
      ["gen_ai.response.model", [["gpt-4o-mini-2024-07-18", 1, 0]]],
      [
        "input_token_bucket",
        [
          ["4k-16k", 1, 0],
          ["<1k", 1, 0],
        ],
      ],
      [
        "service.version",
        [
          ["7", 1, 0],
          ["8", 1, 1],
        ],
      ],
    ]);
    expect(cell.examples.map(({ outcome }) => outcome)).toEqual(["server_error", "ok", "ok"]);
  });

  it("is told apart by region, the span's own before the resource's", () => {
    const run = new AggregateRun()
      .step(
        encodeBatches({
          resource: { "cloud.region": "eu-west-1" },
          spans: [chat(), chat({ attributes: { "cloud.region": "us-east-1" } })],
        }),
        1_000,
      )
      .finish(5_000);

    expect(run.cells().map(({ cell }) => parseCellKey(cell).region)).toEqual([
      "eu-west-1",
      "us-east-1",
    ]);
  });

  it("has a key without control characters, whatever the telemetry says", () => {
    const cell = cellOf(chat({ attributes: { "gen_ai.request.model": "a\u001fb\n" } }));

    expect(parseCellKey(cell.cell).model).toBe("a b");
  });
});

describe("metrics and logs", () => {
  const at = (ms: number) => `${sceneStartMs + ms}000000`;

  it("give gauges of requests in flight to the cell they name, the last of each instance, summed", () => {
    const export_ = (instance: string, ...readings: (readonly [ms: number, value: number])[]) =>
      ExportMetricsServiceRequest.encode({
        resourceMetrics: [
          {
            resource: {
              attributes: keyValues({
                "service.name": "vllm",
                "service.instance.id": instance,
                "cloud.region": "eu",
              }),
            },
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: "vllm:num_requests_running",
                    gauge: {
                      dataPoints: readings.map(([ms, asDouble]) => ({
                        timeUnixNano: at(ms),
                        asDouble,
                        attributes: keyValues({ model_name: "llama" }),
                      })),
                    },
                  },
                  {
                    name: "other",
                    histogram: {
                      dataPoints: [
                        { timeUnixNano: at(900), count: 3, attributes: keyValues({ a: "b" }) },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      });
    const run = new AggregateRun({ task: "otlp_metrics/0" })
      .step(export_("i-1", [100, 7], [900, 5]), 1_000)
      .step(export_("i-2", [800, 2.5]), 1_100)
      .finish(5_000);

    expect(run.cells().map(({ cell, gauges }) => [parseCellKey(cell), gauges])).toEqual([
      [
        { kind: "genai", provider: "vllm", model: "llama", region: "eu", operation: "chat" },
        { "vllm:num_requests_running": 7_500 },
      ],
    ]);
    expect(run.windows().at(-1)?.pipeline.senders).toEqual([
      { sender: "vllm/i-1", spans: 3, late: 0, clamped: 0 },
      { sender: "vllm/i-2", spans: 2, late: 0, clamped: 0 },
    ]);
  });

  it("let time pass by the times of log records, observed where there is no other", () => {
    const logs = ExportLogsServiceRequest.encode({
      resourceLogs: [
        {
          resource: { attributes: keyValues({ "service.name": "app" }) },
          scopeLogs: [
            { logRecords: [{ timeUnixNano: at(1_000) }, { observedTimeUnixNano: at(2_000) }] },
          ],
        },
      ],
    });
    const run = new AggregateRun({ task: "otlp_logs/1" }).step(logs, 2_000).finish(5_000);

    const last = run.windows().at(-1);
    expect(last?.task).toBe("otlp_logs/1");
    expect(last?.pipeline.senders).toEqual([{ sender: "app", spans: 2, late: 0, clamped: 0 }]);
  });
});
