/** Seeded healthy and faulty traffic as window batches, for tests of detect: a few lines instead of a fleet. */
import { bucketOf, type SparseSketch } from "../../detectors/sketch.ts";
import type { CellKey } from "../../services/contracts/cell.ts";
import { sketchIds } from "../../services/contracts/measures.ts";
import type { Outcome } from "../../services/contracts/outcomes.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { counters } from "./records.ts";

/** Uniform in [0, 1). */
export type Random = () => number;

/** Mulberry32: small, seeded, good enough for traffic. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function poisson(random: Random, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  let count = -1;
  for (let product = 1, floor = Math.exp(-mean); product > floor; product *= random()) count++;
  return Math.max(0, count);
}

/** Gamma of shape `shape` and mean 1 (Marsaglia and Tsang 2000): makes Poisson counts bursty. */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random() ** (1 / shape) * ((shape + 1) / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v))
      return (d * v) / shape;
  }
}

export interface TrafficShape {
  /** Requests a second on average. */
  readonly ratePerS: number;
  /** Median time to first token, s, and its logarithmic standard deviation. */
  readonly ttftS: number;
  readonly logDeviation: number;
  readonly errorRatio: number;
  readonly limitRatio: number;
  /** Shape of the gamma that each window's rate is multiplied with: small is bursty. */
  readonly burstShape: number;
}

export const healthyTraffic: TrafficShape = {
  ratePerS: 1.2,
  ttftS: 0.9,
  logDeviation: 0.4,
  errorRatio: 0.003,
  limitRatio: 0.01,
  burstShape: 3,
};

/** One cell's window of 5 s. */
export function trafficWindow(cell: CellKey, random: Random, shape: TrafficShape): CellWindow {
  const requests = poisson(random, shape.ratePerS * 5 * gamma(random, shape.burstShape));
  const outcomes: Partial<Record<Outcome, number>> = {};
  const ttft: number[] = [];
  const duration: number[] = [];
  const outputTokens: number[] = [];
  const inputTokens: number[] = [];
  for (let i = 0; i < requests; i++) {
    const u = random();
    const outcome: Outcome =
      u < shape.errorRatio
        ? "server_error"
        : u < shape.errorRatio + shape.limitRatio
          ? "rate_limit"
          : "ok";
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    inputTokens.push(Math.exp(6.6 + normal(random)));
    if (outcome !== "ok") continue;
    const first = shape.ttftS * 1e6 * Math.exp(shape.logDeviation * normal(random));
    const tokens = Math.max(1, Math.round(Math.exp(5 + 0.86 * normal(random))));
    ttft.push(first);
    outputTokens.push(tokens);
    duration.push(first + tokens * 15_000 * Math.exp(0.2 * normal(random)));
  }
  return {
    cell,
    counters: counters({ requests, spans: requests, ...outcomes }),
    sketches: {
      [sketchIds.timeToFirstToken]: sketchOf(ttft),
      [sketchIds.duration]: sketchOf(duration),
      [sketchIds.outputTokens]: sketchOf(outputTokens),
      [sketchIds.inputTokens]: sketchOf(inputTokens),
    },
    breadth: {},
    dimensions: [],
    gauges: {},
    examples: [],
  };
}

export function sketchOf(values: readonly number[]): SparseSketch {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bucket = bucketOf(value);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return { buckets: sorted.map(([bucket]) => bucket), counts: sorted.map(([, count]) => count) };
}
