/** Points of histograms, cumulative, delta and exponential: what each adds, and what it does not. */
import { describe, expect, it } from "vitest";
import { sketchCount, sketchQuantile } from "../../detectors/sketch.ts";
import { sketch } from "../../services/contracts/window.ts";
import {
  call,
  counted,
  durations,
  exported,
  type MetricSketch,
  type PointSketch,
} from "../support/metric-scenes.ts";

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
