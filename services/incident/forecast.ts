/**
 * When an outage will be there: a fifth of all users failing, or half of a place's. Two readings; the earlier one counts.
 *
 * 1. Latency. A model server batches: time to first token ∝ 1 + 4u² below saturation, so a slow-down R from a usual utilisation u₀ means
 *    u = √((R·(1 + 4u₀²) − 1) / 4). A plain service queues: time ∝ 1 / (1 − u) (M/M/1), so u = 1 − (1 − u₀) / R. The line through u
 *    says in s minutes where it reaches 1. What follows is not a line: load and loss of capacity mostly grow faster than that, and a full
 *    queue takes its time to overflow. T = 7 + 0.6 s, and four minutes more for one place, some of whose load others take. Once a tenth
 *    of a place's requests fails, latency says nothing any more: its users are hurt already.
 * 2. The failing ratio r. Troubles grow between a line and an exponential: T is the geometric mean of both extrapolations to the threshold.
 *
 * The line is the steeper of those through the last 15 and the last 6 minutes (Theil–Sen). u₀, the constants of T and the 80 % interval
 * [0.4 T, 1.35 T] come from simulated outages, the interval as quantiles of (time left) / T: docs/decisions/0012.
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

const fitMinutes = 15;
const recentMinutes = 6;

export type LoadLaw = "batch" | "queue";

const usualUtilisation = { batch: 0.65, queue: 0.5 } as const satisfies Record<LoadLaw, number>;

const overflowMinutes = { whole: 7, local: 11 } as const;
const convexity = 0.6;
/** What has not happened yet takes at least this long: in less, growth over minutes can not be told. */
const leastMinutes = 4;
const interval = { low: 0.4, high: 1.35 } as const;
/** Failing ratio from which growth is told by factors. */
const leastFailing = 0.01;

/** Utilisation now, from the slow-down against the usual one. */
function utilisationOf(law: LoadLaw, slowdown: number): number {
  const usual = usualUtilisation[law];
  if (law === "queue") return 1 - (1 - usual) / Math.max(0.01, slowdown);
  return Math.sqrt(Math.max(0, (slowdown * (1 + 4 * usual * usual) - 1) / 4));
}

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
  /** Per minute, > 0. */
  readonly slope: number;
}

/** Where values are and how fast they rise; undefined unless they surely do. */
function courseOf(values: readonly (number | null)[]): Course | undefined {
  if (!isRising(values)) return undefined;
  const long = fitTrend(values.slice(-fitMinutes).map(orUndefined), 0);
  const short = fitTrend(values.slice(-recentMinutes).map(orUndefined), 0);
  if (long === undefined || short === undefined) return undefined;
  return { now: short.last, slope: Math.max(long.slope, short.slope) };
}

/** Minutes until utilisation reaches 1 in a line; undefined unless it surely rises. */
export function minutesToSaturation(minutes: readonly Minute[], law: LoadLaw): number | undefined {
  const course = courseOf(
    minutes.map(({ slowdown }) =>
      slowdown === null ? null : utilisationOf(law, Math.exp(slowdown)),
    ),
  );
  return course === undefined ? undefined : Math.max(0, 1 - course.now) / course.slope;
}

/** Minutes until the failing ratio reaches a threshold; undefined unless it surely rises, and in a line within the horizon. */
export function minutesToFailing(
  minutes: readonly Minute[],
  { threshold, horizonMinutes }: { readonly threshold: number; readonly horizonMinutes: number },
): number | undefined {
  const course = courseOf(minutes.map(({ failing }) => failing));
  if (course === undefined) return undefined;
  const now = Math.max(leastFailing, course.now);
  if (now >= threshold) return 0;
  const line = (threshold - now) / course.slope;
  if (line > horizonMinutes) return undefined;
  const exponential = Math.log(threshold / now) / (course.slope / now);
  return Math.sqrt(line * exponential);
}

/** The outage, out of all places' readings: the middle one of saturation, the earliest of failures. Undefined without any. */
export function forecastOutage(readings: {
  readonly saturation: readonly number[];
  readonly failing: readonly number[];
  /** Whether all model calls, or all of a service's requests, are touched rather than places. */
  readonly isWhole: boolean;
}): Eta | undefined {
  const sorted = readings.saturation.toSorted((a, b) => a - b);
  const n = sorted.length;
  const candidates = [...readings.failing];
  if (n > 0) {
    const middle = ((sorted[(n - 1) >> 1] as number) + (sorted[n >> 1] as number)) / 2;
    const overflow = readings.isWhole ? overflowMinutes.whole : overflowMinutes.local;
    candidates.push(overflow + convexity * middle);
  }
  if (candidates.length === 0) return undefined;
  const median = Math.max(leastMinutes, Math.min(...candidates));
  return { low: interval.low * median, median, high: interval.high * median };
}
