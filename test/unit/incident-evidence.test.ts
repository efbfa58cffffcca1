import { describe, expect, it } from "vitest";
import {
  addEvidence,
  openThreshold,
  ratioSurprise,
  sharedThreshold,
} from "../../services/incident/evidence.ts";
import {
  logSlowdown,
  slowShareAfter,
  upperNormalQuantile,
  upperNormalTail,
} from "../../services/incident/slowness.ts";

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
