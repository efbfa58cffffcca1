import { describe, expect, it } from "vitest";
import {
  addEvidence,
  openThreshold,
  ratioSurprise,
  sharedThreshold,
} from "../../services/incident/evidence.ts";
import {
  forecastOutage,
  minutesToFailing,
  minutesToSaturation,
} from "../../services/incident/forecast.ts";
import {
  logSlowdown,
  slowShareAfter,
  upperNormalQuantile,
  upperNormalTail,
} from "../../services/incident/slowness.ts";
import { fitTrend } from "../../services/incident/trend.ts";

const bounds = { limit: 4, cap: 10 };

describe("evidence over windows", () => {
  it("does not open after one window, however unlikely it is", () => {
    const threshold = openThreshold(300, 5_000);
    const limit = threshold / 2;
    const once = addEvidence(0, 30, { limit, cap: threshold + 1 });
    expect(once).toBe(limit);
    expect(addEvidence(once, 30, { limit, cap: threshold + 1 })).toBe(threshold);
  });

  it("fades in healthy windows and never falls below nothing", () => {
    expect(addEvidence(3, 0, bounds)).toBeCloseTo(3 + Math.log10(0.5), 12);
    expect(addEvidence(0.1, 0, bounds)).toBe(0);
  });

  it("is capped, so that health is believed again soon", () => {
    expect(addEvidence(9.9, 30, bounds)).toBe(10);
  });

  it("keeps the product of e-values below one on average under health", () => {
    // p uniform: E[½ p^−½] = 1.
    let sum = 0;
    const steps = 200_000;
    for (let i = 0; i < steps; i++) sum += 0.5 * ((i + 0.5) / steps) ** -0.5;
    expect(sum / steps).toBeCloseTo(1, 2);
  });

  it("asks less of each stream when many have evidence", () => {
    expect(sharedThreshold([8], 8)).toBe(8);
    expect(sharedThreshold([7.5, 0, 0], 8)).toBe(8);
    expect(sharedThreshold(new Array(10).fill(7), 8)).toBe(7);
  });

  it("finds a ratio surprising only beyond what is healthy", () => {
    const healthy = { atMost: 0.01, dispersion: 1 };
    expect(ratioSurprise(1, 100, healthy)).toBe(0);
    expect(ratioSurprise(0, 0, healthy)).toBe(0);
    expect(ratioSurprise(20, 100, healthy)).toBeGreaterThan(10);
    expect(ratioSurprise(20, 100, { ...healthy, dispersion: 2 })).toBeCloseTo(
      ratioSurprise(20, 100, healthy) / 2,
      12,
    );
  });

  it("is not impressed by one error in six at night", () => {
    expect(ratioSurprise(1, 6, { atMost: 0.01, dispersion: 2 })).toBeLessThan(1);
  });
});

describe("slowness from counts", () => {
  it("inverts the normal tail", () => {
    for (const z of [-2, -0.5, 0, 1, 1.645, 3])
      expect(upperNormalQuantile(upperNormalTail(z))).toBeCloseTo(z, 2);
  });

  it("finds the factor that made more requests slow", () => {
    const of = 100_000;
    const bad = Math.round(of * slowShareAfter(0.05, 1.8));
    expect(Math.exp(logSlowdown({ bad, of, expected: 0.05 * of }))).toBeCloseTo(1.8, 2);
  });

  it("has no opinion without requests", () => {
    expect(logSlowdown({ bad: 0, of: 0, expected: 0 })).toBe(0);
  });
});

describe("trends and forecasts", () => {
  const minute = (failing: number | null, slowdown: number | null) => ({
    requests: 1_000,
    usualRequests: 1_000,
    failing,
    slowdown,
  });

  it("fits a line through outliers and gaps", () => {
    const values = [0, 1, 2, 90, 4, undefined, 6, 7];
    expect(fitTrend(values, 1.28)?.slope).toBe(1);
    expect(fitTrend(values, 1.28)?.last).toBe(7);
    expect(fitTrend([1, 2, undefined, 3], 1.28)).toBeUndefined();
  });

  it("puts the threshold between where a line and where an exponential passes it", () => {
    const minutes = Array.from({ length: 15 }, (_, t) =>
      minute(0.01 * t + (((7 * t) % 5) * 0.002 - 0.004), 0),
    );
    // From 14 %: 6 min in a line, 14 · ln(20 / 14) = 5 min by factors.
    const left = (threshold: number) =>
      minutesToFailing(minutes, { threshold, horizonMinutes: 60 });
    expect(left(0.2)).toBeGreaterThan(4.8);
    expect(left(0.2)).toBeLessThan(6.2);
    expect(left(0.1)).toBe(0);
    expect(left(0.9)).toBeUndefined();
  });

  it("goes by the last minutes where growth quickens", () => {
    const minutes = Array.from({ length: 15 }, (_, t) =>
      minute(t < 9 ? 0.01 + 0.001 * t : 0.02 + 0.02 * (t - 9), 0),
    );
    expect(minutesToFailing(minutes, { threshold: 0.2, horizonMinutes: 60 })).toBeLessThan(5);
  });

  it.each([
    ["flat", (t: number) => 0.03 + (t % 2) * 0.001],
    ["falling", (t: number) => 0.1 - 0.005 * t],
    ["a single late jump", (t: number) => (t > 13 ? 0.1 : 0)],
  ])("makes no forecast when the ratio is %s", (_, at) => {
    const minutes = Array.from({ length: 15 }, (_unused, t) => minute(at(t), 0));
    expect(minutesToFailing(minutes, { threshold: 0.2, horizonMinutes: 60 })).toBeUndefined();
  });

  it("foresees where a capacity that shrinks steadily is used up", () => {
    // Utilisation rises from .65 by .01 a minute: 1 is 21 minutes after the 15th.
    const minutes = Array.from({ length: 15 }, (_, t) => {
      const u = 0.65 + 0.01 * t;
      return minute(0, Math.log((1 + 4 * u * u) / (1 + 4 * 0.65 ** 2)));
    });
    expect(minutesToSaturation(minutes, "batch")).toBeCloseTo(21, 6);
  });

  it("foresees where a plain queue is full", () => {
    // 1 / (1 − u) from u = .5 by .02 a minute: 1 is 11 minutes after the 15th.
    const minutes = Array.from({ length: 15 }, (_, t) =>
      minute(0, Math.log(0.5 / (0.5 - 0.02 * t))),
    );
    expect(minutesToSaturation(minutes, "queue")).toBeCloseTo(11, 6);
  });

  it("gives saturation time to overflow, and takes the middle place", () => {
    const eta = forecastOutage({ saturation: [40, 10, 20], failing: [], isWhole: true });
    expect(eta?.median).toBeCloseTo(7 + 0.6 * 20, 12);
    const local = forecastOutage({ saturation: [40, 10, 20], failing: [], isWhole: false });
    expect(local?.median).toBeCloseTo(11 + 0.6 * 20, 12);
    expect(eta?.low).toBeLessThan(eta?.median ?? 0);
    expect(eta?.high).toBeGreaterThan(eta?.median ?? 0);
  });

  it("goes by failures where they come first, and never says that it is now", () => {
    expect(forecastOutage({ saturation: [20], failing: [9, 30], isWhole: true })?.median).toBe(9);
    expect(forecastOutage({ saturation: [], failing: [0], isWhole: true })?.median).toBe(4);
    expect(forecastOutage({ saturation: [], failing: [], isWhole: true })).toBeUndefined();
  });
});
