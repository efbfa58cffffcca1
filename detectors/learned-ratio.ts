/** A ratio out of what was seen, for whoever learns what is usual. */

export interface RatioPrior {
  readonly ratio: number;
  /** Requests that it is worth. */
  readonly of: number;
}

/** What detectors take a ratio for until 100 requests say otherwise. */
export const ratioPrior: RatioPrior = { ratio: 0.005, of: 100 };

/** Standard deviations by which what was seen must contradict the prior before it counts alone. */
const contradiction = 2;

/**
 * What was seen, drawn towards the prior; but what is surely above it is not held below what was seen: where telemetry never says how
 * answers end, all of them "have no end", from the first request on, and that is no news.
 */
export function learnedRatio(bad: number, of: number, prior: RatioPrior): number {
  const drawn = (bad + prior.ratio * prior.of) / (of + prior.of);
  // Nearly always, and cheap: nothing that is rare contradicts.
  if (bad <= drawn * of) return drawn;
  const plain = Math.min(1, bad / of);
  return Math.max(drawn, plain - contradiction * Math.sqrt((plain * (1 - plain)) / of));
}

/** That of detectors, below 1: they need a chance of the opposite. */
export function testedRatio(bad: number, of: number): number {
  return Math.min(learnedRatio(bad, of, ratioPrior), (of + 1) / (of + 2));
}
