/**
 * Sums of (bad, of) over four trailing horizons: 1, 6, 24 and 120 windows (5 s, 30 s, 2 min and 10 min at 5 s windows). Small cells have
 * a handful of requests in a window, so evidence must add up. The longer horizons are made of blocks of 6 and 24
 * windows: 17 pairs of numbers instead of 120, at the price that they reach back up to a block further.
 */
export const horizonWindows = [1, 6, 24, 120] as const;

const fine = 6;
const middle = 5;
const coarse = 6;
const middleAt = 2 * fine;
const coarseAt = middleAt + 2 * middle;
const size = coarseAt + 2 * coarse;

export interface HorizonSums {
  /** Windows pushed so far. */
  pushed: number;
  /** Pairs (bad, of): 6 single windows, 5 blocks of 6, 6 blocks of 24; each a ring. */
  pairs: number[];
}

export function emptyHorizons(): HorizonSums {
  return { pushed: 0, pairs: new Array<number>(size).fill(0) };
}

/** Adds a window, in place. */
export function pushHorizons(sums: HorizonSums, bad: number, of: number): void {
  const { pairs, pushed } = sums;
  const single = 2 * (pushed % fine);
  pairs[single] = bad;
  pairs[single + 1] = of;
  addToBlock(pairs, middleAt + 2 * (Math.floor(pushed / 6) % middle), pushed % 6 === 0, bad, of);
  addToBlock(pairs, coarseAt + 2 * (Math.floor(pushed / 24) % coarse), pushed % 24 === 0, bad, of);
  sums.pushed = pushed + 1;
}

function addToBlock(pairs: number[], at: number, isNew: boolean, bad: number, of: number): void {
  pairs[at] = (isNew ? 0 : (pairs[at] as number)) + bad;
  pairs[at + 1] = (isNew ? 0 : (pairs[at + 1] as number)) + of;
}

/** Totals by horizon: `bad[i]` of `of[i]` over `horizonWindows[i]`. Shared buffers: read before the next call. */
export interface HorizonTotals {
  readonly bad: number[];
  readonly of: number[];
}

const totals: HorizonTotals = { bad: [0, 0, 0, 0], of: [0, 0, 0, 0] };

export function totalHorizons(sums: HorizonSums): HorizonTotals {
  const { pairs, pushed } = sums;
  const last = 2 * ((pushed + fine - 1) % fine);
  totals.bad[0] = pairs[last] as number;
  totals.of[0] = pairs[last + 1] as number;
  total(pairs, 0, middleAt, 1);
  total(pairs, middleAt, coarseAt, 2);
  total(pairs, coarseAt, size, 3);
  return totals;
}

function total(pairs: number[], from: number, to: number, horizon: number): void {
  let bad = 0;
  let of = 0;
  for (let i = from; i < to; i += 2) {
    bad += pairs[i] as number;
    of += pairs[i + 1] as number;
  }
  totals.bad[horizon] = bad;
  totals.of[horizon] = of;
}

/** The block of 6 (or 24) windows that the last push completed; undefined when it completed none. */
export function completedBlock(
  sums: HorizonSums,
  length: 6 | 24,
): { readonly bad: number; readonly of: number } | undefined {
  if (sums.pushed === 0 || sums.pushed % length !== 0) return undefined;
  const block = Math.floor((sums.pushed - 1) / length);
  const at = length === 6 ? middleAt + 2 * (block % middle) : coarseAt + 2 * (block % coarse);
  return { bad: sums.pairs[at] as number, of: sums.pairs[at + 1] as number };
}
