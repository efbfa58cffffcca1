/** Judges (bad, of) over all horizons against an expected ratio: what the exact test and the exceedance test share. */
import type { Dispersion } from "./dispersion.ts";
import { rhoForHorizon } from "./dispersion.ts";
import { type HorizonSums, hasBad, horizonWindows, isOver, totalHorizons } from "./horizons.ts";
import { betaBinomialSurprise, bonferroni } from "./tail.ts";

export interface RatioBaseline {
  /** Expected ratio, inside (0, 1). */
  readonly p: number;
  /** Requests that the expectation rests on. */
  readonly weight: number;
}

/**
 * `p`: expected ratio, inside (0, 1); `weight`: requests that it rests on. Surprise of the strongest horizon, paid for by the number of horizons. The beta distribution of the ratio carries both
 * what is not known of its mean (1/weight) and how it moves from block to block (ρ).
 */
export function surpriseOverHorizons(
  sums: HorizonSums,
  p: number,
  weight: number,
  dispersion: Dispersion,
): number {
  // The longest horizon holds what the others hold.
  if (!hasBad(sums)) return 0;
  const { bad, of } = totalHorizons(sums);
  const spread = p * (1 - p) * nearlyOne;
  let strongest = 0;
  for (let h = 0; h < horizonWindows.length; h++) {
    const n = of[h] as number;
    const k = bad[h] as number;
    const excess = k - n * p;
    // Within a standard deviation of the binomial, which is the narrowest of all, there is no surprise whatever ρ is.
    if (excess <= 0 || excess * excess <= n * spread) continue;
    const concentration = 1 / (1 / weight + rhoForHorizon(dispersion, h, p));
    const surprise = betaBinomialSurprise(k, n, p, concentration);
    if (surprise > strongest && !isOver(sums, h, k, n)) strongest = surprise;
  }
  return bonferroni(strongest, horizonWindows.length);
}

/** Rounding must not tell apart what is equal. */
const nearlyOne = 1 - 1e-6;

/** Half-width of the band of ± 3 standard deviations for n requests. */
export function ratioBand(n: number, { p, weight }: RatioBaseline, rho: number): number {
  return n === 0 ? 0 : 3 * Math.sqrt(p * (1 - p) * (1 / n + 1 / weight + rho));
}
