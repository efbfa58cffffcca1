/** Seeded healthy and faulty observations of every kind, as rough as real services are. */
import type { Observation, ObservationKind } from "../../detectors/detector.ts";
import { gamma, normal, poisson, type Random, seeded, sketchOf } from "./detect-traffic.ts";

export const seriesWindowMs = 60_000;
export const seriesStartMs = 1_800_000_000_000;

export type Fault = "none" | "up" | "down";

/** How strongly a fault moves a level: by this factor. */
const faultFactor = 4;

/** `daily`: twice as much by day as by night, for detectors that live on it. */
export type Shape = "flat" | "daily";

const dayMs = 86_400_000;

/**
 * An endless series: bursty traffic, overdispersed ratios, levels that wander (autocorrelation 0.9, 3 %).
 * `faultAt` says which windows are faulty.
 */
function* series(
  kind: ObservationKind,
  seed: number,
  faultAt: (index: number) => Fault = () => "none",
  shape: Shape = "flat",
): Generator<Observation> {
  const random = seeded(seed);
  let wander = 0;
  for (let index = 0; ; index++) {
    wander = 0.9 * wander + 0.03 * Math.sqrt(1 - 0.81) * normal(random);
    const windowStartMs = seriesStartMs + index * seriesWindowMs;
    const tide =
      shape === "daily" ? 0.7 * Math.sin((2 * Math.PI * (windowStartMs % dayMs)) / dayMs) : 0;
    yield observe(kind, { random, windowStartMs, tide, wander, fault: faultAt(index) });
  }
}

interface Window {
  readonly random: Random;
  readonly windowStartMs: number;
  /** Logarithms: of the time of day, and of what wanders by itself. */
  readonly tide: number;
  readonly wander: number;
  readonly fault: Fault;
}

function observe(kind: ObservationKind, window: Window): Observation {
  const { random, windowStartMs, tide, fault } = window;
  const requests = poisson(random, 12 * Math.exp(tide) * gamma(random, 3));
  const level = tide + window.wander;
  const factor = fault === "up" ? faultFactor : fault === "down" ? 1 / faultFactor : 1;
  switch (kind) {
    case "count":
      return {
        kind,
        count: fault === "down" ? 0 : fault === "up" ? 30 * requests + 500 : requests,
        windowStartMs,
      };
    case "ratio": {
      const p = fault === "none" ? 0.01 * gamma(random, 4) : 0.6;
      let bad = 0;
      for (let i = 0; i < requests; i++) if (random() < p) bad++;
      return { kind, bad, of: requests, windowStartMs };
    }
    case "level": {
      const noise = (0.4 * normal(random)) / Math.sqrt(Math.max(1, requests));
      const value = requests === 0 ? undefined : 1e6 * factor * Math.exp(level + noise);
      return { kind, value, count: requests, windowStartMs };
    }
    case "distribution": {
      const values = Array.from(
        { length: requests },
        () => 1e6 * factor * Math.exp(level + 0.4 * normal(random)),
      );
      return { kind, sketch: sketchOf(values), windowStartMs };
    }
  }
}

/** The first `count` of a series. */
export function take(
  kind: ObservationKind,
  seed: number,
  count: number,
  faultAt?: (index: number) => Fault,
  shape?: Shape,
): Observation[] {
  const taken: Observation[] = [];
  for (const observation of series(kind, seed, faultAt, shape)) {
    if (taken.length === count) break;
    taken.push(observation);
  }
  return taken;
}

/** A window that tells nothing. */
export function blindObservations(kind: ObservationKind, windowStartMs: number): Observation[] {
  switch (kind) {
    case "ratio":
      return [
        { kind, bad: 0, of: 0, windowStartMs },
        { kind, bad: Number.NaN, of: Number.NaN, windowStartMs },
      ];
    case "level":
      return [
        { kind, value: undefined, count: 0, windowStartMs },
        { kind, value: Number.NaN, count: 3, windowStartMs },
      ];
    case "count":
      return [{ kind, count: Number.NaN, windowStartMs }];
    case "distribution":
      return [{ kind, sketch: { buckets: [], counts: [] }, windowStartMs }];
  }
}

/** The same healthy window again and again. */
export function constantObservation(kind: ObservationKind, windowStartMs: number): Observation {
  switch (kind) {
    case "ratio":
      return { kind, bad: 0, of: 20, windowStartMs };
    case "level":
      return { kind, value: 1e6, count: 20, windowStartMs };
    case "count":
      return { kind, count: 20, windowStartMs };
    case "distribution":
      return { kind, sketch: sketchOf(new Array<number>(20).fill(1e6)), windowStartMs };
  }
}
