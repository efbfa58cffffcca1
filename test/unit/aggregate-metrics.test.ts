/** Gauges of model servers and proxies, in the forms in which they arrive over OTLP. */
import { describe, expect, it } from "vitest";
import { parseCellKey } from "../../services/contracts/cell.ts";
import {
  AggregateRun,
  type Attributes,
  keyValues,
  sceneStartMs,
} from "../support/aggregate-harness.ts";
import { ExportMetricsServiceRequest } from "../support/otlp-proto.ts";

interface PointSketch {
  readonly attributes?: Attributes;
  readonly value: number;
  readonly ms?: number;
  readonly flags?: number;
}

const points = (sketches: readonly PointSketch[]) =>
  sketches.map(({ attributes = {}, value, ms = 500, flags = 0 }) => ({
    timeUnixNano: `${sceneStartMs + ms}000000`,
    asDouble: value,
    attributes: keyValues(attributes),
    flags,
  }));

type Data = Readonly<Record<string, unknown>>;

function gaugesOf(...metrics: readonly (readonly [name: string, data: Data])[]) {
  const request = ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource: { attributes: keyValues({ "service.name": "scraper" }) },
        scopeMetrics: [{ metrics: metrics.map(([name, data]) => ({ name, ...data })) }],
      },
    ],
  });
  return new AggregateRun({ task: "otlp_metrics/0" })
    .step(request, 1_000)
    .finish(5_000)
    .cells()
    .map(({ cell, gauges }) => {
      const { kind, provider, model, operation } = parseCellKey(cell);
      return [[kind, provider, model, operation].join("/"), gauges];
    });
}

const gauge = (...sketches: readonly PointSketch[]): Data => ({
  gauge: { dataPoints: points(sketches) },
});
const sum = (
  kind: { readonly aggregationTemporality: number; readonly isMonotonic: boolean },
  ...sketches: readonly PointSketch[]
): Data => ({ sum: { dataPoints: points(sketches), ...kind } });
const cumulative = 2;
const delta = 1;

describe("vLLM's gauges", () => {
  const llama = { model_name: "llama" };

  it("add up over the engines of one server, running and waiting apart", () => {
    expect(
      gaugesOf(
        [
          "vllm:num_requests_running",
          gauge(
            { attributes: { ...llama, engine: "0" }, value: 3 },
            { attributes: { ...llama, engine: "1" }, value: 4 },
          ),
        ],
        ["vllm:num_requests_waiting", gauge({ attributes: llama, value: 9 })],
      ),
    ).toEqual([
      [
        "genai/vllm/llama/chat",
        { "vllm:num_requests_running": 7_000, "vllm:num_requests_waiting": 9_000 },
      ],
    ]);
  });

  it("are known by the names that a Collector gives them", () => {
    expect(gaugesOf(["vllm_num_requests_waiting", gauge({ attributes: llama, value: 2 })])).toEqual(
      [["genai/vllm/llama/chat", { "vllm:num_requests_waiting": 2_000 }]],
    );
  });

  it("have the last reading of a window, and none where a scrape failed", () => {
    expect(
      gaugesOf([
        "vllm:num_requests_running",
        gauge(
          { attributes: llama, value: 5, ms: 100 },
          { attributes: llama, value: 6, ms: 900 },
          { attributes: llama, value: 0, ms: 950, flags: 1 },
          { attributes: llama, value: Number.NaN, ms: 980 },
        ),
      ]),
    ).toEqual([["genai/vllm/llama/chat", { "vllm:num_requests_running": 6_000 }]]);
  });
});

describe("other servers' gauges", () => {
  it("are SGLang's, running and queued apart", () => {
    const model = { model_name: "qwen" };

    expect(
      gaugesOf(
        ["sglang:num_running_reqs", gauge({ attributes: model, value: 3 })],
        ["sglang:num_queue_reqs", gauge({ attributes: model, value: 4 })],
      ),
    ).toEqual([["genai/sglang/qwen/chat", { in_flight: 3_000, queued: 4_000 }]]);
  });

  it("are Envoy's by upstream, from its Prometheus endpoint and its own sink", () => {
    expect(
      gaugesOf(
        [
          "envoy_cluster_upstream_rq_active",
          gauge({ attributes: { envoy_cluster_name: "openai" }, value: 8 }),
        ],
        [
          "cluster.upstream_rq_pending_active",
          gauge({ attributes: { "envoy.cluster_name": "openai" }, value: 2 }),
        ],
      ),
    ).toEqual([["http/scraper//upstream openai", { in_flight: 8_000, queued: 2_000 }]]);
  });
});

describe("a sum", () => {
  const route = { attributes: { "http.route": "/chat" }, value: 3 };

  it.each([
    ["a cumulative one that may fall is a level", cumulative, false, 1],
    ["a cumulative one that only rises is none", cumulative, true, 0],
    ["differences are none", delta, false, 0],
  ])("%s", (_, aggregationTemporality, isMonotonic, cells) => {
    expect(
      gaugesOf(["http.server.active_requests", sum({ aggregationTemporality, isMonotonic }, route)])
        .length,
    ).toBe(cells);
  });
});
