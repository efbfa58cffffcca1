/** How much a cumulative stream has grown between two of its points. */
import type { Buckets, ExponentialBuckets, Tally } from "./metric-point.ts";

/** `now` − `before`; undefined where something fell, or where buckets are others: the stream began anew in between. */
export function growth(now: Tally, before: Tally): Tally | undefined {
  if (now.count < before.count) return undefined;
  if (now.buckets === undefined || before.buckets === undefined)
    return {
      count: Math.round(now.count) - Math.round(before.count),
      sum: roundedSum(now.sum, before.sum),
      buckets: undefined,
    };
  const buckets = bucketGrowth(now.buckets, before.buckets);
  if (buckets === undefined) return undefined;
  return { count: now.count - before.count, sum: roundedSum(now.sum, before.sum), buckets };
}

/** Whether two tallies can be compared. Buckets that were changed without a new start leave nothing to say of what lies between. */
export function haveSameShape(left: Tally, right: Tally): boolean {
  const { buckets: one } = left;
  const { buckets: other } = right;
  if (one === undefined || other === undefined) return one === other;
  if (one.kind === "explicit" && other.kind === "explicit")
    return haveSameBounds(one.bounds, other.bounds);
  return one.kind === other.kind;
}

/** Sums are doubles whose errors must not add up: each is rounded to thousandths by itself. */
function roundedSum(now: number, before: number): number {
  const rounded = (value: number) => Math.round(value * 1_000) / 1_000;
  return Math.max(0, rounded(now) - rounded(before));
}

function bucketGrowth(now: Buckets, before: Buckets): Buckets | undefined {
  if (now.kind === "explicit" && before.kind === "explicit") {
    if (!haveSameBounds(now.bounds, before.bounds)) return undefined;
    const counts = now.counts.map((count, i) => count - (before.counts[i] ?? 0));
    return counts.some((count) => count < 0) ? undefined : { ...now, counts };
  }
  if (now.kind === "exponential" && before.kind === "exponential")
    return exponentialGrowth(now, before);
  return undefined;
}

function haveSameBounds(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((bound, i) => bound === right[i]);
}

/** At the coarser of the two scales: halving a scale joins neighbouring buckets exactly. */
function exponentialGrowth(
  now: ExponentialBuckets,
  before: ExponentialBuckets,
): ExponentialBuckets | undefined {
  const scale = Math.min(now.scale, before.scale);
  const left = countsAt(now, scale);
  const right = countsAt(before, scale);
  for (const [index, count] of right) {
    const more = (left.get(index) ?? 0) - count;
    if (more < 0) return undefined;
    left.set(index, more);
  }
  const zeroCount = now.zeroCount - before.zeroCount;
  if (zeroCount < 0) return undefined;
  const used = [...left].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
  const offset = used[0]?.[0] ?? 0;
  const last = used.at(-1)?.[0] ?? offset - 1;
  const counts = new Array<number>(last - offset + 1).fill(0);
  for (const [index, count] of used) counts[index - offset] = count;
  return { kind: "exponential", scale, offset, zeroCount, counts };
}

function countsAt({ scale: own, offset, counts }: ExponentialBuckets, scale: number) {
  const joined = new Map<number, number>();
  const width = 2 ** (own - scale);
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const index = Math.floor((offset + i) / width);
    joined.set(index, (joined.get(index) ?? 0) + count);
  }
  return joined;
}
