/** How failing requests press for a page: large ones at once, small ones as they last. */

/**
 * Page's CUSUM over windows: S = max(0, S + min(10, r/θ) − ½), θ the paging ratio, r the failing ratio that is beyond
 * usual and chance. A page at S ≥ 20: after three windows when half of all fail, one minute at 10 %, about three minutes at 5 %.
 */
export const pressureToPage = 20;
const pressureCap = 60;

export function stepPressure(
  pressure: number,
  sureRatio: number,
  pageFailureRatio: number,
): number {
  const step = Math.min(10, sureRatio / pageFailureRatio) - 0.5;
  return Math.min(pressureCap, Math.max(0, pressure + step));
}

/**
 * A second one for what is small and does not end: S = max(0, S + min(3, r/ρ) − ½), r each window's own ratio beyond the usual u,
 * ρ = max(1 %, u/3), a page at S ≥ 110, where much of the traffic has it: some four minutes from 3 % on, six at 2 %, twenty at 1 %, half an
 * hour at 0.8 %. Nothing is taken off for chance: over so many windows it takes as much as it gives. A rolling deploy's few minutes of 1 % are
 * far from it.
 */
export const lastingToPage = 110;
/** From here on it is trouble, if not yet a page: of its place, not of the few cells that happen to show it most just now. */
export const lastingToTell = lastingToPage / 2;
/** Share of traffic from which a small ratio that lasts is worth telling. */
export const lastingShare = 0.2;
/** From here on nothing is learnt there: what begins small must not be usual by the time it is proven. */
export const lastingToDoubt = 10;
const lastingCap = 200;
export const lastingRatio = 0.01;

/** ρ: the ratio beyond the usual from which what lasts is worth telling. */
export function lastingRatioAt(usualRatio: number): number {
  return Math.max(lastingRatio, usualRatio / 3);
}

/** Windows that are judged as one, since each has too few requests. */
export interface LastingBlock {
  windows: number;
  bad: number;
  of: number;
  expected: number;
}

/** No usual ratio is taken to be below this when it is said how far chance moves a block's ratio. */
const leastUsual = 0.003;
/** Variance of r/ρ by chance, 1 at most in a block, times the windows that it may count for. */
const mostVariance = 2;

/**
 * Takes a window in, in place. Where few requests come, one that fails is far above 3 % of its window, and most of what it says would be cut off: windows are
 * put together until chance moves r/ρ by no more than 1. A block counts for its windows, but for no more than keeps S in health
 * as far from 55 as that of large windows: thin traffic proves the same later.
 */
export function stepLasting(
  track: { lastingPressure: number; lastingBlock?: LastingBlock },
  window: { readonly bad: number; readonly of: number; readonly expected: number },
): void {
  const block = track.lastingBlock ?? { windows: 0, bad: 0, of: 0, expected: 0 };
  block.windows++;
  block.bad += window.bad;
  block.of += window.of;
  block.expected += window.expected;
  const { windows, bad, of, expected } = block;
  const usual = expected / of;
  const ratio = lastingRatioAt(usual);
  const variance = Math.max(leastUsual, usual) / (of * ratio ** 2);
  if (variance > 1) {
    track.lastingBlock = block;
    return;
  }
  delete track.lastingBlock;
  const weight = Math.min(windows, mostVariance / variance);
  const step = weight * (Math.min(3, (bad - expected) / of / ratio) - 0.5);
  track.lastingPressure = Math.min(lastingCap, Math.max(0, track.lastingPressure + step));
}

/** Chance that is taken off a failing ratio before it counts, in standard deviations of the count. */
export const sureDeviations = 1.5;
