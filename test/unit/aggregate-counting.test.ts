import { describe, expect, it } from "vitest";
import { bucketOf } from "../../detectors/sketch.ts";
import { cellKey, parseCellKey } from "../../services/contracts/cell.ts";
import {
  type CellWindow,
  counter,
  estimateBreadth,
  sketch,
} from "../../services/contracts/window.ts";
import {
  AggregateRun,
  countBatches,
  encodeBatches,
  keyValues,
  type SpanSketch,
  sceneStartMs,
} from "../support/aggregate-harness.ts";
import { ExportLogsServiceRequest, ExportMetricsServiceRequest } from "../support/otlp-proto.ts";

const chatAttributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
};
const chat = (more: Partial<SpanSketch> = {}): SpanSketch => ({
  ...more,
  attributes: { ...chatAttributes, ...more.attributes },
});
const row = {
  provider: "openai",
  model: "gpt-4o",
  operation: "chat",
  outcome: "ok",
  count: 1,
  input_tokens: 0,
  output_tokens: 0,
  ttft_p50_s: null,
};

function cellOf(...spans: readonly SpanSketch[]): CellWindow {
  const run = new AggregateRun().step(encodeBatches({ spans }), 2_000).finish(60_000);
  expect(run.cells().length).toBe(1);
  return run.cells()[0] as CellWindow;
}

describe("one request", () => {
  it("counts once when its span is sent twice, in one record and in another", () => {
    const span = chat({ id: 1, trace: 1 });
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [span, span] }), 1_000)
      .step(encodeBatches({ spans: [span] }), 3_000)
      .finish(5_000);

    expect(run.rows()).toEqual([row]);
    expect(run.windows().map(({ pipeline }) => pipeline.duplicateSpans)).toEqual([0, 0, 2]);
  });

  it("is none when its operation has a name that every object has", () => {
    const spans = ["constructor", "toString", "__proto__"].map((operation, id) =>
      chat({ id: id + 1, trace: 1, attributes: { "gen_ai.operation.name": operation } }),
    );
    const run = new AggregateRun().step(encodeBatches({ spans }), 1_000).finish(5_000);

    expect(run.rows()).toEqual([]);
  });

  it("counts as what it says when provider, finish reason, error and scope have names that every object has", () => {
    const name = "constructor";
    const spans = [
      chat({ id: 1, trace: 1, attributes: { "gen_ai.provider.name": name } }),
      chat({ id: 2, trace: 2, attributes: { "gen_ai.response.finish_reasons": [name] } }),
      chat({ id: 3, trace: 3, status: "error", attributes: { "error.type": name } }),
    ];
    const batch = encodeBatches({ scope: name, spans });
    const run = new AggregateRun().step(batch, 1_000).finish(5_000);

    expect(run.rows()).toEqual([
      { ...row, provider: name },
      { ...row, outcome: "ok", count: 1 },
      { ...row, outcome: "other", count: 1 },
    ]);
  });

  it("counts once when call, agent and call are nested, whatever the order they come in", () => {
    const outer = chat({ id: 1, trace: 1, endMs: 1_000 });
    const agent = {
      id: 2,
      trace: 1,
      parent: 1,
      attributes: { "gen_ai.operation.name": "invoke_agent" },
    };
    const inner = chat({ id: 3, trace: 1, parent: 2, endMs: 990 });
    const orders = [
      [outer, agent, inner],
      [inner, agent, outer],
      [agent, inner, outer],
      [inner, outer, agent],
      [outer, inner, agent],
      [agent, outer, inner],
    ];

    for (const [a, b, c] of orders as [SpanSketch, SpanSketch, SpanSketch][]) {
      const run = new AggregateRun()
        .step(encodeBatches({ spans: [a] }), 1_000)
        .step(encodeBatches({ spans: [b] }), 1_100)
        .step(encodeBatches({ spans: [c] }), 1_200)
        .finish(5_000);
      expect(run.rows()).toEqual([row]);
      expect(run.windows().at(-1)?.pipeline.outerSpans).toBe(1);
    }
  });

  it("counts once when the outer span ends in a later window", () => {
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [chat({ id: 2, trace: 1, parent: 1, endMs: 4_990 })] }), 5_000)
      .step(encodeBatches({ spans: [chat({ id: 1, trace: 1, endMs: 5_010 })] }), 5_100)
      .finish(10_000);

    expect(run.rows()).toEqual([row]);
  });

  it("counts once when the inner span outlives the outer one into a later window", () => {
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [chat({ id: 1, trace: 1, endMs: 4_990 })] }), 5_000)
      .step(encodeBatches({ spans: [chat({ id: 9, trace: 9, endMs: 16_000 })] }), 16_000)
      .step(encodeBatches({ spans: [chat({ id: 2, trace: 1, parent: 1, endMs: 7_000 })] }), 16_100)
      .finish(20_000);

    expect(run.rows()).toEqual([{ ...row, count: 2 }]);
  });

  it("counts for each attempt that has a span of its own", () => {
    const rows = countBatches({
      spans: [
        chat({ id: 1, trace: 1 }),
        chat({
          id: 2,
          trace: 1,
          parent: 1,
          status: "error",
          attributes: { "error.type": "RateLimitError" },
        }),
        chat({ id: 3, trace: 1, parent: 1 }),
      ],
    });

    expect(rows).toEqual([row, { ...row, outcome: "rate_limit" }]);
  });

  it("counts with every span when a provider gives all answers the same id", () => {
    const answered = { attributes: { "gen_ai.response.id": "same" } };
    const rows = countBatches(
      { scope: "a", spans: [chat({ id: 1, ...answered }), chat({ id: 2, ...answered })] },
      { scope: "b", spans: [chat({ id: 3, ...answered }), chat({ id: 4, ...answered })] },
    );

    expect(rows).toEqual([{ ...row, count: 4 }]);
  });

  it("counts without ids, but then each copy does", () => {
    const request = encodeBatches({ spans: [chat({ id: 7 })] });
    const anonymous = Buffer.from(request);
    const at = anonymous.indexOf(Buffer.from([0x12, 0x08, 0x5a]));
    anonymous.fill(0, at + 2, at + 10);
    const run = new AggregateRun().step(anonymous, 1_000).step(anonymous, 1_100).finish(5_000);

    expect(run.rows()).toEqual([{ ...row, count: 2 }]);
  });

  it("is not changed by a span that is its own parent, nor by parents in a circle", () => {
    const rows = countBatches({
      spans: [
        chat({ id: 1, trace: 1, parent: 1 }),
        { id: 2, trace: 2, parent: 3, kind: "internal" },
        { id: 3, trace: 2, parent: 2, kind: "internal" },
        chat({ id: 4, trace: 2, parent: 3 }),
      ],
    });

    expect(rows).toEqual([{ ...row, count: 2 }]);
  });
});

describe("a sampled span", () => {
  it.each([
    ["ot=th:8", 2],
    ["rojo=1, ot=rv:00000000000000;th:c", 4],
    ["ot=th:0", 1],
    ["ot=th:zz", 1],
    ["other=th:8", 1],
    ["", 1],
  ])("with the trace state '%s' counts %d times", (traceState, count) => {
    const cell = cellOf(chat({ traceState }));

    expect(counter(cell, "requests")).toBe(count);
    expect(counter(cell, "spans")).toBe(1);
    expect(sketch(cell, "duration").counts).toEqual([count]);
  });

  it("of a fraction counts right on average, and whole", () => {
    const spans = Array.from({ length: 3_000 }, (_, i) =>
      chat({ id: i + 1, trace: i + 1, traceState: "ot=th:5555" }),
    );
    const requests = counter(cellOf(...spans), "requests");

    expect(Number.isInteger(requests)).toBe(true);
    expect(Math.abs(requests / 4_500 - 1)).toBeLessThan(0.02);
  });
});

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

describe("an HTTP request of the application", () => {
  it.each([
    [200, "ok"],
    [404, "invalid_request"],
    [401, "auth"],
    [429, "rate_limit"],
    [499, "client_cancelled"],
    [500, "server_error"],
    [503, "unavailable"],
    [504, "timeout"],
  ] as const)("with status %d is %s", (status, outcome) => {
    const cell = cellOf({
      kind: "server",
      attributes: {
        "http.request.method": "POST",
        "http.route": "/login",
        "http.response.status_code": status,
      },
    });

    expect(cell.cell).toBe(
      cellKey({
        kind: "http",
        provider: "chatbot",
        model: "",
        region: "",
        operation: "POST /login",
      }),
    );
    expect(counter(cell, outcome)).toBe(1);
  });

  it("counts by its template where it has no route, and not at all without either", () => {
    const run = new AggregateRun()
      .step(
        encodeBatches({
          spans: [
            { kind: "server", attributes: { "url.template": "/chat/{id}", "http.method": "GET" } },
            { kind: "server", attributes: { "url.path": "/chat/17" } },
            {
              kind: "client",
              attributes: { "http.route": "/x", "http.response.status_code": 500 },
            },
          ],
        }),
        1_000,
      )
      .finish(5_000);

    expect(run.cells().map(({ cell }) => parseCellKey(cell).operation)).toEqual(["GET /chat/{id}"]);
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
