/** The default detection of series over any series: later rows change nothing, a restart changes nothing, scores stay in range. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  alertScore,
  initialSeriesState,
  type SeriesRow,
  type SeriesState,
  stepSeries,
} from "../../detectors/series/series-score.ts";
import { namedRandom } from "../../services/chatbot/random.ts";

const anyValue = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0, 1e12, -1e-12) },
);

/** Steps of none (a repeated time), some minutes, or gaps of days. */
const anyStepMs = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(60_000, 300_000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 86_400_000, 200_000_000) },
);

const anySeries = fc
  .array(fc.record({ value: anyValue, stepMs: anyStepMs }), { minLength: 1, maxLength: 400 })
  .map((rows): SeriesRow[] => {
    let timeMs = Date.UTC(2026, 0, 1);
    return rows.map(({ value, stepMs }) => {
      timeMs += stepMs;
      return { timeMs, value };
    });
  });

const anyCut = fc.double({ min: 0, max: 1, noNaN: true });

const judge = (rows: readonly SeriesRow[], state: SeriesState = initialSeriesState()) =>
  rows.map((row) => stepSeries(state, row));

describe("any series", () => {
  it("scores each row as it would if no more rows had followed", () => {
    fc.assert(
      fc.property(anySeries, anyCut, (rows, cut) => {
        const length = Math.ceil(cut * rows.length);
        expect(judge(rows.slice(0, length))).toEqual(judge(rows).slice(0, length));
      }),
      { numRuns: 60 },
    );
  });

  it("scores the rest alike when the state was saved as JSON and restored after some numbers", () => {
    fc.assert(
      fc.property(anySeries, anyCut, (rows, cut) => {
        const length = Math.ceil(cut * rows.length);
        const state = initialSeriesState();
        const first = judge(rows.slice(0, length), state);
        const restored: SeriesState = JSON.parse(JSON.stringify(state), revive);
        expect([...first, ...judge(rows.slice(length), restored)]).toEqual(judge(rows));
      }),
      { numRuns: 60 },
    );
  });

  it("has scores from 0 to 1; each alert has at least a quarter, and rows without a number are 0", () => {
    fc.assert(
      fc.property(anySeries, (rows) => {
        for (const [index, { score, isAlert }] of judge(rows).entries()) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
          if (isAlert) expect(score).toBeGreaterThanOrEqual(alertScore);
          if (!Number.isFinite(rows[index]?.value)) expect([score, isAlert]).toEqual([0, false]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** JSON has no infinities; before the first number lowest and highest are such. */
function revive(this: unknown, key: string, value: unknown): unknown {
  if (value !== null) return value;
  return key === "low" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

const rowsOfWeek = 2_016;

/** Alerts a series and week over twelve series of five-minute rows in which nothing happens: in the first week, in the second. */
function alertsByWeek(nextOf: (normal: () => number, unit: () => number) => () => number) {
  const nullSeries = 12;
  const alerts: [number, number] = [0, 0];
  for (let seed = 0; seed < nullSeries; seed++) {
    const source = namedRandom(seed, "null");
    const unit = () => source.unit();
    const normal = () => Math.sqrt(-2 * Math.log(unit() + 1e-12)) * Math.cos(2 * Math.PI * unit());
    const next = nextOf(normal, unit);
    const state = initialSeriesState();
    for (let row = 0; row < 2 * rowsOfWeek; row++)
      if (stepSeries(state, { timeMs: row * 300_000, value: next() }).isAlert)
        alerts[row < rowsOfWeek ? 0 : 1] += 1 / nullSeries;
  }
  return alerts;
}

/** Heavy tails spend the whole budget, two a week; without them hardly a row is far enough. */
describe("series in which nothing happens", () => {
  it.each([
    ["independent normal rows", 0.5, (normal: () => number) => () => 100 + 5 * normal()],
    [
      "rows that remember the last",
      0.5,
      (normal: () => number) => {
        let value = 0;
        return () => {
          value = 0.9 * value + normal();
          return 50 + value;
        };
      },
    ],
    [
      "rows with heavy (Laplace) tails",
      3,
      (_: () => number, unit: () => number) => () =>
        100 + 5 * (Math.log(unit() + 1e-12) - Math.log(unit() + 1e-12)),
    ],
  ])(
    "alert in neither of two weeks more often than their tails allow: %s, %s",
    (_, most, nextOf) => {
      const [first, second] = alertsByWeek(nextOf);
      expect(first).toBeLessThan(most);
      expect(second).toBeLessThan(most);
    },
  );
});
