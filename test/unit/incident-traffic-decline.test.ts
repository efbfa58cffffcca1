import { describe, expect, it } from "vitest";
import { seasonal } from "../../detectors/seasonal.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { wallTimeOf } from "../../services/incident/calendar.ts";
import type { FleetWindow } from "../../services/incident/join.ts";
import { initialDecline, stepTrafficDecline } from "../../services/incident/traffic-decline.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const clocks = new Map<string, Intl.DateTimeFormat>();
const times = new Map<string, { readonly hour: number; readonly weekday: number }>();

/** Hour of the day and day of the week (0: Sunday) as people in a zone have them, by another way than the code's. */
function localTime(unixMs: number, timeZone: string) {
  const hours = Math.floor(unixMs / hourMs);
  const key = `${timeZone} ${hours}`;
  const known = times.get(key);
  if (known !== undefined) return known;
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", hour: "2-digit" });
  clocks.set(timeZone, clock);
  const [weekday = "", hour = ""] = clock.format(hours * hourMs).split(", ");
  const time = {
    hour: Number(hour),
    weekday: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"].indexOf(weekday),
  };
  times.set(key, time);
  return time;
}

/** Requests a minute. */
type Traffic = (unixMs: number) => number;

/** Three times as many from ten to four by a zone's clock; on weekends always as few as at night. */
const busyIn =
  (timeZone: string): Traffic =>
  (unixMs) => {
    const { hour, weekday } = localTime(unixMs, timeZone);
    return hour >= 10 && hour < 16 && weekday > 0 && weekday < 6 ? 300 : 100;
  };

const between = (from: string, to: string) => (unixMs: number) =>
  unixMs >= Date.parse(from) && unixMs < Date.parse(to);

/** Plays minutes from one date to another, and notes what was thought of each. */
class Play {
  decline = initialDecline();
  readonly usual = new Map<number, number | undefined>();
  readonly declining: number[] = [];
  readonly #judgement;
  nowMs: number;

  constructor(from: string, timeZone: string, exceptions: readonly string[] = []) {
    this.nowMs = Date.parse(from);
    this.#judgement = judgementSchema.parse({ incident: { calendar: { timeZone, exceptions } } });
  }

  until(to: string, traffic: Traffic): this {
    const { calendar } = this.#judgement.incident;
    for (; this.nowMs < Date.parse(to); this.nowMs += minuteMs) {
      const requests = traffic(this.nowMs);
      stepTrafficDecline(
        this.decline,
        {
          windowMs: minuteMs,
          windowStartMs: this.nowMs,
          cells: [{ requests }],
        } as unknown as FleetWindow,
        { calendar, isSilent: requests === 0 },
      );
      const usual = seasonal.usualAt(this.decline.season, wallTimeOf(this.nowMs, calendar));
      this.usual.set(
        this.nowMs,
        usual === undefined ? undefined : Math.round(Math.expm1(usual) / 30),
      );
      if (this.decline.isPlain) this.declining.push(this.nowMs);
    }
    return this;
  }

  usualAt(moment: string): number | undefined {
    return this.usual.get(Date.parse(moment));
  }

  /** Days and times at which declines began to be told. */
  get told(): string[] {
    return this.declining
      .filter((ms, index) => this.declining[index - 1] !== ms - minuteMs)
      .map((ms) => new Date(ms).toISOString().slice(0, 16));
  }
}

describe("what is usual at this time", () => {
  it("is what the half hour had on the days before, from the second day on", () => {
    const play = new Play("2026-06-01T00:00:00Z", "UTC").until(
      "2026-06-03T00:00:00Z",
      busyIn("UTC"),
    );
    expect(play.usualAt("2026-06-01T12:00:00Z")).toBeUndefined();
    expect(play.usualAt("2026-06-02T09:59:00Z")).toBe(100);
    expect(play.usualAt("2026-06-02T10:00:00Z")).toBe(300);
    expect(play.usualAt("2026-06-02T15:59:00Z")).toBe(300);
    expect(play.usualAt("2026-06-02T16:00:00Z")).toBe(100);
  });

  it.each([
    ["America/New_York", "2026-02-26", "2026-03-12", "2026-03-09T14:00:00Z"],
    ["America/New_York", "2026-10-22", "2026-11-05", "2026-11-02T15:00:00Z"],
    ["Europe/Berlin", "2026-10-15", "2026-10-29", "2026-10-26T09:00:00Z"],
  ])("keeps to the clock of %s when it is changed, after %s", (zone, from, to, firstBusyHour) => {
    const first = Date.parse(firstBusyHour);
    expect(localTime(first, zone).hour).toBe(10);
    const traffic = busyIn(zone);
    const wrongMinutes = (timeZone: string) => {
      const { usual } = new Play(`${from}T00:00:00Z`, timeZone).until(`${to}T00:00:00Z`, traffic);
      const fromMs = first - 2 * hourMs;
      const day = [...usual].filter(([ms]) => ms >= fromMs && ms < fromMs + dayMs);
      expect(day).toHaveLength(24 * 60);
      return day.filter(([ms, value]) => value !== traffic(ms)).length;
    };
    expect(wrongMinutes(zone)).toBe(0);
    // A clock without daylight saving is an hour off, at both ends.
    expect(wrongMinutes("UTC")).toBe(120);
  });

  it("tells weekends from workdays once it has seen both", () => {
    const traffic = busyIn("UTC");
    const play = new Play("2026-06-01T00:00:00Z", "UTC").until("2026-06-30T00:00:00Z", traffic);
    const wrong = [...play.usual].filter(
      ([ms, value]) => ms >= Date.parse("2026-06-08T00:00:00Z") && value !== traffic(ms),
    );
    expect(wrong).toEqual([]);
  });

  it("knows what only one day of the week has, once it had it twice", () => {
    const traffic: Traffic = (ms) => (localTime(ms, "UTC").weekday === 1 ? busyIn("UTC")(ms) : 100);
    const play = new Play("2026-05-27T00:00:00Z", "UTC").until("2026-06-23T00:00:00Z", traffic);
    expect(play.usualAt("2026-06-08T12:00:00Z")).toBe(100);
    expect(play.usualAt("2026-06-15T12:00:00Z")).toBe(300);
    expect(play.usualAt("2026-06-16T12:00:00Z")).toBe(100);
  });

  it("is not what one odd day had: not the next day, and not the same weekday after", () => {
    const odd = between("2026-06-05T09:00:00Z", "2026-06-05T14:00:00Z");
    const traffic: Traffic = (ms) => busyIn("UTC")(ms) * (odd(ms) ? 0.4 : 1);
    const play = new Play("2026-05-25T00:00:00Z", "UTC").until("2026-06-20T00:00:00Z", traffic);
    for (const day of ["08", "09", "12", "19"])
      expect([day, play.usualAt(`2026-06-${day}T12:00:00Z`)]).toEqual([day, 300]);
  });

  it("is unknown on a day that is an exception, which is not learnt either", () => {
    const holiday = between("2026-06-09T00:00:00Z", "2026-06-10T00:00:00Z");
    const traffic: Traffic = (ms) => (holiday(ms) ? 50 : busyIn("UTC")(ms));
    const play = new Play("2026-06-01T00:00:00Z", "UTC", ["2026-06-09"]);
    play.until("2026-06-18T00:00:00Z", traffic);
    expect(play.usualAt("2026-06-09T12:00:00Z")).toBeUndefined();
    expect(play.usualAt("2026-06-10T12:00:00Z")).toBe(300);
    expect(play.usualAt("2026-06-16T12:00:00Z")).toBe(300);
    expect(JSON.stringify(play.decline.season)).not.toContain("7.31");
  });

  it("forgets what is older than a fortnight, and needs half of a half hour to learn it", () => {
    const play = new Play("2026-06-01T00:00:00Z", "UTC").until(
      "2026-06-05T12:10:00Z",
      busyIn("UTC"),
    );
    play.nowMs = Date.parse("2026-06-06T12:00:00Z");
    play.until("2026-06-06T12:01:00Z", () => 100);
    expect(play.usualAt("2026-06-06T12:00:00Z")).toBe(300);
    expect(Object.values(play.decline.season.days).map((day) => day[24])).toHaveLength(5);
    expect(play.decline.season.days[20_609]?.[24]).toBeNull();
    play.nowMs = Date.parse("2026-06-22T12:00:00Z");
    play.until("2026-06-22T12:01:00Z", () => 1);
    expect(play.usualAt("2026-06-22T12:00:00Z")).toBeUndefined();
  });
});

describe("traffic that declines slowly", () => {
  /** From seven on, a further tenth of the traffic is missing each hour, up to a part of it. */
  const losing =
    (day: string, part: number): Traffic =>
    (ms) => {
      const hours = (ms - Date.parse(`${day}T07:00:00Z`)) / hourMs;
      const lost = hours > 0 && hours < 14 ? Math.min(part, hours / 10) : 0;
      return busyIn("UTC")(ms) * (1 - lost);
    };

  it("is told two hours after it is plain, and is over when most of it is back", () => {
    const play = new Play("2026-06-01T00:00:00Z", "UTC");
    play.until("2026-06-18T00:00:00Z", losing("2026-06-11", 0.5));
    expect(play.told).toEqual(["2026-06-11T11:30"]);
    expect(new Date(play.decline.sinceMs).toISOString()).toBe("2026-06-11T09:30:00.000Z");
    expect(play.declining.at(-1)).toBe(Date.parse("2026-06-11T21:29:00Z"));
  });

  it("is told again at the same hours of the same weekday a week later", () => {
    const [first, second] = ["2026-06-11", "2026-06-18"].map((day) => losing(day, 0.5));
    const play = new Play("2026-06-01T00:00:00Z", "UTC");
    play.until("2026-06-14T00:00:00Z", first as Traffic);
    play.until("2026-06-20T00:00:00Z", second as Traffic);
    expect(play.told.map((told) => told.slice(0, 10))).toEqual(["2026-06-11", "2026-06-18"]);
  });

  it.each([
    ["a week is not known yet", losing("2026-06-06", 0.5), []],
    ["it is a fifth", losing("2026-06-11", 0.2), []],
    ["traffic grows", (ms: number) => 800 - busyIn("UTC")(ms), []],
    ["every weekend", busyIn("UTC"), []],
    ["a gap of the telemetry", (ms: number) => (ms % (13 * hourMs) < 3 * hourMs ? 0 : 300), []],
    [
      "a holiday that is configured",
      (ms: number) =>
        between("2026-06-11T00:00:00Z", "2026-06-12T00:00:00Z")(ms) ? 60 : busyIn("UTC")(ms),
      ["2026-06-11"],
    ],
  ] as const)("is not told where %s", (_, traffic, exceptions) => {
    const play = new Play("2026-06-01T00:00:00Z", "UTC", exceptions);
    expect(play.until("2026-06-20T00:00:00Z", traffic).told).toEqual([]);
  });

  it("is not told where that time has always been uncertain", () => {
    const traffic: Traffic = (ms) => (Math.floor(ms / dayMs) % 2 === 0 ? 100 : 180);
    const play = new Play("2026-06-01T00:00:00Z", "UTC");
    expect(play.until("2026-06-26T00:00:00Z", traffic).told).toEqual([]);
  });

  it("is told once of a level that stays lower, until that has become usual", () => {
    const traffic: Traffic = (ms) =>
      busyIn("UTC")(ms) * (ms < Date.parse("2026-06-16T08:00:00Z") ? 1 : 0.5);
    const play = new Play("2026-06-01T00:00:00Z", "UTC").until("2026-07-10T00:00:00Z", traffic);
    expect(play.told).toEqual(["2026-06-16T10:00"]);
    expect(play.declining.at(-1)).toBeLessThan(Date.parse("2026-06-19T09:00:00Z"));
    expect(play.usualAt("2026-07-09T12:00:00Z")).toBe(150);
    expect(play.usualAt("2026-07-05T12:00:00Z")).toBe(50);
  });

  it("is not over by a gap of the telemetry", () => {
    const gap = between("2026-06-11T12:20:00Z", "2026-06-11T13:50:00Z");
    const traffic: Traffic = (ms) => (gap(ms) ? 0 : losing("2026-06-11", 0.5)(ms));
    const play = new Play("2026-06-01T00:00:00Z", "UTC").until("2026-06-18T00:00:00Z", traffic);
    expect(play.told).toEqual(["2026-06-11T11:30"]);
    expect(play.declining.at(-1)).toBe(Date.parse("2026-06-11T21:29:00Z"));
  });

  it("goes on from a saved state as if it had never stopped", () => {
    const play = new Play("2026-06-01T00:00:00Z", "UTC");
    play.until("2026-06-11T09:47:00Z", losing("2026-06-11", 0.5));
    const other = new Play("2026-06-11T09:47:00Z", "UTC");
    other.decline = JSON.parse(JSON.stringify(play.decline)) as typeof play.decline;
    for (const one of [play, other]) one.until("2026-06-13T00:00:00Z", losing("2026-06-11", 0.5));
    expect(other.decline).toEqual(play.decline);
    expect(other.told).toEqual(play.told);
  });
});
