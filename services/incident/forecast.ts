/**
 * When an outage will be there: a fifth of all users failing, or half of a place's. Two readings of a place; the earliest counts.
 *
 * 1. Latency, before anything fails. What is running out of capacity slows down as R ∝ (t_c − t)^−k towards the moment t_c at which it is used
 *    up (in a plain queue, R = 1 / (1 − u), k is 1 exactly). Then d ln R / dt = k / (t_c − t), so that T = k / s, with s the slope of the log
 *    slowdown: the inverse-rate method by which failures of slopes and volcanoes are forecast (Voight 1988). Of all places' readings
 *    the middle one counts. Once a tenth of a place's requests fails, latency says nothing any more: its users are hurt already.
 * 2. The failing ratio r, on the exponential through its value and slope now: T = ln(threshold / r) · r / r'. The earliest place counts.
 *
 * s and r' are Theil–Sen slopes over a quarter of an hour, r' that of the last 6 minutes where it is steeper. An 80 % interval is as wide as
 * the slope is unsure; of a slope that is too unsure nothing is told. k, and how intervals widen, come from simulated outages:
 * docs/decisions/0012.
 */
import type { Minute } from "./group-track.ts";
import { fitTrend, isBend } from "./trend.ts";

/** Minutes from now. */
export interface Eta {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Normal quantile that a slope must pass to be called rising: one chance in a thousand, one-sided. */
const zRising = 3.09;
/** Of the bounds that say how sure a slope is: 80 %, two-sided. */
const zInterval = 1.28;

const fitMinutes = 15;
const recentMinutes = 6;

export type LoadLaw = "batch" | "queue";

/** k. A batching model server slows down less before it is full: time to first token ∝ 1 + 4u² there. */
const slowdownExponent = { batch: 0.22, queue: 0.5 } as const satisfies Record<LoadLaw, number>;

/** Nearer than this, growth over minutes tells nothing. */
const leastMinutes = 2;
/** Of a first forecast, minutes: what is nearer is wrong as often as right, and too near for anybody to act on the number. */
export const leastToldMinutes = 5;
/** What has to grow by more than this factor is not foretold by its slope. */
const mostGrowth = 5;
/** Failing ratio from which growth is told by factors. */
const leastFailing = 0.01;

/** Width of a slope's 80 % interval over the slope, above which it foretells nothing. */
const mostUnsure = { latency: 0.8, failing: 0.5 } as const;
/** What the laws themselves leave open, in the same measure. */
const lawUnsure = 0.27;
/** ln of how far the bounds of T lie from it, a unit of unsureness. */
const reach = { low: 1, high: 0.8 } as const;

/**
 * Whether values surely rise, and still do: a slope above 0 at one chance in a thousand over a quarter of an hour, above 0 over the last
 * minutes, too, and no single step up, after which nothing grows (a cold cache, say). By its slope alone such a step would pass one time
 * in five, with the noise on both of its levels.
 */
export function isRising(values: readonly (number | null)[]): boolean {
  const recent = values.slice(-fitMinutes).map(orUndefined);
  const long = fitTrend(recent, zRising);
  const short = fitTrend(values.slice(-recentMinutes).map(orUndefined), 0);
  const isSlope = long !== undefined && long.slopeLow > 0 && short !== undefined && short.slope > 0;
  return isSlope && isBend(recent);
}

const orUndefined = (value: number | null): number | undefined => value ?? undefined;

interface Course {
  readonly now: number;
  /** Per minute, > 0: over a quarter of an hour, over the last minutes. */
  readonly slope: number;
  readonly recentSlope: number;
  /** Width of the slope's 80 % interval over the slope. */
  readonly unsure: number;
}

/** Where values are and how fast they rise; undefined unless they surely do, and it is known well enough how fast. */
function courseOf(values: readonly (number | null)[], unsureAtMost: number): Course | undefined {
  if (!isRising(values)) return undefined;
  const long = fitTrend(values.slice(-fitMinutes).map(orUndefined), zInterval);
  const short = fitTrend(values.slice(-recentMinutes).map(orUndefined), 0);
  if (long === undefined || short === undefined) return undefined;
  const unsure = (long.slopeHigh - long.slopeLow) / long.slope;
  if (unsure > unsureAtMost) return undefined;
  return { now: short.last, slope: long.slope, recentSlope: short.slope, unsure };
}

function etaOf(minutes: number, unsure: number): Eta {
  const median = Math.max(leastMinutes, minutes);
  const units = unsure + lawUnsure;
  return {
    low: median * Math.exp(-reach.low * units),
    median,
    high: median * Math.exp(reach.high * units),
  };
}

/** By a place's latency; undefined unless it surely rises. */
export function foretellByLatency(minutes: readonly Minute[], law: LoadLaw): Eta | undefined {
  const slowdowns = minutes.map(({ slowdown }) => slowdown);
  const course = courseOf(slowdowns, mostUnsure.latency);
  if (course === undefined) return undefined;
  return etaOf(slowdownExponent[law] / course.slope, course.unsure);
}

/** When a place's failing ratio reaches a threshold; undefined unless it surely rises, and if it is far from it or past it. */
export function foretellByFailing(minutes: readonly Minute[], threshold: number): Eta | undefined {
  const ratios = minutes.map(({ failing }) => failing);
  const course = courseOf(ratios, mostUnsure.failing);
  if (course === undefined) return undefined;
  const now = Math.max(leastFailing, course.now);
  if (now >= threshold || mostGrowth * now < threshold) return undefined;
  const slope = Math.max(course.slope, course.recentSlope);
  return etaOf((Math.log(threshold / now) * now) / slope, course.unsure);
}

/** The outage, out of all places' readings: the middle one of latency, the earliest of failures. Undefined without any. */
export function forecastOutage(readings: {
  readonly latency: readonly Eta[];
  readonly failing: readonly Eta[];
}): Eta | undefined {
  const sorted = readings.latency.toSorted(earlier);
  const n = sorted.length;
  const candidates = [...readings.failing];
  if (n > 0) candidates.push(between(sorted[(n - 1) >> 1] as Eta, sorted[n >> 1] as Eta));
  return candidates.toSorted(earlier)[0];
}

/** Whether people are told of it, `hasTold`: they have been told one before, which is kept up to date however near it comes. */
export function isWorthTelling(eta: Eta, hasTold: boolean | undefined): boolean {
  return hasTold === true || eta.median >= leastToldMinutes;
}

const earlier = (a: Eta, b: Eta): number => a.median - b.median;

/** Half-way by factors. */
function between(a: Eta, b: Eta): Eta {
  return {
    low: Math.sqrt(a.low * b.low),
    median: Math.sqrt(a.median * b.median),
    high: Math.sqrt(a.high * b.high),
  };
}
