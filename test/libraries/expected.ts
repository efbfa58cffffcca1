/**
 * What must be counted of a run: the provider's truth, less what the library does not show. Everything a library leaves out
 * or says differently is a named departure with its reason (`departures.ts`), and those are what `docs/libraries.md` lists.
 */
import { type Outcome, outcomes } from "../../services/contracts/outcomes.ts";
import type { TrueCall, Truth } from "./truth.ts";

export interface Departure {
  readonly when: (call: TrueCall) => boolean;
  /** The outcome that its telemetry is counted as instead, or that there is nothing to count. */
  readonly shows?: Outcome | "nothing";
  /** Tokens that it says instead of those of the provider. */
  readonly tokens?: { readonly input?: number; readonly output?: number };
  /** The model that it names instead; empty where it names none. */
  readonly model?: string;
  /** The provider and operation that it names instead. */
  readonly provider?: string;
  readonly operation?: string;
  readonly because: string;
}

export interface Showing {
  /** Whether attempts that are repeated above the client have spans of their own. */
  readonly retries: "inside one call" | "a call each";
  /** Calls that their client repeats by itself, among others that are a call each. */
  readonly repeatedInside?: (call: TrueCall) => boolean;
  /** Which streamed calls have a time to the first token. */
  readonly firstToken: (call: TrueCall) => boolean;
  readonly departures: readonly Departure[];
}

export interface ExpectedRow {
  readonly provider: string;
  readonly model: string;
  readonly operation: string;
  readonly outcome: Outcome;
  count: number;
  input_tokens: number;
  output_tokens: number;
  hasFirstToken: boolean;
}

/** Rows in the order of a `--requests` file. */
export function expectedRows(truth: Truth, showing: Showing): ExpectedRow[] {
  const rows = new Map<string, ExpectedRow>();
  for (const call of truth.calls) {
    const last = call.outcomes.length - 1;
    const isEach = showing.retries === "a call each" && showing.repeatedInside?.(call) !== true;
    for (const [attempt, outcome] of call.outcomes.entries())
      if (attempt === last || isEach)
        add(rows, { call, outcome, isLast: attempt === last }, showing);
  }
  return [...rows.values()].sort(byKey);
}

function add(
  rows: Map<string, ExpectedRow>,
  attempt: { readonly call: TrueCall; readonly outcome: Outcome; readonly isLast: boolean },
  showing: Showing,
): void {
  const { call, isLast } = attempt;
  const departures = showing.departures.filter(({ when }) => when(call));
  const shown = departures.find(({ shows }) => shows !== undefined)?.shows ?? attempt.outcome;
  if (shown === "nothing") return;
  const tokens = Object.assign({}, ...departures.map((each) => each.tokens ?? {}));
  const told = call.toldTokens && isLast;
  const { provider, model, operation } = Object.assign({}, call, ...departures.map(namesIn));
  const key = [provider, model, operation, shown].join("/");
  const row = rows.get(key) ?? {
    provider,
    model,
    operation,
    outcome: shown,
    count: 0,
    input_tokens: 0,
    output_tokens: 0,
    hasFirstToken: false,
  };
  row.count++;
  row.input_tokens += (isLast ? tokens.input : 0) ?? (told ? call.inputTokens : 0);
  row.output_tokens += (isLast ? tokens.output : 0) ?? (told ? call.outputTokens : 0);
  row.hasFirstToken ||= call.streamed && isLast && showing.firstToken(call);
  rows.set(key, row);
}

/** The names that a departure changes. */
const namesIn = ({ provider, model, operation }: Departure) => ({
  ...(provider !== undefined && { provider }),
  ...(model !== undefined && { model }),
  ...(operation !== undefined && { operation }),
});

function byKey(a: ExpectedRow, b: ExpectedRow): number {
  for (const name of ["provider", "model", "operation"] as const)
    if (a[name] !== b[name]) return a[name] < b[name] ? -1 : 1;
  return outcomes.indexOf(a.outcome) - outcomes.indexOf(b.outcome);
}
