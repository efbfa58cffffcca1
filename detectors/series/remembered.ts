/**
 * Novelty of a value: how far it lies from the nearest one that was seen before, as a share of the range seen before. What came once
 * is no news the second time, however far out it lies.
 * Source: nearest-neighbour novelty, one dimension; a bounded memory of representatives that are merged when they lie close.
 * Cost: a binary search a value; at most `capacity` numbers of state.
 */
export interface Remembered {
  /** Sorted. */
  values: number[];
  low: number;
  high: number;
}

const capacity = 500;
/** Share of the range within which two values are the same one. */
const mergeShare = 0.01;

export const nothingRemembered = (): Remembered => ({
  values: [],
  low: Number.POSITIVE_INFINITY,
  high: Number.NEGATIVE_INFINITY,
});

/**
 * Novelty of `value` in [0, 1], and remembers it, in place. 0 for the first value; 1 where all before were the same. `range` is the
 * whole range where it is known beforehand.
 */
export function noveltyOf(memory: Remembered, value: number, range?: number): number {
  const { values } = memory;
  const at = placeOf(values, value);
  const nearest = Math.min(
    (values[at] ?? Number.POSITIVE_INFINITY) - value,
    value - (values[at - 1] ?? Number.NEGATIVE_INFINITY),
  );
  const before = range ?? memory.high - memory.low;
  let novelty = 0;
  if (values.length > 0 && nearest > 0) novelty = before > 0 ? Math.min(1, nearest / before) : 1;
  if (value < memory.low) memory.low = value;
  if (value > memory.high) memory.high = value;
  const after = range ?? memory.high - memory.low;
  if (values.length === 0 || nearest > mergeShare * after) {
    if (values.length >= capacity) forgetClosest(values);
    values.splice(placeOf(values, value), 0, value);
  }
  return novelty;
}

/** Index of the first remembered value that is not below `value`. */
function placeOf(values: readonly number[], value: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((values[middle] as number) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Of the two values that lie closest one is enough. */
function forgetClosest(values: number[]): void {
  let closest = 1;
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < values.length; i++) {
    const between = (values[i] as number) - (values[i - 1] as number);
    if (between < gap) {
      gap = between;
      closest = i;
    }
  }
  values.splice(closest, 1);
}
