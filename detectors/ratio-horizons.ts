/** Judges (bad, of) over all horizons against an expected ratio: what the exact test and the exceedance test share. */
import type { Dispersion } from "./dispersion.ts";
import { rhoForHorizon } from "./dispersion.ts";
import { type HorizonTotals, horizonWindows } from "./horizons.ts";
import { betaBinomialSurprise, bonferroni } from "./tail.ts";

export interface RatioBaseline {
  /** Expected ratio, inside (0, 1). */
  readonly p: number;
  /** Requests that the expectation rests on. */
  readonly weight: number;
}

/** A horizon is set aside when a shorter one lies this many standard deviations below what the longer one says: it is over. */
const recoveredBelow = -2;

/**
 * Surprise of the strongest horizon, paid for by the number of horizons. The beta distribution of the ratio carries both
 * what is not known of its mean (1/weight) and how it moves from block to block (ρ).
 */
export function surpriseOverHorizons(
  { bad, of }: HorizonTotals,
  { p, weight }: RatioBaseline,
  dispersion: Dispersion,
): number {
  let strongest = 0;
  for (let h = 0; h < horizonWindows.length; h++) {
    const n = of[h] as number;
    const k = bad[h] as number;
    if (k <= n * p || hasRecovered(bad, of, h)) continue;
    const concentration = 1 / (1 / weight + rhoForHorizon(dispersion, h));
    const surprise = betaBinomialSurprise(k, n, p, concentration);
    if (surprise > strongest) strongest = surprise;
  }
  return bonferroni(strongest, horizonWindows.length);
}

/** Whether the windows since contradict what horizon h says, so that its evidence is of the past. */
function hasRecovered(bad: readonly number[], of: readonly number[], h: number): boolean {
  const ratio = (bad[h] as number) / (of[h] as number);
  for (let shorter = 0; shorter < h; shorter++) {
    const n = of[shorter] as number;
    if (n === 0) continue;
    const deviation = Math.sqrt(n * ratio * (1 - ratio));
    if ((bad[shorter] as number) - n * ratio < recoveredBelow * deviation) return true;
  }
  return false;
}

/** Half-width of the band of ± 3 standard deviations for n requests. */
export function ratioBand(n: number, { p, weight }: RatioBaseline, rho: number): number {
  return n === 0 ? 0 : 3 * Math.sqrt(p * (1 - p) * (1 / n + 1 / weight + rho));
}
