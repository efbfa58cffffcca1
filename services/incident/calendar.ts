/** The wall clock of the people who make the traffic: day and half hour by a configured time zone. */
import { halfHours, type WallTime } from "../../detectors/seasonal.ts";
import type { Judgement } from "../contracts/config.ts";

export type Calendar = Judgement["incident"]["calendar"];

/** Every zone's offset from UTC is a multiple of this. */
const quarterMs = 900_000;
const halfHourMinutes = (24 * 60) / halfHours;

interface Reader {
  readonly format: Intl.DateTimeFormat;
  readonly exceptions: ReadonlySet<string>;
  quarter: number;
  wall: WallTime;
}

/** Formats, and the last answer of each calendar: a cache of a pure function. */
const readers = new WeakMap<Calendar, Reader>();

/** Wall time of a moment. */
export function wallTimeOf(unixMs: number, calendar: Calendar): WallTime {
  let reader = readers.get(calendar);
  if (reader === undefined) {
    reader = openReader(calendar);
    readers.set(calendar, reader);
  }
  const quarter = Math.floor(unixMs / quarterMs);
  if (quarter !== reader.quarter) {
    reader.wall = read(reader, quarter * quarterMs);
    reader.quarter = quarter;
  }
  return reader.wall;
}

function openReader({ timeZone, exceptions }: Calendar): Reader {
  return {
    format: new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    }),
    exceptions: new Set(exceptions),
    quarter: Number.NaN,
    wall: { day: 0, halfHour: 0, isException: false },
  };
}

function read({ format, exceptions }: Reader, unixMs: number): WallTime {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of format.formatToParts(unixMs)) parts[type] = value;
  const { year = "", month = "", day = "", hour = "", minute = "" } = parts;
  return {
    day: daysSince1970(Number(year), Number(month), Number(day)),
    halfHour: Math.floor((Number(hour) * 60 + Number(minute)) / halfHourMinutes),
    isException: exceptions.has(`${year}-${month}-${day}`),
  };
}

/** Of a Gregorian date; the year begins in March, so that the leap day is its last. */
function daysSince1970(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const months = (month + 9) % 12;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return 365 * years + leapDays + Math.floor((153 * months + 2) / 5) + day - 1 - 719_468;
}
