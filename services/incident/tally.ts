/** Counts that fade, and usual ratios that are learnt slowly: the memory behind every decision. */

/** Bad requests of how many, and how many bad ones would have been usual. */
export interface Tally {
  bad: number;
  of: number;
  expected: number;
}

export const emptyTally = (): Tally => ({ bad: 0, of: 0, expected: 0 });

/** Factor by which a count fades in a window. */
export function fadePerWindow(halfLifeMs: number, windowMs: number): number {
  return 2 ** (-windowMs / halfLifeMs);
}

export function fade(tally: Tally, factor: number): void {
  tally.bad *= factor;
  tally.of *= factor;
  tally.expected *= factor;
}

export function add(tally: Tally, more: Readonly<Tally>): void {
  tally.bad += more.bad;
  tally.of += more.of;
  tally.expected += more.expected;
}

/** Ratio of bad requests beyond the usual, 0 … 1. */
export function excessRatio(tally: Readonly<Tally>): number {
  return tally.of > 0 ? Math.max(0, (tally.bad - tally.expected) / tally.of) : 0;
}

/**
 * The same, less what chance may have added: `z` Poisson standard deviations of the count. 0 where the
 * counts prove nothing.
 */
export function sureExcessRatio(tally: Readonly<Tally>, z: number): number {
  if (tally.of <= 0) return 0;
  const sure = tally.bad - tally.expected - z * Math.sqrt(tally.bad + 1);
  return Math.max(0, sure / tally.of);
}
