/**
 * How much of an open incident's requests fails now. Its title was written when it was told last; whoever opens the page minutes later wants
 * to know how bad it has become.
 */
import { parseCellKey } from "../contracts/cell.ts";
import type { SignalName } from "../contracts/frame.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import type { CellKnown, ConsoleState, IncidentKnown } from "./state.ts";

const failing: ReadonlySet<SignalName> = new Set(visibleSignals);

/** Windows that count as now. */
const recentWindows = 3;

/** Requests of one kind count where they are such a part of all: the worst of very few says little. */
const leastPart = 0.1;

/**
 * Beyond the usual, 0 … 1, in the newest window of the cells that the incident lists, of the kind of request that has it worst: a chat is a model
 * call, a request of the page and two of a classifier, which may all be well while chats fail. Null when it is over or they have no requests.
 */
export function failingNow(state: ConsoleState, { latest }: IncidentKnown): number | null {
  if (latest.phase === "resolved") return null;
  const kinds = new Map<string, { bad: number; requests: number }>();
  let all = 0;
  for (const key of latest.cells) {
    const known = state.cells.get(key);
    if (known === undefined || !isRecent(state, known)) continue;
    const { kind, operation } = parseCellKey(known.frame.cell);
    const name = `${kind} ${operation}`;
    const sum = kinds.get(name) ?? { bad: 0, requests: 0 };
    kinds.set(name, sum);
    sum.bad += beyondUsual(known.frame);
    sum.requests += known.frame.requests;
    all += known.frame.requests;
  }
  if (all === 0) return null;
  const ratios = [...kinds.values()]
    .filter(({ requests }) => requests >= leastPart * all)
    .map(({ bad, requests }) => bad / requests);
  return Math.min(1, Math.max(...ratios));
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
