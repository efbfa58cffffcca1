/**
 * How much rougher than independent requests a healthy ratio is: the intra-class correlation ρ of the requests of a block, for blocks of
 * 1, 6 and 24 windows. Var(bad) = n·p·q·(1 + (n−1)·ρ), so ρ is estimated by moments:
 * ρ̂ = Σ((bad − n·p)² − n·p·q) / Σ n·(n−1)·p·q, decayed, and shrunk towards a prior while little was seen.
 * Source: Williams 1982, "Extra-binomial variation in logistic linear models".
 */
import { completedBlock, type HorizonSums } from "./horizons.ts";

/** By block length 1, 6, 24: numerator, denominator, blocks, and sum of n − 1. */
export type Dispersion = number[];

const slots = 4;

/** A series nothing is known of: its ratio moves by a factor of 0.4 (standard deviation), but ρ is at most 0.002. */
const priorVariation = 0.4;
const priorVariance = priorVariation ** 2;
const highestPriorRho = 0.002;
/** How far real series lie around the prior, as a multiple of it: decides how many blocks weigh as much as it does. */
const priorSpread = 2;
/** A block's squared deviation counts at most as this multiple of its expected variance, so that one incident does not deafen. */
const clip = 9;
/** While a fault may be beginning (surprise above this), blocks count little: else its first minutes would hide the rest. */
const doubtFrom = 2.5;
const doubtWeight = 0.15;
const smallestRho = 0.0001;

export function emptyDispersion(): Dispersion {
  return new Array<number>(3 * slots).fill(0);
}

/** Takes in what the last push completed. `p`: the expected ratio; `decay`: factor on what was known, a window; `surprise`: of this window. */
export function learnDispersion(
  dispersion: Dispersion,
  sums: HorizonSums,
  window: Block & { readonly p: number; readonly decay: number; readonly surprise: number },
): void {
  const { p, decay, surprise } = window;
  const weight = surprise >= doubtFrom ? doubtWeight : 1;
  learnBlock(dispersion, 0, window, { p, decay, weight });
  const six = completedBlock(sums, 6);
  if (six !== undefined) learnBlock(dispersion, slots, six, { p, decay: decay ** 6, weight });
  const twentyFour = completedBlock(sums, 24);
  if (twentyFour !== undefined)
    learnBlock(dispersion, 2 * slots, twentyFour, { p, decay: decay ** 24, weight });
}

interface Block {
  readonly bad: number;
  readonly of: number;
}

function learnBlock(
  dispersion: Dispersion,
  at: number,
  { bad, of }: Block,
  { p, decay, weight }: { readonly p: number; readonly decay: number; readonly weight: number },
): void {
  if (of < 2) return;
  const variance = of * p * (1 - p);
  const deviation = bad - of * p;
  let squared = deviation * deviation;
  // Whatever ρ is, the limit is not below this: nearly always ρ need not be known.
  if (squared > clip * variance + 1) {
    const rho = rhoOf(dispersion, at, p);
    squared = Math.min(squared, clip * variance * (1 + (of - 1) * rho) + 1);
  }
  dispersion[at] = (dispersion[at] as number) * decay + weight * (squared - variance);
  dispersion[at + 1] = (dispersion[at + 1] as number) * decay + weight * variance * (of - 1);
  dispersion[at + 2] = (dispersion[at + 2] as number) * decay + weight;
  dispersion[at + 3] = (dispersion[at + 3] as number) * decay + weight * (of - 1);
}

/**
 * Shrinks by what a block can tell: with μ expected bad ones, Var(ρ̂) of one block is (1/μ + 2)/(n−1)², which is huge for rare
 * events in small blocks. Two failures by chance in one window must not pass for roughness.
 */
function rhoOf(dispersion: Dispersion, at: number, p: number): number {
  // Var(p) = ρ·p·q, so a coefficient of variation c is ρ = c²·p/q.
  const priorRho = Math.min(highestPriorRho, (priorVariance * p) / (1 - p));
  const denominator = dispersion[at + 1] as number;
  const blocks = dispersion[at + 2] as number;
  if (blocks === 0 || denominator === 0) return priorRho;
  const pairs = (dispersion[at + 3] as number) / blocks;
  const mean = denominator / blocks / pairs;
  const spread = pairs * priorSpread * priorRho;
  const priorBlocks = (1 / mean + 2) / (spread * spread);
  const prior = (denominator / blocks) * priorBlocks;
  const rho = ((dispersion[at] as number) + prior * priorRho) / (denominator + prior);
  return Math.min(0.5, Math.max(smallestRho, rho));
}

/** ρ for a horizon (index into `horizonWindows`); the longest takes that of 24 windows: correlation falls with distance. */
export function rhoForHorizon(dispersion: Dispersion, horizon: number, p: number): number {
  return rhoOf(dispersion, slots * Math.min(horizon, 2), p);
}
