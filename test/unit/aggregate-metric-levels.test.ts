/** Levels, such as requests in flight: whose they are, and how long a reading holds. */
import { describe, expect, it } from "vitest";
import {
  app,
  bounds,
  encodeMetrics,
  exported,
  type MetricSketch,
  metricRun,
  nameOf,
  outcomesOf,
} from "../support/metric-scenes.ts";

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
