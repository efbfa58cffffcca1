import { expect, test } from "vitest";
import { advantage, quantile, upperPoisson } from "../bench/scenarios-figures.ts";
import type { Outcome } from "../bench/scenarios-job.ts";
import { judgePlace, type PlaceTruth } from "../bench/scenarios-place.ts";
import { scoreForecasts, scorePages } from "../bench/scenarios-score.ts";

const minuteMs = 60_000;

/** A fault on one model of two, from minute 10 to 20, with an outage at minute 15. */
const truth = {
  truth: {
    kind: "fault",
    startMs: 0,
    onsetMs: 10 * minuteMs,
    faultStartMs: 10 * minuteMs,
    faultEndMs: 20 * minuteMs,
    outage: { pointMs: 15 * minuteMs },
    faults: [
      {
        effect: "error",
        startMs: 10 * minuteMs,
        topMs: 10 * minuteMs,
        dimensions: { "gen_ai.request.model": ["a"] },
      },
    ],
  },
  touched: {
    cells: [{ "gen_ai.request.model": "a" }, { "gen_ai.request.model": "b" }],
    requests: Array.from({ length: 30 }, () => [50, 50]),
    touched: Array.from({ length: 30 }, (_, minute) => [minute >= 10 ? 40 : 0, 0]),
    all: [],
    failed: [],
    ttft: [],
  },
} as unknown as PlaceTruth;
const page = (minute: number, model: string) => ({
  atMs: minute * minuteMs,
  places: [{ "gen_ai.request.model": model }],
});

test("a page counts from the onset on, at the right place, and false pages within half an hour are one", () => {
  const score = scorePages([page(5, "a"), page(12, "b"), page(13, "a")], truth);
  expect(score).toMatchObject({
    pageMin: 13,
    delayMin: 3,
    leadMin: 2,
    falsePages: 1,
    isExact: true,
  });
  expect(scorePages([page(34, "a")], truth)).toMatchObject({ pageMin: 34, falsePages: 0 });
  expect(scorePages([page(36, "a")], truth)).toMatchObject({ pageMin: null, falsePages: 1 });
  expect(scorePages([], truth)).toMatchObject({ pageMin: null, delayMin: null, falsePages: 0 });
});

test("everywhere is wrong where half is touched but named apart, and a place must be all of it", () => {
  const atMs = 13 * minuteMs;
  expect(judgePlace([{ "gen_ai.request.model": "a" }], atMs, truth)).toEqual({
    isAffected: true,
    isExact: true,
  });
  expect(judgePlace([], atMs, truth)).toEqual({ isAffected: true, isExact: false });
  expect(
    judgePlace([{ "gen_ai.request.model": "a", "service.version": "2" }], atMs, truth).isExact,
  ).toBe(false);
});

test("a place that is touched a little is affected, however much another one is, but not the whole answer", () => {
  const atMs = 13 * minuteMs;
  const counts = { ...truth.touched, requests: Array.from({ length: 30 }, () => [100, 100]) };
  const touching = (b: number): PlaceTruth => ({
    ...truth,
    touched: { ...counts, touched: Array.from({ length: 30 }, () => [50, b]) },
  });
  const verdict = (b: number) => judgePlace([{ "gen_ai.request.model": "b" }], atMs, touching(b));
  expect(verdict(2)).toEqual({ isAffected: true, isExact: false });
  expect(verdict(0).isAffected).toBe(false);
});

test("a forecast is covered when the breach falls into its interval", () => {
  const told = (low: number, high: number) =>
    ({
      transition: "paged",
      atMs: 12 * minuteMs,
      forecast: {
        breachLowMs: low * minuteMs,
        breachMedianMs: 14 * minuteMs,
        breachHighMs: high * minuteMs,
      },
    }) as never;
  expect(scoreForecasts([told(13, 16)], truth)).toEqual([
    { madeMin: 12, isCovered: true, widthRatio: 1, medianRatio: 2 / 3 },
  ]);
  expect(scoreForecasts([told(16, 20)], truth)[0]?.isCovered).toBe(false);
});

test("a rival that never pages is censored at the end of the run", () => {
  const outcome = { hours: 1, foreshock: { pageMin: 20 } } as Outcome;
  expect(advantage(outcome, 25)).toBe(5);
  expect(advantage(outcome, null)).toBe(40);
  expect(quantile([1, 2, 10], 0.5)).toBe(2);
  expect(upperPoisson(0)).toBeCloseTo(2.996, 2);
  expect(upperPoisson(1)).toBeCloseTo(4.744, 2);
});
