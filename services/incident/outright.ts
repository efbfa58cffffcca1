/**
 * A cell that fails outright: from one moment to the next hardly a request is answered. A handful of failures in a row proves it, so that
 * nothing has to wait for an average to rise.
 *
 * Page's CUSUM of the likelihood ratio of "nine of ten fail" against "as usual, at worst": S = max(0, S + b · log₁₀(q/p) +
 * (n − b) · log₁₀((1 − q)/(1 − p))), q = 0.9, p = 2 × the usual ratio, 1 % at least. Source: Page 1954. Under p, S passes h once in
 * 10^h requests or more rarely (Lorden 1971): 10^8 is four weeks of 40 requests a second, at three times the usual ratio.
 */
import type { Judgement } from "../contracts/config.ts";

/** What is remembered of a cell. */
export interface Outright {
  /** S, in decimal digits, and the windows since it left 0. */
  digits: number;
  windows: number;
  /** Tenants that failed in them, beyond the first of each window: one tenant alone adds none. */
  tenants: number;
  /** Requests of the last two windows that had some, and those that failed. */
  before: FailedOf;
  last: FailedOf;
  /** Whether it is certain. */
  isSure: boolean;
}

interface FailedOf {
  readonly bad: number;
  readonly of: number;
}

export const initialOutright = (): Outright => ({
  digits: 0,
  windows: 0,
  tenants: 0,
  before: { bad: 0, of: 0 },
  last: { bad: 0, of: 0 },
  isSure: false,
});

const failingRatio = 0.9;
const leastUsual = 0.01;
const mostUsual = 0.2;

/** Five failures in a row at the usual ratio of most cells, and by how many tenants beyond the first. */
const digitsOfMany = 8;
const leastTenants = 2;
/** Where tenants are not known, one caller with a request that breaks the service could be all there is: nine in a row. */
const digitsOfUnknown = 16;
const mostDigits = 24;
/** Part of its requests that fails at least, now: what was under way when it began may still be answered. */
const mostFail = 0.6;

interface OutrightWindow extends FailedOf {
  readonly usualRatio: number;
  /** 0: not known. */
  readonly tenants: number;
  readonly tenantsFailed: number;
}

/** Takes a window of a cell that has been learnt in, in place. */
export function stepOutright(
  outright: Outright,
  window: OutrightWindow,
  when: Judgement["incident"],
): void {
  const { bad, of, usualRatio, tenantsFailed } = window;
  // What has not begun does not begin without a failure.
  if (bad > 0 || outright.digits > 0) {
    const p = Math.min(mostUsual, Math.max(leastUsual, 2 * usualRatio));
    const gain =
      bad * Math.log10(failingRatio / p) + (of - bad) * Math.log10((1 - failingRatio) / (1 - p));
    outright.digits = Math.min(mostDigits, Math.max(0, outright.digits + gain));
  }
  const isFailing = outright.digits > 0;
  outright.windows = isFailing ? outright.windows + 1 : 0;
  outright.tenants = isFailing ? outright.tenants + Math.max(0, tenantsFailed - 1) : 0;
  outright.before = outright.last;
  outright.last = { bad, of };
  const least = Math.max(mostFail, when.pageFailureRatio);
  const lately = failuresLately(outright);
  outright.isSure =
    isCertain(outright, window.tenants > 0) &&
    outright.windows >= when.openAfterWindows &&
    bad >= least * of &&
    lately.bad >= 0.5 * least * lately.of;
}

function isCertain({ digits, tenants }: Outright, areTenantsKnown: boolean): boolean {
  return areTenantsKnown
    ? digits >= digitsOfMany && tenants >= leastTenants
    : digits >= digitsOfUnknown;
}

/** Failures of the last two windows that had requests. */
export function failuresLately({ before, last }: Readonly<Outright>): FailedOf {
  return { bad: before.bad + last.bad, of: before.of + last.of };
}
