/**
 * When a disturbance counts as an outage: user-visible failures reach 20 % of a fleet's requests (scoped: 50 % of a
 * series that has at least 5 % of the traffic) and stay there for five minutes. The outage point is where that
 * stretch begins. Shares are taken over 30 s, so that a single quiet window neither starts nor ends a stretch.
 */
export const outageRule = {
  fleetShare: 0.2,
  scopedShare: 0.5,
  scopedTraffic: 0.05,
  sustainMs: 300_000,
  smoothMs: 30_000,
} as const;

/** Requests and user-visible failures per window, in order; windows without requests are 0, 0. */
interface FailureSeries {
  readonly requests: readonly number[];
  readonly failures: readonly number[];
}

/** Index of the window in which the outage begins; −1 if there is none. */
export function outageWindow(
  series: FailureSeries,
  rule: { readonly share: number; readonly sustainWindows: number; readonly smoothWindows: number },
): number {
  const { requests, failures } = series;
  let inWindows = 0;
  let start = -1;
  let sumRequests = 0;
  let sumFailures = 0;
  for (let window = 0; window < requests.length; window += 1) {
    sumRequests += requests[window] ?? 0;
    sumFailures += failures[window] ?? 0;
    const left = window - rule.smoothWindows;
    if (left >= 0) {
      sumRequests -= requests[left] ?? 0;
      sumFailures -= failures[left] ?? 0;
    }
    const isOver = sumRequests > 0 && sumFailures >= rule.share * sumRequests;
    if (!isOver) {
      start = -1;
      inWindows = 0;
      continue;
    }
    if (start < 0) start = firstOver(series, rule.share, Math.max(0, left + 1), window);
    inWindows += 1;
    // Smoothing makes a stretch look longer by what it looks back.
    if (inWindows >= rule.sustainWindows + rule.smoothWindows - 1) return start;
  }
  return -1;
}

/** The first window of a smoothed stretch that is over the share by itself. */
function firstOver(series: FailureSeries, share: number, from: number, to: number): number {
  for (let window = from; window < to; window += 1) {
    const count = series.requests[window] ?? 0;
    if (count > 0 && (series.failures[window] ?? 0) >= share * count) return window;
  }
  return to;
}
