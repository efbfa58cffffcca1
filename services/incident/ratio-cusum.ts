/**
 * A cell of which a part of the requests is bad: as sure as its counts allow, and as soon. An average over a minute less its chance takes
 * minutes where a window has ten requests; the sum of what each request says takes one.
 *
 * Page's CUSUM of the likelihood ratio of "a ratio q is bad" against "as usual, at worst": S = max(0, S + b · log₁₀(q/p) + (n − b) ·
 * log₁₀((1 − q)/(1 − p))), p twice the usual ratio with a least one, q twice the ratio that matters, and twice p. Source: Page 1954. At
 * p, S passes h once in 10^h requests or more rarely (Lorden 1971); at the usual ratio far more rarely still: with 0.3 % of requests
 * failing, against p = 0.6 % and q = 10 %, once in 10^8 for h = 6.
 *
 * S falls as slowly as it must rise where q is small, so it is no measure of what is over: that is told from the requests since the
 * last bad one, which would all be good by a chance of (1 − r)^n, r the ratio that was bad until then.
 */

/** What is remembered of a cell. */
export interface RatioCusum {
  /** S, in decimal digits, and the windows since it left 0. */
  digits: number;
  windows: number;
  /** Bad ones of the last requests, or of the last window where that has more. */
  readonly lately: { bad: number; of: number };
  /** Bad ones of the last requests since S left 0. */
  readonly run: { bad: number; of: number };
  /** Since the last window with a bad one: good requests, and windows with any; the ratio of bad ones in the run as of then. */
  goodSince: number;
  windowsSince: number;
  ratioThen: number;
  /** Whether it is certain, has lasted, and goes on. */
  isSure: boolean;
}

export const initialRatioCusum = (): RatioCusum => ({
  digits: 0,
  windows: 0,
  lately: { bad: 0, of: 0 },
  run: { bad: 0, of: 0 },
  goodSince: 0,
  windowsSince: 0,
  ratioThen: 0,
  isSure: false,
});

export interface RatioMatters {
  /** Ratio beyond the usual that matters. */
  readonly ratio: number;
  /** No usual ratio is taken to be below half of it: what was never seen may still be usual. */
  readonly leastUsual: number;
  /** Requests that tell whether it goes on. */
  readonly lastRequests: number;
}

/** Failing requests: by default 5 % of them, as pages have it. */
export const failuresThatMatter = (pageFailureRatio: number): RatioMatters => ({
  ratio: pageFailureRatio,
  leastUsual: 0.005,
  lastRequests: 40,
});
/** Requests far slower than usual, of which a healthy cell has one or two in a thousand. */
export const stragglersThatMatter: RatioMatters = {
  ratio: 0.01,
  leastUsual: 0.003,
  lastRequests: 200,
};

const mostUsual = 0.4;
const mostBad = 0.9;
const digitsToBeSure = 6;
/** Bounds the memory, so that health is believed again soon. */
const mostDigits = 7.5;
const lastsMs = 30_000;
/** Digits against chance with which good requests say that it is over: half as many once it has been so for two minutes. */
const digitsToBeOver = 2;
const overMs = 120_000;

/** Takes a window of a cell that has been learnt in, in place. */
export function stepRatioCusum(
  cusum: RatioCusum,
  window: {
    readonly bad: number;
    readonly of: number;
    readonly usualRatio: number;
    readonly windowMs: number;
    /** Windows that S must have been above 0, as for any incident. */
    readonly openAfterWindows: number;
  },
  matters: RatioMatters,
): void {
  const { bad, of, usualRatio, windowMs } = window;
  const { ratio, leastUsual, lastRequests } = matters;
  const p = Math.min(mostUsual, Math.max(Math.min(leastUsual, ratio), 2 * usualRatio));
  const q = Math.min(mostBad, 2 * Math.max(p, ratio));
  const gain = bad * Math.log10(q / p) + (of - bad) * Math.log10((1 - q) / (1 - p));
  cusum.digits = Math.min(mostDigits, Math.max(0, cusum.digits + gain));
  cusum.windows = cusum.digits > 0 ? cusum.windows + 1 : 0;
  const keep = (1 - 1 / lastRequests) ** of;
  fadeIn(cusum.lately, keep, window);
  if (cusum.digits > 0) fadeIn(cusum.run, keep, window);
  const isOver = saysOver(cusum, window);
  // What is not proven yet is not ended either, or few good requests between would keep it from being so.
  if (cusum.digits === 0 || (isOver && cusum.digits >= digitsToBeSure)) {
    cusum.digits = 0;
    cusum.windows = 0;
    cusum.run.bad = 0;
    cusum.run.of = 0;
  }
  cusum.isSure =
    cusum.digits >= digitsToBeSure &&
    cusum.windows >= window.openAfterWindows &&
    cusum.windows * windowMs >= lastsMs &&
    cusum.lately.bad >= (ratio + usualRatio) * cusum.lately.of;
}

function fadeIn(
  counts: { bad: number; of: number },
  keep: number,
  { bad, of }: { readonly bad: number; readonly of: number },
): void {
  counts.bad = counts.bad * keep + bad;
  counts.of = counts.of * keep + of;
}

/** Notes what the window says of an end, and tells whether there was one. */
function saysOver(
  cusum: RatioCusum,
  { bad, of, windowMs }: { readonly bad: number; readonly of: number; readonly windowMs: number },
): boolean {
  if (bad > 0) {
    cusum.goodSince = 0;
    cusum.windowsSince = 0;
    cusum.ratioThen = Math.min(mostBad, cusum.run.bad / Math.max(1, cusum.run.of));
    return false;
  }
  cusum.goodSince += of;
  cusum.windowsSince++;
  const isLong = cusum.windowsSince * windowMs >= overMs;
  const over = cusum.goodSince * -Math.log10(1 - cusum.ratioThen);
  return over >= (isLong ? digitsToBeOver / 2 : digitsToBeOver);
}
