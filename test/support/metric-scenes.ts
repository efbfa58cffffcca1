/** Metrics as tests think of them, encoded by protobufjs and stepped through an aggregate task. */
import { parseCellKey } from "../../services/contracts/cell.ts";
import { counterIds } from "../../services/contracts/measures.ts";
import { outcomes } from "../../services/contracts/outcomes.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { AggregateRun, type Attributes, keyValues, sceneStartMs } from "./aggregate-harness.ts";
import { ExportMetricsServiceRequest } from "./otlp-proto.ts";

/** A point in the words of a test; times in ms from the start of the scene. */
export interface PointSketch {
  readonly ms: number;
  readonly startMs?: number;
  readonly attributes?: Attributes;
  readonly flags?: number;
  /** Of gauges and sums. */
  readonly value?: number;
  /** Of histograms. */
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
  readonly sum?: number;
  /** Of exponential histograms. */
  readonly scale?: number;
  readonly offset?: number;
  readonly zeroCount?: number;
}

export interface MetricSketch {
  readonly name: string;
  readonly unit?: string;
  readonly shape: "gauge" | "sum" | "histogram" | "exponentialHistogram";
  readonly temporality?: "delta" | "cumulative";
  readonly isMonotonic?: boolean;
  readonly points: readonly PointSketch[];
}

const nanos = (ms: number | undefined): string =>
  ms === undefined ? "0" : String(BigInt(sceneStartMs + ms) * 1_000_000n);
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

function pointOf(shape: MetricSketch["shape"], point: PointSketch) {
  const { counts = [], bounds = [], zeroCount = 0 } = point;
  const common = {
    timeUnixNano: nanos(point.ms),
    startTimeUnixNano: nanos(point.startMs),
    attributes: keyValues(point.attributes ?? {}),
    flags: point.flags ?? 0,
  };
  if (shape === "gauge" || shape === "sum") return { ...common, asDouble: point.value ?? 0 };
  const sum = point.sum ?? 0;
  if (shape === "histogram")
    return {
      ...common,
      sum,
      count: total(counts),
      bucketCounts: [...counts],
      explicitBounds: [...bounds],
    };
  return {
    ...common,
    sum,
    count: total(counts) + zeroCount,
    scale: point.scale ?? 0,
    zeroCount,
    positive: { offset: point.offset ?? 0, bucketCounts: [...counts] },
  };
}

export function encodeMetrics(
  resource: Attributes,
  ...metrics: readonly MetricSketch[]
): Uint8Array {
  return ExportMetricsServiceRequest.encode({
    resourceMetrics: [
      {
        resource: { attributes: keyValues(resource) },
        scopeMetrics: [
          {
            metrics: metrics.map(({ name, unit = "", shape, points, ...kind }) => ({
              name,
              unit,
              [shape]: {
                dataPoints: points.map((point) => pointOf(shape, point)),
                ...(shape !== "gauge" && {
                  aggregationTemporality: kind.temporality === "delta" ? 1 : 2,
                }),
                ...(shape === "sum" && { isMonotonic: kind.isMonotonic ?? true }),
              },
            })),
          },
        ],
      },
    ],
  });
}

/** A task that gets each request when its latest point was made. */
export function metricRun(...requests: readonly (readonly [ms: number, bytes: Uint8Array])[]) {
  const run = new AggregateRun({ task: "otlp_metrics/0" });
  for (const [ms, bytes] of requests) run.step(bytes, ms);
  return run;
}

/** `openai/gpt-4o/chat`, with the kind before it where it is HTTP, and the region behind it where there is one. */
export function nameOf({ cell }: CellWindow): string {
  const { kind, provider, model, region, operation } = parseCellKey(cell);
  const parts = kind === "http" ? ["http", provider, operation] : [provider, model, operation];
  return [...parts, ...(region === "" ? [] : [region])].join("/");
}

/** Requests by outcome, in all windows together: `{ "openai/gpt-4o/chat": { ok: 3 } }`. */
export function outcomesOf(cells: readonly CellWindow[]): Record<string, Record<string, number>> {
  const sums: Record<string, Record<string, number>> = {};
  for (const cell of cells) {
    if ((cell.counters[counterIds.requests] ?? 0) === 0) continue;
    const sum = sums[nameOf(cell)] ?? {};
    sums[nameOf(cell)] = sum;
    for (const outcome of outcomes) {
      const count = cell.counters[counterIds[outcome]] ?? 0;
      if (count > 0) sum[outcome] = (sum[outcome] ?? 0) + count;
    }
  }
  return sums;
}

/** A call of the OpenTelemetry GenAI conventions, as its metrics describe it. */
export const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
} as const;
export const app = { "service.name": "app", "service.instance.id": "1" };
export const bounds = [0.1, 0.2, 0.4];

/** Durations of calls, in four buckets. */
export const durations = (
  temporality: "delta" | "cumulative",
  ...points: readonly (PointSketch & { readonly counts: readonly number[] })[]
): MetricSketch => ({
  name: "gen_ai.client.operation.duration",
  unit: "s",
  shape: "histogram",
  temporality,
  points: points.map((point) => ({ bounds, attributes: call, ...point })),
});

/** Cells of exports, each a request of its own that arrives when its latest point was made. */
export function exported(...exports: readonly MetricSketch[]): CellWindow[] {
  const requests = exports.map((metric) => {
    const ms = Math.max(...metric.points.map((point) => point.ms));
    return [ms, encodeMetrics(app, metric)] as const;
  });
  return metricRun(...requests)
    .finish(90_000)
    .cells();
}

/** Calls in all windows of such exports, by outcome. */
export const counted = (...exports: readonly MetricSketch[]) =>
  outcomesOf(exported(...exports))["openai/gpt-4o/chat"];
