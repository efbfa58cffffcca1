/**
 * A cell in which a good part of the requests fails: as sure as its counts allow, and as soon. An average over a minute less its chance takes
 * minutes where a window has ten requests; the sum of what each request says takes one.
 *
 * Page's CUSUM of the likelihood ratio of "a ratio q fails" against "as usual, at worst": S = max(0, S + b · log₁₀(q/p) + (n − b) ·
 * log₁₀((1 − q)/(1 − p))), q twice the paging ratio (and twice p), p twice the usual ratio, 0.5 % at least. Source: Page 1954. At twice the usual ratio S passes h
 * once in 10^h requests or more rarely (Lorden 1971); at the usual one far more rarely still: with 0.3 % of requests failing and h = 6 once in 10^8.
 */
import type { Judgement } from "../contracts/config.ts";

/** What is remembered of a cell. */
export interface FailingCell {
  /** S, in decimal digits, and the windows since it left 0. */
  digits: number;
  windows: number;
  /** Of the last `lastRequests`, or of the last window where that has more. */
  readonly lately: { bad: number; of: number };
  /** Whether it is certain, has lasted, and goes on. */
  isSure: boolean;
}

export const initialFailingCell = (): FailingCell => ({
  digits: 0,
  windows: 0,
  lately: { bad: 0, of: 0 },
  isSure: false,
});

const leastUsual = 0.005;
const mostUsual = 0.4;
const mostFailing = 0.9;
const digitsToBeSure = 6;
/** Bounds the memory, so that health is believed again soon. */
const mostDigits = 7.5;
const lastRequests = 40;
const lastsMs = 30_000;

/** Takes a window of a cell that has been learnt in, in place. */
export function stepFailingCell(
  cell: FailingCell,
  window: { readonly bad: number; readonly of: number; readonly usualRatio: number },
  when: {
    readonly pageFailureRatio: Judgement["incident"]["pageFailureRatio"];
    readonly windowMs: number;
  },
): void {
  const { bad, of, usualRatio } = window;
  const p = Math.min(
    mostUsual,
    Math.max(Math.min(leastUsual, when.pageFailureRatio), 2 * usualRatio),
  );
  const q = Math.min(mostFailing, 2 * Math.max(p, when.pageFailureRatio));
  const gain = bad * Math.log10(q / p) + (of - bad) * Math.log10((1 - q) / (1 - p));
  cell.digits = Math.min(mostDigits, Math.max(0, cell.digits + gain));
  cell.windows = cell.digits > 0 ? cell.windows + 1 : 0;
  const keep = Math.max(0, 1 - 1 / lastRequests) ** of;
  cell.lately.bad = cell.lately.bad * keep + bad;
  cell.lately.of = cell.lately.of * keep + of;
  cell.isSure =
    cell.digits >= digitsToBeSure &&
    cell.windows * when.windowMs >= lastsMs &&
    cell.lately.bad >= (when.pageFailureRatio + usualRatio) * cell.lately.of;
}
