/** Counts by value of the dimensions beside the cell, for one cell at a time. Enough for attribution, never a series. */
import type { DimensionCounts, DimensionValue } from "../../contracts/window.ts";
import { limitDimensionValues } from "../../contracts/window-merge.ts";
import { type Candidates, candidate } from "../spans/candidates.ts";

export interface DimensionAccumulator {
  add(
    candidates: Candidates,
    at: number,
    request: {
      readonly weight: number;
      readonly failed: boolean;
      readonly limited: boolean;
      readonly latencyUs: number;
    },
  ): void;
  /** What was added since the last call, dimensions and values in their order. */
  take(textOf: (id: number) => string): DimensionCounts[];
}

/** Half octaves of µs up to a day. */
const latencyBuckets = 80;
const requestsAt = 0;
const failuresAt = 1;
const limitedAt = 2;
const latencyAt = 3;
const stride = latencyAt + latencyBuckets;

/** ⌊2·log2 v⌋ for integers v ≥ 1, 0 below, without a logarithm: the same on every machine. */
function halfOctave(value: number): number {
  if (!(value >= 1)) return 0;
  let octave = 31 - Math.clz32(Math.min(value, 2 ** 31));
  if (value >= 2 ** 32) octave = 32 + (31 - Math.clz32(Math.floor(value / 2 ** 32)));
  const half = value >= Math.SQRT2 * 2 ** octave ? 1 : 0;
  return Math.min(latencyBuckets - 1, 2 * octave + half);
}

export function createDimensionCounts(names: readonly string[]): DimensionAccumulator {
  const found: Map<number, number>[] = names.map(() => new Map());
  const lastId = new Int32Array(names.length);
  const lastSlot = new Int32Array(names.length);
  let stats = new Float64Array(stride * 32);
  let slots = 0;

  function slotOf(dimension: number, id: number): number {
    if (lastId[dimension] === id) return lastSlot[dimension] as number;
    const values = found[dimension] as Map<number, number>;
    let slot = values.get(id);
    if (slot === undefined) {
      slot = slots++;
      values.set(id, slot);
      if (slots * stride > stats.length) {
        const grown = new Float64Array(stats.length * 2);
        grown.set(stats);
        stats = grown;
      }
    }
    lastId[dimension] = id;
    lastSlot[dimension] = slot;
    return slot;
  }

  return {
    add(candidates, at, request) {
      const bucket = latencyAt + halfOctave(request.latencyUs);
      for (let i = 0; i < names.length; i++) {
        const id = candidates.data[at + candidate.dimensions + i] as number;
        if (id === 0) continue;
        const slot = slotOf(i, id) * stride;
        stats[slot] = (stats[slot] as number) + request.weight;
        if (request.failed)
          stats[slot + failuresAt] = (stats[slot + failuresAt] as number) + request.weight;
        if (request.limited)
          stats[slot + limitedAt] = (stats[slot + limitedAt] as number) + request.weight;
        stats[slot + bucket] = (stats[slot + bucket] as number) + request.weight;
      }
    },
    take(textOf) {
      const taken: DimensionCounts[] = [];
      for (const [i, dimension] of names.entries()) {
        const values = found[i] as Map<number, number>;
        lastId[i] = 0;
        if (values.size === 0) continue;
        const counted = [...values].map(([id, slot]) => valueAt(stats, slot * stride, textOf(id)));
        values.clear();
        taken.push({ dimension, values: limitDimensionValues(counted) });
      }
      stats.fill(0, 0, slots * stride);
      slots = 0;
      return taken.sort((a, b) => (a.dimension < b.dimension ? -1 : 1));
    },
  };
}

function valueAt(stats: Float64Array, at: number, value: string): DimensionValue {
  const buckets: number[] = [];
  const counts: number[] = [];
  for (let bucket = 0; bucket < latencyBuckets; bucket++) {
    const count = stats[at + latencyAt + bucket] as number;
    if (count === 0) continue;
    buckets.push(bucket);
    counts.push(count);
  }
  return {
    value,
    requests: stats[at + requestsAt] as number,
    failures: stats[at + failuresAt] as number,
    limited: stats[at + limitedAt] as number,
    latency: { buckets, counts },
  };
}
