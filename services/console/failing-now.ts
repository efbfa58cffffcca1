/**
 * How much of an open incident's requests fails now. Its title was written when it was told last; whoever opens the page minutes later wants
 * to know how bad it has become.
 */
import type { SignalName } from "../contracts/frame.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import type { CellKnown, ConsoleState, IncidentKnown } from "./state.ts";

const failing: ReadonlySet<SignalName> = new Set(visibleSignals);

/** Windows that count as now. */
const recentWindows = 3;

/** Beyond the usual, 0 … 1, in the newest window of the cells that the incident lists; null when it is over or they have no requests. */
export function failingNow(state: ConsoleState, { latest }: IncidentKnown): number | null {
  if (latest.phase === "resolved") return null;
  let bad = 0;
  let requests = 0;
  for (const key of latest.cells) {
    const known = state.cells.get(key);
    if (known === undefined || !isRecent(state, known)) continue;
    requests += known.frame.requests;
    bad += beyondUsual(known.frame);
  }
  return requests === 0 ? null : Math.min(1, bad / requests);
}

function isRecent({ newestWindowMs, windowMs }: ConsoleState, known: CellKnown): boolean {
  return known.windowStartMs > (newestWindowMs ?? 0) - recentWindows * windowMs;
}

function beyondUsual({ signals }: CellKnown["frame"]): number {
  let bad = 0;
  for (const verdict of signals)
    if (failing.has(verdict.signal))
      bad += Math.max(0, verdict.bad - (verdict.expected ?? 0) * verdict.of);
  return bad;
}
