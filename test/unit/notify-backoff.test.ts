import { describe, expect, it } from "vitest";
import { backoffMs, parseRetryAfter } from "../../services/notify/backoff.ts";

const never = () => 0;

describe("backoffMs", () => {
  it("doubles from a second to a minute", () => {
    expect(
      [1, 2, 3, 8, 9, 10, 40].map((attempts) => backoffMs(attempts, never, undefined)),
    ).toEqual([1_000, 2_000, 4_000, 60_000, 60_000, 60_000, 60_000]);
  });

  it("spreads by at most a quarter", () => {
    expect(backoffMs(1, () => 0.5, undefined)).toBe(1_125);
  });

  it("waits as long as the receiver asks, up to a quarter of an hour", () => {
    expect(backoffMs(1, never, 30_000)).toBe(30_000);
    expect(backoffMs(1, never, 10)).toBe(1_000);
    expect(backoffMs(1, never, 1e9)).toBe(900_000);
  });
});

describe("parseRetryAfter", () => {
  it("reads seconds and dates, and ignores the rest", () => {
    const nowMs = Date.parse("2026-11-24T12:00:00Z");
    expect(parseRetryAfter("7", nowMs)).toBe(7_000);
    expect(parseRetryAfter("Tue, 24 Nov 2026 12:00:05 GMT", nowMs)).toBe(5_000);
    expect(parseRetryAfter("Tue, 24 Nov 2026 11:00:05 GMT", nowMs)).toBe(0);
    expect(parseRetryAfter("soon", nowMs)).toBeUndefined();
    expect(parseRetryAfter(null, nowMs)).toBeUndefined();
  });
});
