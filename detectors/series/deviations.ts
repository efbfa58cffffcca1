/**
 * How far a row lies from two expectations at once, in robust deviations: from the level of the last days and from what this time of
 * day had, moved by how far the last rows were from that.
 *
 * Formula: √(z₁·z₂), z₁ of a robust chart of the values (mean over 200 rows), z₂ of one of the values less the profile of the day
 * (mean over 20 rows). Either alone is fooled: the first by the season, the second by a step that lasts.
 * Source: charts as in `robust-chart.ts`; the mean of two votes as in combining tests. Cost: 14 numbers of state and at most 288 slots,
 * some 100 ns a row.
 */
import {
  addToChart,
  clipOf,
  type Expected,
  emptyChart,
  expectedOf,
  isConstant,
  type RobustChart,
} from "./robust-chart.ts";
import { dayMs, daySlotMs, slotOf } from "./season.ts";

export interface Deviations {
  level: RobustChart;
  /** Of the residual to the profile. */
  day: RobustChart;
  /** Mean by five minutes of the day (UTC). */
  profile: Record<number, number>;
}

const profileLearning = 0.2;
/** More is no more news; keeps state and formula finite. */
const mostDeviations = 1_000;

export const noDeviations = (): Deviations => ({
  level: emptyChart(200, 200),
  day: emptyChart(20, 400),
  profile: {},
});

/** Level before the next row, undefined while little is known of it. */
export const levelOf = ({ level }: Deviations): Expected | undefined =>
  isConstant(level) ? { mean: level.low, deviation: 0 } : expectedOf(level);

/** In deviations, 0 while warming up; the level alone counts where this time of day was not seen yet. Learns the row, in place. */
export function deviationsOf(state: Deviations, timeMs: number, value: number): number {
  const { level, day, profile } = state;
  const fromLevel = distanceOf(level, value) ?? 0;
  addToChart(level, value);
  const slot = slotOf(timeMs, dayMs, daySlotMs);
  const usual = profile[slot];
  if (usual === undefined) {
    profile[slot] = value;
    return fromLevel;
  }
  const residual = value - usual;
  const limit = clipOf(day);
  const fromDay = distanceOf(day, residual) ?? fromLevel;
  addToChart(day, residual);
  profile[slot] = usual + profileLearning * Math.max(-limit, Math.min(limit, residual));
  return Math.sqrt(fromLevel * fromDay);
}

function distanceOf(chart: RobustChart, value: number): number | undefined {
  if (isConstant(chart)) return value === chart.low ? 0 : mostDeviations;
  const expected = expectedOf(chart);
  if (expected === undefined) return undefined;
  return Math.min(mostDeviations, Math.abs(value - expected.mean) / expected.deviation);
}
