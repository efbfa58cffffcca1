/**
 * How much rougher than independent requests a healthy ratio is: the intra-class correlation ρ of the requests of a block, for blocks of
 * 1, 6 and 24 windows. Var(bad) = n·p·q·(1 + (n−1)·ρ), so ρ is estimated by moments:
 * ρ̂ = Σ((bad − n·p)² − n·p·q) / Σ n·(n−1)·p·q, decayed, and shrunk towards a prior while little was seen.
 * Source: Williams 1982, "Extra-binomial variation in logistic linear models".
 */
import { completedBlock, type HorizonSums } from "./horizons.ts";

/** Numerators and denominators by block length 1, 6, 24. */
export type Dispersion = number[];

/** ρ of a series nothing is known of; typical of error ratios of real services. */
const priorRho = 0.002;
/** The prior weighs as much as this many blocks of the size that are seen. */
const priorBlocks = 40;
/** A block's squared deviation counts at most as this multiple of its expected variance, so that one incident does not deafen. */
const clip = 25;
const smallestRho = 0.0002;

export function emptyDispersion(): Dispersion {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0];
}

/** Takes in what the last push completed. `p`: the expected ratio; `decay`: factor on what was known, a window. */
export function learnDispersion(
  dispersion: Dispersion,
  sums: HorizonSums,
  window: { readonly bad: number; readonly of: number; readonly p: number; readonly decay: number },
): void {
  const { p, decay } = window;
  learnBlock(dispersion, 0, window, p, decay);
  const six = completedBlock(sums, 6);
  if (six !== undefined) learnBlock(dispersion, 3, six, p, decay ** 6);
  const twentyFour = completedBlock(sums, 24);
  if (twentyFour !== undefined) learnBlock(dispersion, 6, twentyFour, p, decay ** 24);
}

function learnBlock(
  dispersion: Dispersion,
  at: number,
  block: { readonly bad: number; readonly of: number },
  p: number,
  decay: number,
): void {
  const { bad, of } = block;
  if (of < 2) return;
  const variance = of * p * (1 - p);
  const rho = rhoOf(dispersion, at);
  const limit = clip * variance * (1 + (of - 1) * rho) + 1;
  const squared = Math.min((bad - of * p) ** 2, limit);
  dispersion[at] = (dispersion[at] as number) * decay + squared - variance;
  dispersion[at + 1] = (dispersion[at + 1] as number) * decay + variance * (of - 1);
  dispersion[at + 2] = (dispersion[at + 2] as number) * decay + 1;
}

function rhoOf(dispersion: Dispersion, at: number): number {
  const denominator = dispersion[at + 1] as number;
  const blocks = dispersion[at + 2] as number;
  if (blocks === 0 || denominator === 0) return priorRho;
  const prior = (denominator / blocks) * priorBlocks;
  const rho = ((dispersion[at] as number) + prior * priorRho) / (denominator + prior);
  return rho < smallestRho ? smallestRho : Math.min(rho, 0.5);
}

/** ρ for a horizon (index into `horizonWindows`); the longest takes that of 24 windows: correlation falls with distance. */
export function rhoForHorizon(dispersion: Dispersion, horizon: number): number {
  return rhoOf(dispersion, horizon === 0 ? 0 : horizon === 1 ? 3 : 6);
}
