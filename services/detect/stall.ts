/**
 * A cell in which nothing ends any more. Requests that hang leave no span and no count: until they time out, all that shows them is
 * that they are in flight. They count as failing in the frame once so many should have ended that none cannot be chance, and
 * where such windows are not what the cell usually has (long answers, few callers).
 */
import type { SignalVerdict } from "../contracts/frame.ts";
import { usualRequests } from "./cell-context.ts";
import { inFlightOf } from "./in-flight.ts";
import type { Step } from "./judge-step.ts";

/** Requests that should have ended by the cell's usual traffic, of which none did. */
const leastMissed = 10;
/** Ratio of such windows from which they are the cell's habit. */
const habitRatio = 0.05;

/** Requests in flight that count as failing, 0 in a cell where some end. */
export function stalledRequests({ cell, window, shown, isWarming }: Step): number {
  const verdict = verdictOf(shown, "stalled");
  if (isWarming || verdict === undefined || !isUnusual(verdict)) return 0;
  if (usualRequests(cell) * cell.quiet < leastMissed) return 0;
  return Math.round(inFlightOf(window) ?? 0);
}

function verdictOf(
  shown: readonly SignalVerdict[],
  signal: SignalVerdict["signal"],
): SignalVerdict | undefined {
  for (let i = 0; i < shown.length; i++) if (shown[i]?.signal === signal) return shown[i];
  return undefined;
}

function isUnusual({ bad, state, expected }: SignalVerdict): boolean {
  return bad > 0 && state !== "warming" && expected !== null && expected < habitRatio;
}
