/** Sums and histograms of metrics as requests, times and tokens: which cell they are counted in, by outcome and type. */
import { describe, expect, it } from "vitest";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import { counter, sketch } from "../../services/contracts/window.ts";
import type { Attributes } from "../support/aggregate-harness.ts";
import {
  app,
  call,
  counted,
  durations,
  encodeMetrics,
  exported,
  type MetricSketch,
  metricRun,
  outcomesOf,
  type PointSketch,
} from "../support/metric-scenes.ts";

describe("a model with its provider before it", () => {
  it("is the same cell as without, as it is in spans", () => {
    const attributes = { ...call, "gen_ai.request.model": "openai/gpt-4o" };

    expect(
      counted(
        durations("delta", { ms: 1_000, startMs: 100, counts: [0, 1, 0, 0], attributes }),
        durations("delta", { ms: 11_000, startMs: 10_100, counts: [0, 1, 0, 0] }),
      ),
    ).toEqual({ ok: 2 });
  });
});

describe("what requests ended with", () => {
  it.each([
    ["RateLimitError", "rate_limit"],
    ["openai.APITimeoutError", "timeout"],
    ["529", "overloaded"],
    ["_OTHER", "other"],
  ])("is %s: %s", (error, outcome) => {
    const attributes = { ...call, "error.type": error };
    const point = { ms: 1_000, startMs: 0, counts: [2, 0, 0, 0], attributes };
    expect(counted(durations("delta", point))).toEqual({ [outcome]: 2 });
  });

  it("leaves failures that come at once out of the durations", () => {
    const attributes = { ...call, "error.type": "RateLimitError" };
    const [cell] = exported(
      durations(
        "delta",
        { ms: 1_000, startMs: 0, counts: [9, 0, 0, 0], attributes },
        { ms: 1_000, startMs: 0, counts: [0, 0, 4, 0] },
      ),
    );
    if (cell === undefined) expect.fail("no cell");
    const duration = sketch(cell, "duration");
    expect(sketchCount(duration)).toBe(4);
    const median = sketchQuantile(duration, 0.5) ?? 0;
    expect(median).toBeGreaterThan(200_000);
    expect(median).toBeLessThan(400_000);
  });
});

describe("tokens", () => {
  it("are told apart by type and add up", () => {
    const usage = (ms: number, type: string, sum: number): PointSketch => ({
      ms,
      startMs: ms - 1,
      bounds: [16, 64, 256],
      counts: [0, 1, 1, 0],
      sum,
      attributes: { ...call, "gen_ai.token.type": type },
    });
    const [cell] = exported({
      name: "gen_ai.client.token.usage",
      unit: "{token}",
      shape: "histogram",
      temporality: "delta",
      points: [usage(1_000, "input", 120), usage(1_000, "output", 90), usage(1_000, "cached", 50)],
    });
    if (cell === undefined) expect.fail("no cell");
    expect(counter(cell, "inputTokens")).toBe(120);
    expect(counter(cell, "outputTokens")).toBe(90);
    expect(sketchCount(sketch(cell, "outputTokens"))).toBe(2);
    expect(counter(cell, "requests")).toBe(0);
  });
});

const counterOf = (
  name: string,
  ...points: readonly (readonly [ms: number, value: number, attributes: Attributes])[]
): MetricSketch => ({
  name,
  shape: "sum",
  points: points.map(([ms, value, attributes]) => ({ ms, value, attributes })),
});

describe("model servers and proxies, as a Collector scrapes them", () => {
  it("gives vLLM's requests by how they finished", () => {
    const of = (finished_reason: string) => ({ model_name: "llama", engine: "0", finished_reason });
    const name = "vllm:request_success_total";
    const cells = exported(
      counterOf(name, [1_000, 100, of("stop")], [1_000, 10, of("length")], [1_000, 0, of("error")]),
      counterOf(
        name,
        [11_000, 104, of("stop")],
        [11_000, 13, of("length")],
        [11_000, 2, of("error")],
      ),
    );
    expect(outcomesOf(cells)).toEqual({ "vllm/llama/chat": { ok: 7, server_error: 2 } });
    expect(cells.reduce((sum, cell) => sum + counter(cell, "truncated"), 0)).toBe(3);
  });

  it("gives Envoy's requests by response code, and its retries", () => {
    const of = (code: string) => ({ envoy_cluster_name: "openai", envoy_response_code: code });
    const upstream = { envoy_cluster_name: "openai" };
    const [first, second] = [
      [1_000, 50, 5, 7],
      [11_000, 58, 9, 10],
    ].map(([ms = 0, good = 0, bad = 0, retries = 0]) =>
      encodeMetrics(
        { "service.name": "envoy" },
        counterOf("envoy_cluster_upstream_rq", [ms, good, of("200")], [ms, bad, of("503")]),
        counterOf("envoy_cluster_upstream_rq_retry", [ms, retries, upstream]),
      ),
    );
    const cells = metricRun([1_000, first as Uint8Array], [11_000, second as Uint8Array])
      .finish(30_000)
      .cells();
    expect(outcomesOf(cells)).toEqual({
      "http/envoy/upstream openai": { ok: 8, unavailable: 4 },
    });
    expect(cells.reduce((sum, cell) => sum + counter(cell, "retries"), 0)).toBe(3);
  });
});

describe("two metrics that tell of the same requests", () => {
  it("count once, by the one that stands first in the table", () => {
    const point = { ms: 1_000, startMs: 0, counts: [4, 0, 0, 0] };
    const client = durations("delta", point);
    const server = { ...client, name: "gen_ai.server.request.duration" };
    const cells = metricRun([1_000, encodeMetrics(app, server, client)])
      .finish(5_000)
      .cells();
    expect(outcomesOf(cells)).toEqual({ "openai/gpt-4o/chat": { ok: 4 } });
  });
});
