/**
 * Sampled spans stand for more than themselves. The trace state says with which probability a span was kept:
 * `ot=th:T` is a rejection threshold of 56 bits, trailing zeros left out; the adjusted count is 2^56 / (2^56 − T).
 * Source: OpenTelemetry, "TraceState: Probability Sampling".
 */
import { mixBits } from "../decode/texts.ts";

/** No span counts for more: a single one must not decide a window. */
const weightLimit = 65_536;

const equals = 0x3d;
const comma = 0x2c;
const semicolon = 0x3b;

/**
 * Whole number that a span counts for. Fractions are rounded up or down by the trace id (all spans of a trace alike), so that
 * sums are right on average and the same on every run.
 */
export function weightOf(
  bytes: Uint8Array,
  state: { readonly start: number; readonly end: number; readonly traceWord: number },
): number {
  const kept = keptShare(bytes, state.start, state.end);
  if (kept >= 1) return 1;
  const count = Math.min(weightLimit, 1 / kept);
  const whole = Math.floor(count);
  const fraction = (mixBits(state.traceWord) >>> 0) / 4_294_967_296;
  return fraction < count - whole ? whole + 1 : whole;
}

/** Probability with which the span was kept; 1 where the trace state does not say. */
function keptShare(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    while (at < end && (bytes[at] === comma || bytes[at] === 0x20)) at++;
    const isOpenTelemetry =
      bytes[at] === 0x6f && bytes[at + 1] === 0x74 && bytes[at + 2] === equals;
    let memberEnd = at;
    while (memberEnd < end && bytes[memberEnd] !== comma) memberEnd++;
    if (isOpenTelemetry) return 1 - threshold(bytes, at + 3, memberEnd);
    at = memberEnd;
  }
  return 1;
}

/** T / 2^56 of the sub-key `th`; 0 where it is absent or not hexadecimal. */
function threshold(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    if (bytes[at] === 0x74 && bytes[at + 1] === 0x68 && bytes[at + 2] === 0x3a) {
      let value = 0;
      let scale = 1 / 16;
      for (let i = at + 3; i < end && bytes[i] !== semicolon; i++) {
        const digit = hexDigit(bytes[i] as number);
        if (digit < 0 || i - at - 3 >= 14) return 0;
        value += digit * scale;
        scale /= 16;
      }
      return value;
    }
    while (at < end && bytes[at] !== semicolon) at++;
    at++;
  }
  return 0;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
