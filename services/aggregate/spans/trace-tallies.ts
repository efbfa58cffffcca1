/**
 * Traces without a failed request, of all whose root has come: what tells a tail sampler that keeps traces with errors alone from a service
 * in which everything fails. Its spans carry no weight, and of the requests that ended well none is left.
 */
import { mixBits } from "../decode/texts.ts";
import type { SpanIdentity } from "./span-rows.ts";

export interface TraceTallies {
  /** Traces with an error, and the latest window of a span that had one. */
  readonly failed: Map<number, number>;
}

export const createTraceTallies = (): TraceTallies => ({ failed: new Map() });

/** 53 bits of a hash of a trace id: some senders make ids whose halves do not vary. */
export function traceKey({ trace0, trace1, trace2, trace3 }: SpanIdentity): number {
  const high = mixBits(trace0 ^ Math.imul(trace2, 0x9e3779b1));
  const low = mixBits(trace1 ^ Math.imul(trace3, 0x9e3779b1));
  return (high & 0x1f_ffff) * 4_294_967_296 + (low >>> 0);
}

export function noteFailed(tallies: TraceTallies, trace: number, window: number): void {
  const before = tallies.failed.get(trace);
  if (before === undefined || before < window) tallies.failed.set(trace, window);
}

/** Traces of a window's roots, and those in which nothing has failed: children end before their root does, or with it. */
export function countTraces(
  { failed }: TraceTallies,
  roots: readonly number[],
): { readonly traces: number; readonly cleanTraces: number } {
  let cleanTraces = 0;
  if (failed.size === 0) return { traces: roots.length, cleanTraces: roots.length };
  for (let i = 0; i < roots.length; i++) if (!failed.has(roots[i] as number)) cleanTraces++;
  return { traces: roots.length, cleanTraces };
}

export function forgetBefore({ failed }: TraceTallies, oldest: number): void {
  for (const [trace, window] of failed) if (window < oldest) failed.delete(trace);
}
