/**
 * How evidence adds up over windows, and how sure one must be among many. Evidence is log10 of an e-value.
 *
 * Groups judge each window by its own counts, so their windows multiply: an e-detector, a CUSUM of e-values
 * M_t = max(1, M_{t−1}) · e_t with e_t = ½ · p_t^{−½}, p_t = 10^{−surprise}. Under health E[e_t] ≤ 1, so M stays below c for c windows
 * on average. Source: Shin, Ramdas, Rinaldo 2022, "E-detectors"; the calibrator is Vovk and Wang's with κ = ½.
 *
 * Cells come with detect's surprises, which look back over up to ten minutes: their windows repeat each other and must not
 * multiply. Their evidence follows the surprise, rising so slowly that `openAfterWindows` windows stand behind it.
 *
 * Streams are then taken together as Benjamini and Hochberg do (e-BH: Wang, Ramdas 2022): with k streams beyond c/k each,
 * all k count, so a fault that touches many needs less in each.
 *
 * Stated rate: if detectors keep their stated false-alarm figures, one false opening a fleet-week over all streams.
 */

/** log10 ½: what a window without any surprise takes away. */
const calibratorLog10 = Math.log10(0.5);

const weekMs = 7 * 24 * 3_600_000;

/** Neighbouring windows share most of what they look at: about this many make one independent chance to err. */
const windowsPerChance = 12;

/** log10 of the threshold c for one stream among `streams`, so that all together open falsely once a week. */
export function openThreshold(streams: number, windowMs: number): number {
  return Math.log10((Math.max(1, streams) * (weekMs / windowMs)) / windowsPerChance);
}

/**
 * One step of an e-detector, in log10. `limit` bounds what one window can add, so that at least `openAfterWindows`
 * windows stand behind every opening; `cap` bounds the memory, so that health is believed again soon.
 */
export function addEvidence(
  evidence: number,
  surprise: number,
  bounds: { readonly limit: number; readonly cap: number },
): number {
  const gain = Math.min(bounds.limit, calibratorLog10 + surprise / 2);
  return Math.min(bounds.cap, Math.max(0, Math.max(0, evidence) + gain));
}

/** Part of what a window no longer shows that it takes away besides: strong evidence must not outlive its cause by minutes. */
const healthTakes = 0.1;

/** One step of a cell's evidence towards the window's surprise: up by at most `limit`, down by as much as health takes. */
export function followSurprise(
  evidence: number,
  surprise: number,
  bounds: { readonly limit: number; readonly cap: number },
): number {
  if (surprise >= evidence) return Math.min(bounds.cap, surprise, evidence + bounds.limit);
  return Math.max(surprise, evidence + calibratorLog10 - healthTakes * (evidence - surprise));
}

/** Whether a stream can count among many: fewer than 1,000 discoveries change a threshold that matters. */
export function canCount(evidence: number, threshold: number): boolean {
  return evidence > threshold - 3;
}

/** e-BH: the least log10 evidence that counts, given all streams' evidence and the threshold for one. */
export function sharedThreshold(evidence: readonly number[], threshold: number): number {
  const sorted = evidence.filter((value) => canCount(value, threshold)).sort((a, b) => b - a);
  for (let k = sorted.length; k >= 1; k--) {
    const needed = threshold - Math.log10(k);
    if ((sorted[k - 1] as number) >= needed) return needed;
  }
  return threshold;
}

/**
 * Surprise of `bad` of `of` when at most a ratio `atMost` is healthy: Chernoff's bound on the binomial tail,
 * of · KL(bad/of ‖ atMost), in decimal digits, divided by the dispersion of real traffic (1: independent requests).
 */
export function ratioSurprise(
  bad: number,
  of: number,
  healthy: { readonly atMost: number; readonly dispersion: number },
): number {
  if (of <= 0) return 0;
  const seen = Math.min(1, bad / of);
  const p = Math.min(0.999_999, Math.max(1e-6, healthy.atMost));
  if (seen <= p) return 0;
  const divergence =
    seen * Math.log(seen / p) + (seen < 1 ? (1 - seen) * Math.log((1 - seen) / (1 - p)) : 0);
  return Math.min(30, (of * divergence) / Math.LN10 / Math.max(1, healthy.dispersion));
}
