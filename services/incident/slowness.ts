/**
 * How many times slower, from how many more requests are slow: latencies are near lognormal, so a shift of ln(latency)
 * by δ moves the share beyond a fixed limit from q₀ to q with δ = σ · (z(q₀) − z(q)), z the upper normal quantile. Counts of
 * thin cells add up this way, which their percentiles do not.
 */

/** Log standard deviation of time to first token within a model: .35–.45 in production, more when queues form. */
export const latencyLogSigma = 0.42;

/** ln of how many times slower; the usual share comes from the same counts. 0 without requests. */
export function logSlowdown(counts: {
  readonly bad: number;
  readonly of: number;
  readonly expected: number;
}): number {
  const { bad, of, expected } = counts;
  if (of < 1) return 0;
  // Half a request of doubt at both ends: none slow is not infinitely fast.
  const seen = (bad + 0.5) / (of + 1);
  const usual = (expected + 0.5) / (of + 1);
  return latencyLogSigma * (upperNormalQuantile(usual) - upperNormalQuantile(seen));
}

/** Share of slow requests once everything takes `factor` times as long. */
export function slowShareAfter(usual: number, factor: number): number {
  return upperNormalTail(upperNormalQuantile(usual) - Math.log(factor) / latencyLogSigma);
}

/** z with P(Z > z) = p; absolute error below 4.5e-4 (Abramowitz and Stegun 26.2.23). */
export function upperNormalQuantile(p: number): number {
  const bounded = Math.min(1 - 1e-9, Math.max(1e-9, p));
  if (bounded > 0.5) return -upperNormalQuantile(1 - bounded);
  const t = Math.sqrt(-2 * Math.log(bounded));
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t * t) /
      (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
  );
}

/** P(Z > z); absolute error below 7.5e-8 (Abramowitz and Stegun 26.2.17). */
export function upperNormalTail(z: number): number {
  if (z < 0) return 1 - upperNormalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/** Prompts that are longer by less than this are within what a mix of requests does by itself. */
const promptDeadband = Math.log(1.25);

/**
 * ln of the slow-down that longer prompts do not explain. First tokens take at most as many times longer as prompts are
 * longer, so all of that is taken off: what then is left is certainly something else.
 */
export function beyondPrompts(slowdown: number, promptGrowth: number): number {
  return promptGrowth <= promptDeadband ? slowdown : Math.max(0, slowdown - promptGrowth);
}
