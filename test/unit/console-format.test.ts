import { describe, expect, it } from "vitest";
import {
  formatClock,
  formatDuration,
  formatExpected,
  formatLeft,
  formatNumber,
  formatValue,
} from "../../services/console/web/format.ts";

describe("formatValue", () => {
  it("says latencies in the unit that fits", () => {
    expect(
      [0, 480, 2_340, 87_400, 999_400, 999_600, 2_940_000, 61_000_000].map((us) =>
        formatValue(us, "µs"),
      ),
    ).toEqual(["0 s", "480 µs", "2.3 ms", "87 ms", "999 ms", "1.0 s", "2.9 s", "61 s"]);
  });

  it("says ratios as percent, and never a small one as none", () => {
    expect([0, 0.0004, 0.018, 0.093, 0.93, 1].map((ratio) => formatValue(ratio, "ratio"))).toEqual([
      "0 %",
      "< 0.1 %",
      "1.8 %",
      "9.3 %",
      "93 %",
      "100 %",
    ]);
  });

  it("says a missing value as such", () => {
    expect(formatValue(null, "µs")).toBe("–");
  });

  it("says rates and counts", () => {
    expect(formatValue(20, "requests/s")).toBe("20/s");
    expect(formatValue(1_234, "requests")).toBe("1,234 req");
    expect(formatValue(350.4, "tokens")).toBe("350 tok");
    expect([0.5, 4.25, 12.34, 4_100, 12_400, 3_200_000].map(formatNumber)).toEqual([
      "0.5",
      "4.25",
      "12.3",
      "4,100",
      "12 k",
      "3.2 M",
    ]);
  });
});

describe("formatExpected", () => {
  it("is an interval in one unit", () => {
    expect(formatExpected(900_000, 1_400_000, "µs")).toBe("0.9–1.4 s");
    expect(formatExpected(0.02, 0.04, "ratio")).toBe("2–4 %");
  });

  it("is a bound where the other end says nothing", () => {
    expect(formatExpected(0, 0.004, "ratio")).toBe("≤ 0.4 %");
    expect(formatExpected(null, 0.004, "ratio")).toBe("≤ 0.4 %");
    expect(formatExpected(12, null, "requests/s")).toBe("≥ 12/s");
    expect(formatExpected(3, 8, "requests")).toBe("3–8 req");
    expect(formatExpected(null, null, "ratio")).toBe("");
  });
});

describe("formatDuration", () => {
  it("takes the largest unit that fits", () => {
    const minute = 60_000;
    expect(
      [
        -5,
        6_000,
        89_000,
        4 * minute,
        89 * minute,
        120 * minute,
        125 * minute,
        1_440 * minute,
        4_400 * minute,
      ].map(formatDuration),
    ).toEqual(["0 s", "6 s", "89 s", "4 min", "89 min", "2 h", "2 h 5 min", "1 day", "3 days"]);
  });
});

describe("formatClock", () => {
  it("names the day when it is another", () => {
    const at = Date.UTC(2026, 10, 24, 12, 41, 5);
    expect(formatClock(at, at + 60_000, "Europe/Berlin")).toBe("13:41:05");
    expect(formatClock(at, at + 86_400_000, "UTC")).toBe("24 Nov 12:41:05");
  });
});

describe("formatLeft", () => {
  const breach = { breachMedianMs: 600_000, breachHighMs: 900_000 };

  it("says how long is left, that it is due, and nothing of a forecast that is over", () => {
    expect(formatLeft(breach, 0)).toBe("about 10 min left");
    expect(formatLeft(breach, 600_000)).toBe("breach is due");
    expect(formatLeft({ ...breach, breachHighMs: null }, 9_000_000)).toBe("breach is due");
    expect(formatLeft(breach, 900_000)).toBe("");
    expect(formatLeft({ breachMedianMs: null, breachHighMs: null }, 0)).toBe("");
  });
});
