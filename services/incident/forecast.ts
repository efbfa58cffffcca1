/**
 * When a threshold will be passed. Two readings, each a robust line with its 80 % interval; the earlier one counts.
 *
 * 1. The failing ratio itself, in a line to the threshold.
 * 2. Utilisation read off latency. A model server batches: time to first token ∝ 1 + 4u² below saturation, so a slow-down R from
 *    a usual utilisation u₀ means u = √((R·(1 + 4u₀²) − 1) / 4). A plain service queues: time ∝ 1 / (1 − u) (M/M/1), so
 *    u = 1 − (1 − u₀) / R. Both run full where u reaches 1. u₀ is not in the telemetry: it is assumed, with a range that widens
 *    the interval.
 */
import type { Minute } from "./group-track.ts";
import { fitTrend, type Trend } from "./trend.ts";

/** Minutes from now. `high` is null where the data allow that it never comes. */
export interface Eta {
  readonly low: number;
  readonly median: number;
  readonly high: number | null;
}

/** Normal quantile of an 80 % interval's ends. */
const z80 = 1.2816;
/** Normal quantile that a slope must pass to be called rising: one chance in a thousand, one-sided. */
const zRising = 3.09;

const fitMinutes = 15;
const recentMinutes = 6;

export type LoadLaw = "batch" | "queue";

const usualUtilisation = {
  batch: { low: 0.5, median: 0.65, high: 0.8 },
  queue: { low: 0.3, median: 0.5, high: 0.7 },
} as const satisfies Record<LoadLaw, unknown>;

/** Utilisation now, from the slow-down against the usual one. */
export function utilisationOf(law: LoadLaw, slowdown: number, usual: number): number {
  if (law === "queue") return 1 - (1 - usual) / Math.max(0.01, slowdown);
  return Math.sqrt(Math.max(0, (slowdown * (1 + 4 * usual * usual) - 1) / 4));
}

/** Trend of the last minutes, where it surely rises. */
function risingTrend(values: readonly (number | null)[]): Trend | undefined {
  return isRising(values) ? fitTrend(values.slice(-fitMinutes).map(orUndefined), z80) : undefined;
}

/**
 * Whether values surely rise, and still do: a slope above 0 at one chance in a thousand over a quarter of an hour, which a
 * single step up can not reach (at most 56 of 105 pairs rise, z = 2.8), and above 0 over the last minutes.
 */
export function isRising(values: readonly (number | null)[]): boolean {
  const long = fitTrend(values.slice(-fitMinutes).map(orUndefined), zRising);
  const short = fitTrend(values.slice(-recentMinutes).map(orUndefined), 0);
  return long !== undefined && long.slopeLow > 0 && short !== undefined && short.slope > 0;
}

const orUndefined = (value: number | null): number | undefined => value ?? undefined;

function etaOfLine(trend: Trend, threshold: number): Eta | undefined {
  const left = threshold - trend.last;
  // Where the line is now is as uncertain as a point of it.
  const doubt = z80 * trend.scatter;
  if (left <= 0) return { low: 0, median: 0, high: 1 };
  if (trend.slope <= 0) return undefined;
  return {
    low: trend.slopeHigh > 0 ? Math.max(0, left - doubt) / trend.slopeHigh : 0,
    median: left / trend.slope,
    high: trend.slopeLow > 0 ? (left + doubt) / trend.slopeLow : null,
  };
}

/** From the failing ratio; undefined unless it surely rises. */
export function forecastFailing(minutes: readonly Minute[], threshold: number): Eta | undefined {
  const trend = risingTrend(minutes.map((minute) => minute.failing));
  return trend === undefined ? undefined : etaOfLine(trend, threshold);
}

/** From latency; undefined unless utilisation surely rises. */
export function forecastSaturation(minutes: readonly Minute[], law: LoadLaw): Eta | undefined {
  const line = (usual: number) =>
    risingTrend(
      minutes.map(({ slowdown }) =>
        slowdown === null ? null : utilisationOf(law, Math.exp(slowdown), usual),
      ),
    );
  const middle = line(usualUtilisation[law].median);
  if (middle === undefined) return undefined;
  const median = etaOfLine(middle, 1);
  if (median === undefined) return undefined;
  const busy = line(usualUtilisation[law].high);
  const idle = line(usualUtilisation[law].low);
  const early = busy === undefined ? undefined : etaOfLine(busy, 1);
  const late = idle === undefined ? undefined : etaOfLine(idle, 1);
  return {
    low: Math.min(median.low, early?.low ?? median.low),
    median: median.median,
    high: late?.high ?? null,
  };
}

export function earlier(left: Eta | undefined, right: Eta | undefined): Eta | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left.median <= right.median ? left : right;
}
