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
/** Windows that the ring of the longest blocks reaches over. */
const longest = 24 * coarse;

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
  // Whole division: a log of windows of a second is shorter than 2^31.
  addToBlock(pairs, middleAt + 2 * (((pushed / 6) | 0) % middle), pushed % 6 === 0, bad, of);
  addToBlock(pairs, coarseAt + 2 * (((pushed / 24) | 0) % coarse), pushed % 24 === 0, bad, of);
  sums.pushed = pushed + 1;
}

/** Adds `windows` windows without requests, in place: as `pushHorizons(sums, 0, 0)` so many times. */
export function skipHorizons(sums: HorizonSums, windows: number): void {
  const { pairs } = sums;
  const end = sums.pushed + windows;
  // Every slot has come round: nothing else is left to know.
  if (windows >= longest) pairs.fill(0);
  else
    for (let pushed = sums.pushed; pushed < end; pushed++) {
      clear(pairs, 2 * (pushed % fine));
      if (pushed % 6 !== 0) continue;
      clear(pairs, middleAt + 2 * (Math.floor(pushed / 6) % middle));
      if (pushed % 24 === 0) clear(pairs, coarseAt + 2 * (Math.floor(pushed / 24) % coarse));
    }
  sums.pushed = end;
}

function clear(pairs: number[], at: number): void {
  pairs[at] = 0;
  pairs[at + 1] = 0;
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

/** Whether there is any bad one in the longest horizon, and so in any. */
export function hasBad({ pairs }: HorizonSums): boolean {
  for (let i = coarseAt; i < size; i += 2) if (pairs[i] !== 0) return true;
  return false;
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

/** A part of a horizon is significantly lower than the rest when the difference is below this, in standard deviations. */
const lowerThan = -2.6;

/**
 * Whether horizon h (index) speaks of the past: at some block boundary inside it, what came after is significantly lower than what
 * came before (two-sample test of proportions). What is still bad shows in a shorter horizon.
 */
export function isOver(sums: HorizonSums, horizon: number, bad: number, of: number): boolean {
  const { pushed } = sums;
  const total = { bad, of };
  if (horizon === 0 || bad === 0) return false;
  if (fallsAt(sums, total, { from: 0, slots: fine, newest: pushed - 1 })) return true;
  if (horizon === 1) return false;
  const block = Math.floor((pushed - 1) / 6);
  if (fallsAt(sums, total, { from: middleAt, slots: middle, newest: block })) return true;
  if (horizon === 2) return false;
  const long = Math.floor((pushed - 1) / 24);
  return fallsAt(sums, total, { from: coarseAt, slots: coarse, newest: long });
}

function fallsAt(
  { pairs }: HorizonSums,
  total: { readonly bad: number; readonly of: number },
  ring: { readonly from: number; readonly slots: number; readonly newest: number },
): boolean {
  let bad = 0;
  let of = 0;
  const ratio = total.bad / total.of;
  for (let age = 0; age < ring.slots && age <= ring.newest; age++) {
    const at = ring.from + 2 * ((ring.newest - age) % ring.slots);
    bad += pairs[at] as number;
    of += pairs[at + 1] as number;
    const before = total.of - of;
    if (of <= 0 || before <= 0) continue;
    const difference = bad / of - (total.bad - bad) / before;
    const deviation = Math.sqrt(ratio * (1 - ratio) * (1 / of + 1 / before));
    if (difference < lowerThan * deviation) return true;
  }
  return false;
}
