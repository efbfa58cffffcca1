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

export function stepLasting(
  pressure: number,
  window: { readonly bad: number; readonly of: number; readonly expected: number },
): number {
  const { bad, of, expected } = window;
  const lasting = Math.max(lastingRatio, expected / of / 3);
  const step = Math.min(3, (bad - expected) / of / lasting) - 0.5;
  return Math.min(lastingCap, Math.max(0, pressure + step));
}

/** Chance that is taken off a failing ratio before it counts, in standard deviations of the count. */
export const sureDeviations = 1.5;
