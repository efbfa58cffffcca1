/** Sums and histograms of metrics as requests, times and tokens: what they add, and what they do not. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import { metricMappings } from "../../services/aggregate/conventions/metric-table.ts";
import { counter, sketch } from "../../services/contracts/window.ts";
import { metricsDocument } from "../libraries/metrics-document.ts";
import type { Attributes } from "../support/aggregate-harness.ts";
import {
  encodeMetrics,
  type MetricSketch,
  metricRun,
  nameOf,
  outcomesOf,
  type PointSketch,
} from "../support/metric-scenes.ts";

const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
} as const;
const app = { "service.name": "app", "service.instance.id": "1" };
const bounds = [0.1, 0.2, 0.4];

const durations = (
  temporality: "delta" | "cumulative",
  ...points: readonly (PointSketch & { readonly counts: readonly number[] })[]
): MetricSketch => ({
  name: "gen_ai.client.operation.duration",
  unit: "s",
  shape: "histogram",
  temporality,
  points: points.map((point) => ({ bounds, attributes: call, ...point })),
});

/** Exports ten seconds apart; each is a request of its own. */
function exported(...exports: readonly MetricSketch[]) {
  const requests = exports.map((metric) => {
    const ms = Math.max(...metric.points.map((point) => point.ms));
    return [ms, encodeMetrics(app, metric)] as const;
  });
  return metricRun(...requests)
    .finish(90_000)
    .cells();
}

const counted = (...exports: readonly MetricSketch[]) =>
  outcomesOf(exported(...exports))["openai/gpt-4o/chat"];

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

describe("a cumulative histogram", () => {
  it("adds what it has grown by; what it began with is none of ours", () => {
    expect(
      counted(
        durations("cumulative", { ms: 1_000, startMs: -60_000, counts: [5, 1, 0, 0] }),
        durations("cumulative", { ms: 11_000, startMs: -60_000, counts: [7, 1, 1, 0] }),
        durations("cumulative", { ms: 21_000, startMs: -60_000, counts: [7, 1, 1, 0] }),
        durations("cumulative", { ms: 31_000, startMs: -60_000, counts: [7, 1, 2, 0] }),
      ),
    ).toEqual({ ok: 4 });
  });

  it("adds all of it after it began anew, by another start", () => {
    expect(
      counted(
        durations("cumulative", { ms: 1_000, startMs: -60_000, counts: [5, 0, 0, 0] }),
        durations("cumulative", { ms: 11_000, startMs: 5_000, counts: [6, 0, 0, 0] }),
      ),
    ).toEqual({ ok: 6 });
  });

  it.each([
    ["without starts", undefined],
    ["with the old start", -60_000],
  ])("adds all of it after it fell, %s", (_, startMs) => {
    const start = startMs === undefined ? {} : { startMs };
    expect(
      counted(
        durations("cumulative", { ms: 1_000, ...start, counts: [5, 0, 0, 0] }),
        durations("cumulative", { ms: 11_000, ...start, counts: [2, 1, 0, 0] }),
      ),
    ).toEqual({ ok: 3 });
  });

  it("adds what it has grown by where a scraper began anew: its first point says nothing of a start", () => {
    expect(
      counted(
        durations("cumulative", { ms: 1_000, startMs: 1_000, counts: [500, 0, 0, 0] }),
        durations("cumulative", { ms: 11_000, startMs: 1_000, counts: [503, 0, 0, 0] }),
        durations("cumulative", { ms: 21_000, startMs: 21_000, counts: [507, 0, 0, 0] }),
        durations("cumulative", { ms: 31_000, startMs: 21_000, counts: [508, 0, 0, 0] }),
      ),
    ).toEqual({ ok: 8 });
  });

  it("adds all of a stream that its sender had nothing to tell of before", () => {
    const limited = { ...call, "error.type": "RateLimitError" };
    const startMs = -60_000;
    expect(
      counted(
        durations("cumulative", { ms: 1_000, startMs, counts: [5, 0, 0, 0] }),
        durations(
          "cumulative",
          { ms: 11_000, startMs, counts: [6, 0, 0, 0] },
          { ms: 11_000, startMs, counts: [9, 0, 0, 0], attributes: limited },
        ),
      ),
    ).toEqual({ ok: 1, rate_limit: 9 });
  });

  it("adds all of a process that was started later than the first window", () => {
    expect(
      counted(
        durations("cumulative", { ms: 1_000, startMs: -60_000, counts: [5, 0, 0, 0] }),
        durations("cumulative", {
          ms: 21_000,
          startMs: 12_000,
          counts: [4, 0, 0, 0],
          attributes: { ...call, "server.address": "other" },
        }),
      ),
    ).toEqual({ ok: 4 });
  });

  it("says nothing of points that come twice, or of other bounds without a new start", () => {
    const first = durations("cumulative", { ms: 1_000, startMs: -60_000, counts: [5, 0, 0, 0] });
    const second = durations("cumulative", { ms: 11_000, startMs: -60_000, counts: [8, 0, 0, 0] });
    const other = durations("cumulative", {
      ms: 21_000,
      startMs: -60_000,
      counts: [90, 0, 0, 0],
      bounds: [1, 2, 3],
    });
    expect(counted(first, second, second, other)).toEqual({ ok: 3 });
  });
});

describe("a delta histogram", () => {
  it("adds each of its points once", () => {
    const first = durations("delta", { ms: 1_000, startMs: 0, counts: [5, 0, 0, 0] });
    const second = durations("delta", { ms: 11_000, startMs: 1_000, counts: [2, 0, 0, 1] });
    expect(counted(first, first, second)).toEqual({ ok: 8 });
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

describe("an exponential histogram", () => {
  const exponential = (...points: readonly PointSketch[]): MetricSketch => ({
    name: "gen_ai.server.time_to_first_token",
    unit: "s",
    shape: "exponentialHistogram",
    temporality: "cumulative",
    points: points.map((point) => ({ attributes: call, ...point })),
  });

  it("gives the times that it has grown by, also when its scale became coarser in between", () => {
    // Scale 1: (2^0.5, 2] is bucket 1, (2, 2^1.5] bucket 2. At scale 0 both (1, 2] and (2, 4] are buckets 0 and 1.
    const first = exponential({ ms: 1_000, startMs: -60_000, scale: 1, offset: 1, counts: [3, 1] });
    const second = exponential({
      ms: 11_000,
      startMs: -60_000,
      scale: 0,
      offset: 0,
      counts: [3, 6],
    });
    const cell = exported(first, second).find(
      (one) => sketchCount(sketch(one, "timeToFirstToken")) > 0,
    );
    if (cell === undefined) expect.fail("no cell");
    const times = sketch(cell, "timeToFirstToken");
    expect(sketchCount(times)).toBe(5);
    expect(sketchQuantile(times, 0) ?? 0).toBeGreaterThanOrEqual(2_000_000);
    expect(sketchQuantile(times, 1) ?? 0).toBeLessThanOrEqual(4_000_000 * 1.008);
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

describe("levels", () => {
  const active = (ms: number, value: number, flags = 0): MetricSketch => ({
    name: "http.server.active_requests",
    shape: "sum",
    isMonotonic: false,
    points: [{ ms, value, flags, attributes: { "http.request.method": "POST" } }],
  });
  const gaugesIn = (cells: ReturnType<typeof exported>) =>
    cells.map((cell) => [nameOf(cell), cell.gauges["http.server.active_requests"]]);

  it("without a route are the service's, and hold between exports for three of their intervals", () => {
    const cells = exported(active(1_000, 3), active(11_000, 4));
    // Windows from 0 to 45 s: the last reading at 11 s holds for 30 s, to the end of the window that ends at 40 s.
    expect(gaugesIn(cells)).toEqual(
      [...[3_000, 3_000], ...[4_000, 4_000, 4_000, 4_000, 4_000, 4_000]].map((value) => [
        "http/app/all routes",
        value,
      ]),
    );
  });

  it("end where a scrape says so", () => {
    const cells = exported(active(1_000, 3), active(6_000, 0, 1));
    expect(gaugesIn(cells)).toEqual([["http/app/all routes", 3_000]]);
  });

  it("have what the service's routes completed beside them, also where that is nothing", () => {
    const served = (ms: number, count: number): MetricSketch => ({
      name: "http.server.request.duration",
      unit: "s",
      shape: "histogram",
      points: [
        {
          ms,
          bounds,
          counts: [count, 0, 0, 0],
          attributes: {
            "http.route": "/chat",
            "http.request.method": "POST",
            "http.response.status_code": 200,
          },
        },
      ],
    });
    const at = (ms: number, count: number) =>
      [ms, encodeMetrics(app, active(ms, 3), served(ms, count))] as const;
    const cells = metricRun(at(1_000, 50), at(6_000, 58), at(11_000, 58)).finish(15_000).cells();
    const whole = cells.filter((cell) => nameOf(cell) === "http/app/all routes");
    expect(whole.map(({ gauges }) => gauges["completed"])).toEqual([0, 8_000, 0]);
    expect(outcomesOf(cells)).toEqual({ "http/app/POST /chat": { ok: 8 } });
  });
});

describe("the table of mappings", () => {
  it("is what docs/metrics.md says, which test/libraries/write-document.ts writes", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
    expect(page).toBe(metricsDocument());
  });

  it("has each name once", () => {
    const names = metricMappings.flatMap((mapping) => mapping.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
