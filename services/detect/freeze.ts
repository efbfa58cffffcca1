/**
 * When baselines stop learning. A signal that is anomalous freezes its own baseline, and a visible or precursor signal those of
 * the whole cell, until 24 windows after: so the same outage a week later is caught again. What stays anomalous for very long
 * is a new level, not an outage: then the signal learns again, until it is calm. Watching does not freeze: what is merely
 * unlikely is part of what is normal, and a scale that never sees it would be too narrow.
 */
import type { SignalInfo, SignalVerdict } from "../contracts/frame.ts";
import { longAgo, type SignalState } from "./cell-state.ts";

const thawAfterWindows = 24;
/** Precursors and context settle after 6 h; what users feel is an outage for up to a day. */
const adaptAfterMs = {
  visible: 24 * 3_600_000,
  precursor: 6 * 3_600_000,
  context: 6 * 3_600_000,
} as const satisfies Record<SignalInfo["role"], number>;
/** Windows without anything anomalous after which a learned new level counts as learned. */
const calmAfterWindows = 360;

export function isSignalFrozen(signal: SignalState): boolean {
  return signal.sinceAnomalous < thawAfterWindows && !signal.isAdapting;
}

/** Takes a window's state in. */
export function updateFreeze(
  signal: SignalState,
  state: SignalVerdict["state"],
  role: SignalInfo["role"],
  windowMs: number,
): void {
  // Nothing was seen: time stands still, so that a gap neither thaws nor adapts.
  if (state === "blind") return;
  if (state === "anomalous") signal.sinceAnomalous = 0;
  else if (signal.sinceAnomalous < longAgo) signal.sinceAnomalous++;
  if (signal.sinceAnomalous < thawAfterWindows) signal.frozenFor++;
  else signal.frozenFor = 0;
  if (signal.frozenFor * windowMs >= adaptAfterMs[role]) signal.isAdapting = true;
  else if (signal.sinceAnomalous >= calmAfterWindows) signal.isAdapting = false;
}
