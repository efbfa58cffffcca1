/** A ratio out of what was seen, for detectors that learn what is usual. */

/** The ratio is taken to be near 0.5 % until 100 requests say otherwise. */
const priorBad = 0.5;
export const priorOf = 100;
/** Standard deviations by which what was seen must contradict that before it counts alone. */
const contradiction = 2;

/**
 * (bad + ½) / (of + 100), but what is surely above it is not held below what was seen: where telemetry never says how answers end, all of
 * them "have no end", from the first request on, and that is no news. Below 1.
 */
export function learnedRatio(bad: number, of: number): number {
  const drawn = (bad + priorBad) / (of + priorOf);
  // Nearly always, and cheap: nothing that is rare contradicts.
  if (bad <= drawn * of) return drawn;
  const plain = Math.min(bad / of, (of + 1) / (of + 2));
  return Math.max(drawn, plain - contradiction * Math.sqrt((plain * (1 - plain)) / of));
}
