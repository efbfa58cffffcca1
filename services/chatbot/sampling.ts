/**
 * Head sampling by the trace id's last 56 bits: rejected below T = (1 − ratio) 2⁵⁶ (OpenTelemetry consistent
 * probability sampling). `traceState` is `ot=th:T` in hexadecimal without trailing zeros; empty without sampling.
 */
export function samplingOf(ratio: number): {
  readonly traceState: string;
  keeps(traceId: Uint8Array): boolean;
} {
  if (ratio >= 1) return { traceState: "", keeps: () => true };
  const threshold = BigInt(Math.round((1 - ratio) * 2 ** 52)) << 4n;
  const digits = threshold.toString(16).padStart(14, "0").replace(/0+$/, "") || "0";
  return {
    traceState: `ot=th:${digits}`,
    keeps(id) {
      let randomness = 0n;
      for (const byte of id.subarray(9)) randomness = (randomness << 8n) | BigInt(byte);
      return randomness >= threshold;
    },
  };
}
