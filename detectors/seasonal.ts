/**
 * What is usual at this time of the day and of the week, and how far that has been wrong so far. A profile rather than a judge of windows: it
 * lives on half hours of a wall clock, which the caller reads off its calendar, and leaves what a difference means to the caller.
 */

/** Half hours of a day. */
export const halfHours = 48;

export interface WallTime {
  /** Days since 1970-01-01 by the wall clock. */
  readonly day: number;
  /** 0 … 47. */
  readonly halfHour: number;
  /** A holiday or the like: unlike its weekday, and unlike other such days. */
  readonly isException: boolean;
}

export interface SeasonalState {
  /** ln(1 + requests a half hour) of the last four weeks by day and half hour; null where none was learnt. */
  readonly days: Record<string, (number | null)[]>;
  /** Decayed absolute errors by half hour; null: never compared. */
  readonly errors: (number | null)[];
  /** The half hour that is being filled; day −1: none. */
  filling: {
    day: number;
    halfHour: number;
    count: number;
    ms: number;
    isSpoilt: boolean;
  };
}

/** A half hour that is over, held against what was usual. */
export interface Residual {
  /** ln(1 + requests) less the usual one. */
  readonly residual: number;
  /** Requests a half hour that were usual. */
  readonly usual: number;
  /** Mean absolute residual so far at this time of the day: the largest of this half hour's and its neighbours'. */
  readonly error: number;
  /** Days that this half hour is known of. */
  readonly days: number;
}

const week = 7;
/** Days that the level is the middle of, and how far back those may lie: exceptions leave gaps. */
const recentDays = 5;
const lookBackDays = 2 * week;
/** Weekdays of those days are known by a week before each, against the week before that. */
const keptDays = lookBackDays + 2 * week + 1;
const halfHourMs = 30 * 60_000;
/** Of a half hour with less time than this in windows nothing is learnt. */
const leastMs = halfHourMs / 2;
/** Part of an error that is new each day, and what it may exceed the one before by: a single odd day does not make a time uncertain. */
const errorWeight = 0.2;
const clip = { factor: 3, more: 0.05 } as const;
const perUnit = 1_000;

export const seasonal = {
  about: {
    formula:
      "y = ln(1 + requests) by half hour of the wall clock, four weeks of them; a weekday adds what it had beyond the lower median of the week before it, twice in a row (the smaller, if of one sign; where only one is known, what is below); usual = the lower median of the last 5 days known, each less what its weekday adds, plus what this weekday does; error: decayed |y − usual| by half hour, a fifth new each day, clipped at 3 × itself + .05",
    source:
      "seasonal naive forecast (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.2) with a median over seasons in place of the last one",
    cost: "an addition a window, some look-ups a half hour; at most 1,440 numbers of state",
    falseAlarm:
      "none of its own: it tells a residual and the usual size of such residuals. A single odd day is never usual once three days are known, and a new level is after three days",
  },
  initialState: (): SeasonalState => ({
    days: {},
    errors: new Array<number | null>(halfHours).fill(null),
    filling: { day: -1, halfHour: 0, count: 0, ms: 0, isSpoilt: false },
  }),
  /**
   * Takes a window's count in, in place, and gives the half hour that it ends; undefined: it ends none, or nothing is known of it. A half hour in which
   * `isFrozen` once was is neither judged nor learnt, nor is one of a day that is an exception.
   */
  step(
    state: SeasonalState,
    count: number,
    window: { readonly at: WallTime; readonly windowMs: number; readonly isFrozen: boolean },
  ): Residual | undefined {
    const { at, windowMs, isFrozen } = window;
    let { filling } = state;
    let residual: Residual | undefined;
    if (at.day !== filling.day || at.halfHour !== filling.halfHour) {
      residual = keep(state);
      const { day, halfHour } = at;
      filling = { day, halfHour, count: 0, ms: 0, isSpoilt: false };
      state.filling = filling;
    }
    filling.count += count;
    filling.ms += windowMs;
    if (isFrozen || at.isException) filling.isSpoilt = true;
    return residual;
  },
  /** ln(1 + requests) that is usual then, by the days before; undefined: nothing is known, or the day is an exception. */
  usualAt(state: SeasonalState, { day, halfHour, isException }: WallTime): number | undefined {
    if (isException) return undefined;
    const values = (then: number) => state.days[then]?.[halfHour] ?? undefined;
    const recent: number[] = [];
    for (let ago = 1; ago <= lookBackDays && recent.length < recentDays; ago++) {
      const value = values(day - ago);
      if (value !== undefined) recent.push(value - addedBy(values, day - ago));
    }
    const level = lowerMedian(recent);
    return level === undefined ? undefined : level + addedBy(values, day - week);
  },
} as const;

type Values = (day: number) => number | undefined;

function lowerMedian(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];
}

/** What the weekday of a day adds to what other days have, by that day and the one a week before. */
function addedBy(values: Values, day: number): number {
  const last = addedOn(values, day);
  const before = addedOn(values, day - week);
  if (last === undefined || before === undefined) return Math.min(0, last ?? before ?? 0);
  return last < 0 ? Math.min(0, Math.max(last, before)) : Math.max(0, Math.min(last, before));
}

/** What a day had beyond the week before it. */
function addedOn(values: Values, day: number): number | undefined {
  const value = values(day);
  const others = Array.from({ length: week }, (_, index) => values(day - 1 - index));
  const level = lowerMedian(others.filter((other) => other !== undefined));
  return value === undefined || level === undefined ? undefined : value - level;
}

/** The half hour that is over becomes part of its day. One that the clock repeats counts as it was the second time. */
function keep(state: SeasonalState): Residual | undefined {
  const { days, errors, filling } = state;
  const { day, halfHour, count, ms, isSpoilt } = filling;
  if (ms < leastMs || isSpoilt) return undefined;
  const y = Math.log1p((count * halfHourMs) / ms);
  const usual = seasonal.usualAt(state, { day, halfHour, isException: false });
  const residual = usual === undefined ? undefined : compare(state, y, usual);
  const values = days[day] ?? new Array<number | null>(halfHours).fill(null);
  days[day] = values;
  values[halfHour] = round(y);
  for (const key of Object.keys(days)) if (Number(key) <= day - keptDays) delete days[key];
  if (residual === undefined) return undefined;
  const size = Math.abs(residual.residual);
  const before = errors[halfHour] ?? size;
  const clipped = Math.min(size, clip.factor * before + clip.more);
  errors[halfHour] = round(before + errorWeight * (clipped - before));
  return residual;
}

function compare(state: SeasonalState, y: number, usual: number): Residual {
  const { days, errors, filling } = state;
  const { halfHour } = filling;
  const near = [halfHour - 1, halfHour, halfHour + 1].map(
    (at) => errors[(at + halfHours) % halfHours] ?? Number.POSITIVE_INFINITY,
  );
  return {
    residual: y - usual,
    usual: Math.expm1(usual),
    error: Math.max(...near),
    days: Object.values(days).filter((values) => (values[halfHour] ?? null) !== null).length,
  };
}

const round = (value: number): number => Math.round(perUnit * value) / perUnit;
