/**
 * Token counts by inverse empirical distribution. The knots are order statistics of the Azure LLM inference trace
 * 2023, conversation service (Patel et al., ISCA 2024; CC-BY-4.0); between knots the logarithm is interpolated.
 */
export interface TokenLengths {
  readonly probabilities: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

export const azureConversation: TokenLengths = {
  probabilities: [
    0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
    0.85, 0.9, 0.95, 0.98, 0.99, 1,
  ],
  input: [
    2, 91, 181, 207, 372, 387, 396, 403, 414, 703, 984, 1020, 1045, 1071, 1097, 1130, 1189, 1315,
    1876, 2734, 4083, 4098, 4142, 14050,
  ],
  output: [
    7, 24, 41, 54, 67, 77, 85, 91, 96, 103, 113, 129, 151, 177, 217, 384, 395, 400, 411, 424, 451,
    540, 601, 1000,
  ],
};

/** Token count at probability `p` in [0, 1]. */
export function lengthAt(
  probabilities: readonly number[],
  values: readonly number[],
  p: number,
): number {
  let low = 0;
  let high = probabilities.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((probabilities[middle] ?? 0) <= p) low = middle;
    else high = middle;
  }
  const p0 = probabilities[low] ?? 0;
  const p1 = probabilities[high] ?? 1;
  const v0 = Math.max(1, values[low] ?? 1);
  const v1 = Math.max(1, values[high] ?? 1);
  const x = p1 > p0 ? (p - p0) / (p1 - p0) : 0;
  return Math.max(1, Math.round(v0 * (v1 / v0) ** x));
}

/** Bucket of an input length, as the scenario files name them. */
export function inputBucketOf(tokens: number): "0-1k" | "1k-4k" | "4k-16k" | "16k+" {
  if (tokens < 1024) return "0-1k";
  if (tokens < 4096) return "1k-4k";
  return tokens < 16384 ? "4k-16k" : "16k+";
}
