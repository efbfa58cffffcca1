/**
 * Profile by time of day and by time of week (UTC), whichever errs less lately, and only where it errs clearly less than a short mean
 * does. Slots follow the wall clock; nothing is looked for in the file.
 * Cost: at most 288 + 1,008 numbers of state, two look-ups a row.
 */
export interface Season {
  /** Mean by slot: five minutes of the day, ten of the week. */
  day: Record<number, number>;
  week: Record<number, number>;
  /** Decayed absolute errors of both profiles and of the best short mean; 0: unknown. */
  dayError: number;
  weekError: number;
  plainErrors: number[];
  dayRows: number;
  weekRows: number;
}

export const dayMs = 86_400_000;
export const daySlotMs = 300_000;
const weekSlotMs = 600_000;
const dayLearning = 0.3;
const weekLearning = 0.4;
const errorWeight = 0.02;
/** A profile is used from so many rows on, if its error is below this share of a plain mean's. */
const usedFromRows = 100;
const errorShare = 0.8;

export const emptySeason = (): Season => ({
  day: {},
  week: {},
  dayError: 0,
  weekError: 0,
  plainErrors: [],
  dayRows: 0,
  weekRows: 0,
});

/** Residual against the profile; `isUsed` tells whether it says more than a plain mean. Undefined: nothing known of this time. */
export function seasonalResidual(
  season: Season,
  timeMs: number,
  value: number,
): { readonly residual: number; readonly isUsed: boolean } | undefined {
  const byDay = season.day[slotOf(timeMs, dayMs, daySlotMs)];
  const byWeek = season.week[slotOf(timeMs, 7 * dayMs, weekSlotMs)];
  const isWeek = season.weekError > 0 && season.weekError < season.dayError;
  const profile = isWeek ? byWeek : byDay;
  if (profile === undefined) return undefined;
  const rows = isWeek ? season.weekRows : season.dayRows;
  const error = isWeek ? season.weekError : season.dayError;
  const plain = Math.min(...season.plainErrors);
  return { residual: value - profile, isUsed: rows >= usedFromRows && error < errorShare * plain };
}

/** Learns a row, in place. `plainMeans` are what short means would have said. */
export function addToSeason(
  season: Season,
  timeMs: number,
  value: number,
  plainMeans: readonly number[],
): void {
  const daySlot = slotOf(timeMs, dayMs, daySlotMs);
  const weekSlot = slotOf(timeMs, 7 * dayMs, weekSlotMs);
  const byDay = season.day[daySlot];
  const byWeek = season.week[weekSlot];
  if (byDay !== undefined) {
    season.dayError = errorAfter(season.dayError, value - byDay);
    season.dayRows++;
  }
  if (byWeek !== undefined) {
    season.weekError = errorAfter(season.weekError, value - byWeek);
    season.weekRows++;
  }
  season.day[daySlot] = byDay === undefined ? value : byDay + dayLearning * (value - byDay);
  season.week[weekSlot] = byWeek === undefined ? value : byWeek + weekLearning * (value - byWeek);
  for (const [index, mean] of plainMeans.entries())
    season.plainErrors[index] = errorAfter(season.plainErrors[index] ?? 0, value - mean);
}

const errorAfter = (before: number, residual: number): number =>
  before === 0 ? Math.abs(residual) : before + errorWeight * (Math.abs(residual) - before);

/** Number of the slot in its period, also before 1970. */
export function slotOf(timeMs: number, periodMs: number, slotMs: number): number {
  return Math.floor((((timeMs % periodMs) + periodMs) % periodMs) / slotMs);
}
