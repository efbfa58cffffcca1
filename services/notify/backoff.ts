/** Waits between tries: doubling from a second to one minute, so that who comes back hears soon; spread by a quarter, so that many senders do not come back at once. */
const firstMs = 1_000;
const longestMs = 60_000;
/** A receiver may ask for more patience than that, within reason. */
const longestAskedMs = 15 * 60_000;

/** Wait after the `attempts`-th failed try (from 1), ms. `random` gives numbers in [0, 1). */
export function backoffMs(
  attempts: number,
  random: () => number,
  retryAfterMs: number | undefined,
): number {
  const plain = Math.min(longestMs, firstMs * 2 ** (attempts - 1));
  const spread = Math.round(plain * (1 + random() * 0.25));
  return Math.max(spread, Math.min(retryAfterMs ?? 0, longestAskedMs));
}

/** `Retry-After` in ms: seconds or an HTTP date; undefined when it is neither. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null || value === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
