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
 * A second one for what is small and does not end: S = max(0, S + min(3, r/1 %) − 0.7), r each window's own ratio beyond the usual, a
 * page at S ≥ 90, where much of the traffic has it: about six minutes at 2 %, half an hour at 1 %. Nothing is taken off for chance: over so many
 * windows it takes as much as it gives. A rolling deploy's few minutes of 1 % are far from it.
 */
export const lastingToPage = 90;
const lastingCap = 180;
export const lastingRatio = 0.01;

export function stepLasting(pressure: number, ratio: number): number {
  const step = Math.min(3, ratio / lastingRatio) - 0.7;
  return Math.min(lastingCap, Math.max(0, pressure + step));
}

/** Chance that is taken off a failing ratio before it counts, in standard deviations of the count. */
export const sureDeviations = 1.5;
