/**
 * How strong a row must be to alert: the least strength, raised where a series is often that strong. Each alert makes it stricter by a
 * tenth, and time and rows make it milder again, so that in the long run about one row in a thousand or two a week alert, whichever is
 * more. Of the last rows only the strongest counts: one event is one alert.
 * Source: a stochastic approximation of the strength's quantile (Robbins & Monro 1951). Cost: constant, `records.ts` beside it.
 */
import { noRecords, type Records, recordOf } from "./records.ts";

export interface AlertBudget {
  /** At least 1: times the least strength. */
  strictness: number;
  row: number;
  lastMs: number | undefined;
  records: Records;
}

const eventRows = 24;
const gain = 0.1;
const shareOfRows = 1 / 1_000;
const alertsPerMs = 2 / (7 * 86_400_000);
/** Long gaps do not make it mild at once. */
const largestShare = 0.02;

export const fullBudget = (): AlertBudget => ({
  strictness: 1,
  row: 0,
  lastMs: undefined,
  records: noRecords(),
});

/** The strength as a share of what is needed, so that 1 and more alerts; 0 where a stronger one was near. In place. */
export function spend(budget: AlertBudget, timeMs: number, strength: number): number {
  const share = recordOf(budget.records, budget.row++, strength, eventRows) / budget.strictness;
  const passedMs = Math.max(0, timeMs - (budget.lastMs ?? timeMs));
  const allowed = Math.min(largestShare, Math.max(shareOfRows, alertsPerMs * passedMs));
  budget.lastMs = timeMs;
  const spent = share >= 1 ? 1 : 0;
  budget.strictness = Math.max(1, budget.strictness * Math.exp(gain * (spent - allowed)));
  return share;
}
