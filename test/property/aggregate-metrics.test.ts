/** Metrics tasks that are stopped and begin again, and histograms as sketches. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createSketchBuilder,
  sketchCount,
  sketchQuantile,
  takeSketch,
} from "../../detectors/sketch.ts";
import { aggregateStage } from "../../services/aggregate/aggregate.ts";
import { addTally } from "../../services/aggregate/metrics/bucket-sketch.ts";
import { growth } from "../../services/aggregate/metrics/tally-difference.ts";
import type { InputRecord, OutputRecord } from "../../services/stage.ts";
import { contextOf, sceneStartMs } from "../support/aggregate-harness.ts";
import { encodeMetrics, type MetricSketch } from "../support/metric-scenes.ts";

const bounds = [0.1, 1, 10];

/** Few streams that rise, fall, restart, come late and come twice. */
const step = fc.record({
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 12_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 400_000 }) },
  ),
  ageMs: fc.integer({ min: -1_000, max: 20_000 }),
  startAgoMs: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }),
  counts: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 4 }),
  instance: fc.integer({ min: 1, max: 2 }),
  error: fc.constantFrom(undefined, "RateLimitError", "TimeoutError"),
  what: fc.constantFrom("cumulative", "cumulative", "delta", "level", "ended", "heartbeat"),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function metricOf(one: Step, ms: number): MetricSketch {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    ...(one.error !== undefined && { "error.type": one.error }),
  };
  const start = one.startAgoMs === undefined ? {} : { startMs: ms - one.startAgoMs };
  if (one.what === "level" || one.what === "ended")
    return {
      name: "vllm:num_requests_running",
      shape: "gauge",
      points: [
        {
          ms,
          value: one.counts[0] ?? 0,
          flags: one.what === "ended" ? 1 : 0,
          attributes: { model_name: "m" },
        },
      ],
    };
  return {
    name: "gen_ai.client.operation.duration",
    unit: "s",
    shape: "histogram",
    temporality: one.what === "delta" ? "delta" : "cumulative",
    points: [{ ms, ...start, bounds, counts: one.counts, sum: 1, attributes }],
  };
}

function recordsOf(steps: readonly Step[]): InputRecord[] {
  let appendMs = 500_000;
  return steps.map((one, offset) => {
    appendMs += one.afterMs;
    const value =
      one.what === "heartbeat"
        ? new Uint8Array(0)
        : encodeMetrics(
            { "service.name": "app", "service.instance.id": String(one.instance) },
            metricOf(one, appendMs - one.ageMs),
          );
    return {
      topic: "otlp_metrics",
      partition: 0,
      offset,
      appendMs: sceneStartMs + appendMs,
      value,
      headers: {},
    };
  });
}

const asText = (outputs: readonly OutputRecord[]) =>
  outputs.map(({ value }) => Buffer.from(value).toString("base64"));

describe("a metrics task", () => {
  it("writes the same after any number of restarts as one that never stopped, bit for bit", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
        (steps, stops) => {
          const records = recordsOf(steps);
          const untilMs = (records.at(-1)?.appendMs ?? sceneStartMs) + 60_000;
          const context = contextOf({ task: "otlp_metrics/0" });
          const undisturbed = aggregateStage.create(context);
          const expected = records.flatMap((one) => [...undisturbed.step(one).outputs]);
          expected.push(...(undisturbed.finish?.(untilMs).outputs ?? []));

          let reducer = aggregateStage.create(context);
          const outputs: OutputRecord[] = [];
          const pending = [...stops].sort((a, b) => a - b);
          let next = 0;
          while (next < records.length) {
            outputs.push(...reducer.step(records[next] as InputRecord).outputs);
            next++;
            if (pending[0] === undefined || next <= pending[0]) continue;
            pending.shift();
            const { chunks, rewindTo } = reducer.snapshot();
            reducer = aggregateStage.create(context, chunks);
            next = rewindTo ?? next;
          }
          outputs.push(...(reducer.finish?.(untilMs).outputs ?? []));
          expect(asText(outputs)).toEqual(asText(expected));
        },
      ),
      { numRuns: 200 },
    );
  });
});

const microseconds = 1_000_000;
const values = fc.array(fc.double({ min: 0.001, max: 500, noNaN: true }), {
  minLength: 1,
  maxLength: 60,
});

function sketched(tally: Parameters<typeof addTally>[1]) {
  const builder = createSketchBuilder();
  addTally(builder, tally, microseconds);
  return takeSketch(builder);
}

/** The value at rank ⌈q·n⌉, as sketches have it. */
function exact(all: readonly number[], q: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}

const quantiles = [0.05, 0.5, 0.95, 1];

describe("a histogram as a sketch", () => {
  it("has as many values, and each quantile in the bucket that the value at it lies in", () => {
    const limits = Array.from({ length: 14 }, (_, i) => 0.01 * 2 ** i);
    fc.assert(
      fc.property(values, (all) => {
        const counts = new Array<number>(limits.length + 1).fill(0);
        const bucketOf = (value: number) => {
          const found = limits.findIndex((limit) => value <= limit);
          return found < 0 ? limits.length : found;
        };
        for (const value of all) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
        const buckets = { kind: "explicit", bounds: limits, counts } as const;
        const sketch = sketched({ count: all.length, sum: 0, buckets });
        expect(sketchCount(sketch)).toBe(all.length);
        for (const q of quantiles) {
          const bucket = bucketOf(exact(all, q));
          const seen = (sketchQuantile(sketch, q) ?? 0) / microseconds;
          const low = bucket === 0 ? 0 : (limits[bucket - 1] as number);
          const high = limits[bucket] ?? low;
          expect(seen).toBeGreaterThanOrEqual(low * (1 - 1 / 128));
          expect(seen).toBeLessThanOrEqual(high * (1 + 1 / 128));
        }
      }),
    );
  });

  it.each([
    [0, 1],
    [3, 2 ** (1 / 8) - 1],
    [6, 2 ** (1 / 64) - 1],
  ])("is off by less than a bucket of an exponential one, scale %i", (scale, width) => {
    fc.assert(
      fc.property(values, (all) => {
        const indices = all.map((value) => Math.ceil(Math.log2(value) * 2 ** scale) - 1);
        const offset = Math.min(...indices);
        const counts = new Array<number>(Math.max(...indices) - offset + 1).fill(0);
        for (const index of indices) counts[index - offset] = (counts[index - offset] ?? 0) + 1;
        const buckets = { kind: "exponential", scale, offset, zeroCount: 0, counts } as const;
        const sketch = sketched({ count: all.length, sum: 0, buckets });
        expect(sketchCount(sketch)).toBe(all.length);
        for (const q of quantiles) {
          const seen = (sketchQuantile(sketch, q) ?? 0) / microseconds;
          const wanted = exact(all, q);
          expect(Math.abs(seen - wanted) / wanted).toBeLessThanOrEqual(width + 1 / 64);
        }
      }),
    );
  });

  it("has grown by what was added, at whatever scales", () => {
    const exponential = fc.record({
      scale: fc.integer({ min: -2, max: 6 }),
      first: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 20 }),
      more: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 20 }),
      offset: fc.integer({ min: -30, max: 30 }),
    });
    fc.assert(
      fc.property(exponential, ({ scale, first, more, offset }) => {
        const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
        const length = Math.max(first.length, more.length);
        const both = Array.from({ length }, (_, i) => (first[i] ?? 0) + (more[i] ?? 0));
        const tally = (counts: readonly number[]) => ({
          count: total(counts),
          sum: 0,
          buckets: { kind: "exponential", scale, offset, zeroCount: 0, counts } as const,
        });
        const grown = growth(tally(both), tally(first));
        expect(grown?.count).toBe(total(more));
        expect(sketched(grown ?? tally([]))).toEqual(sketched(tally(more)));
      }),
    );
  });
});
