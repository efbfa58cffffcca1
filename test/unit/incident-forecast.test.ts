import { describe, expect, it } from "vitest";
import {
  type Eta,
  forecastOutage,
  foretellByFailing,
  foretellByLatency,
  isRising,
  isWorthTelling,
} from "../../services/incident/forecast.ts";
import type { Minute } from "../../services/incident/group-track.ts";

/** So many minutes, by ln of the slowdown or by the failing ratio. */
function course(count: number, at: (minute: number) => Partial<Minute>): Minute[] {
  return Array.from({ length: count }, (_, minute) => ({
    requests: 1_000,
    usualRequests: 1_000,
    failing: 0,
    slowdown: 0,
    ...at(minute),
  }));
}

/** Between −1 and 1, the same always. */
const jitter = (minute: number) => ((7 * minute) % 5) / 2 - 1;

const width = ({ low, high }: Eta) => Math.log(high / low);

describe("a forecast by latency", () => {
  it("is nearer the faster the log of the slowdown rises, and in a queue farther than in a batch", () => {
    const rising = (slope: number) => course(15, (t) => ({ slowdown: slope * t }));
    expect(foretellByLatency(rising(0.02), "batch")?.median).toBeCloseTo(0.22 / 0.02, 6);
    expect(foretellByLatency(rising(0.04), "batch")?.median).toBeCloseTo(0.22 / 0.04, 6);
    expect(foretellByLatency(rising(0.02), "queue")?.median).toBeCloseTo(0.5 / 0.02, 6);
  });

  it("comes nearer as a queue fills up, and holds the minute at which it is full", () => {
    // R = (t_c − t)^−k, full at minute 45.
    const etas = [20, 25, 30].map(
      (now) =>
        foretellByLatency(
          course(now, (t) => ({ slowdown: -0.5 * Math.log((45 - t) / 45) })),
          "queue",
        ) as Eta,
    );
    const medians = etas.map(({ median }) => median);
    expect(medians).toEqual(medians.toSorted((x, y) => y - x));
    expect(etas[0]?.low).toBeLessThan(25);
    expect(etas[0]?.high).toBeGreaterThan(25);
  });

  it("says how unsure it is: a shaky rise has a wider interval than a steady one", () => {
    const shaky = (by: number) =>
      foretellByLatency(
        course(15, (t) => ({ slowdown: 0.03 * t + by * jitter(t) })),
        "batch",
      ) as Eta;
    expect(width(shaky(0.02))).toBeGreaterThan(1.1 * width(shaky(0)));
    expect(width(shaky(0.05))).toBeGreaterThan(1.1 * width(shaky(0.02)));
  });

  it("is none of what stays slow, or is slow since a deploy", () => {
    expect(
      foretellByLatency(
        course(15, (t) => ({ slowdown: 0.7 + 0.02 * jitter(t) })),
        "batch",
      ),
    ).toBeUndefined();
    expect(
      foretellByLatency(
        course(15, (t) => ({ slowdown: t > 8 ? 0.7 : 0 })),
        "batch",
      ),
    ).toBeUndefined();
  });
});

describe("a forecast by failing requests", () => {
  const failing = (at: (minute: number) => number) => course(15, (t) => ({ failing: at(t) }));

  it("goes by factors", () => {
    // 8 % at the end, 10 % more a minute: a fifth 9.6 minutes later.
    const eta = foretellByFailing(
      failing((t) => 0.08 * 1.1 ** (t - 14)),
      0.2,
    ) as Eta;
    expect(eta.median).toBeGreaterThan(8);
    expect(eta.median).toBeLessThan(13);
    expect(eta.low).toBeLessThan(9.6);
    expect(eta.high).toBeGreaterThan(9.6);
  });

  it("goes by the last minutes where growth quickens", () => {
    const eta = foretellByFailing(
      failing((t) => (t < 9 ? 0.02 + 0.004 * t : 0.056 + 0.01 * (t - 9))),
      0.2,
    );
    expect(eta?.median).toBeLessThan(7);
  });

  it.each([
    ["flat", (t: number) => 0.06 + (t % 2) * 0.001],
    ["falling", (t: number) => 0.1 - 0.005 * t],
    ["a single late jump", (t: number) => (t > 13 ? 0.1 : 0)],
    ["past the threshold", (t: number) => 0.1 + 0.01 * t],
    ["a tenth of the threshold", (t: number) => 0.006 + 0.001 * t],
  ])("is none when the ratio is %s", (_, at) => {
    expect(foretellByFailing(failing(at), 0.2)).toBeUndefined();
  });

  it("is none of what surely rises, when nobody knows how fast", () => {
    const at = (t: number) => 0.06 + 0.003 * t + 0.011 * jitter(t);
    expect(isRising(Array.from({ length: 15 }, (_, t) => at(t)))).toBe(true);
    expect(foretellByFailing(failing(at), 0.2)).toBeUndefined();
  });

  it("is never that it is now", () => {
    expect(
      foretellByFailing(
        failing((t) => 0.01 + 0.013 * t),
        0.2,
      )?.median,
    ).toBe(2);
  });
});

describe("the forecast of an outage", () => {
  const eta = (median: number): Eta => ({ low: median / 2, median, high: 2 * median });

  it("takes the middle place by latency", () => {
    expect(forecastOutage({ latency: [eta(40), eta(10), eta(20)], failing: [] })).toEqual(eta(20));
    const two = forecastOutage({ latency: [eta(10), eta(40)], failing: [] }) as Eta;
    expect(two.median).toBeCloseTo(20, 12);
    expect(two.low).toBeCloseTo(10, 12);
  });

  it("takes the earliest place by failures, and whichever of both is earlier", () => {
    expect(forecastOutage({ latency: [eta(20)], failing: [eta(30), eta(9)] })).toEqual(eta(9));
    expect(forecastOutage({ latency: [eta(5)], failing: [eta(9)] })).toEqual(eta(5));
    expect(forecastOutage({ latency: [], failing: [] })).toBeUndefined();
  });
});

describe("a forecast that is very near", () => {
  it("is told only to those who were told one before", () => {
    const near = { low: 2, median: 4.9, high: 8 };
    expect(isWorthTelling(near, false)).toBe(false);
    expect(isWorthTelling(near, undefined)).toBe(false);
    expect(isWorthTelling(near, true)).toBe(true);
    expect(isWorthTelling({ ...near, median: 5 }, false)).toBe(true);
  });
});
