/** The default detection of series: causal, restartable, and quiet where nothing happens. */
import { describe, expect, it } from "vitest";
import {
  initialSeriesState,
  type SeriesState,
  stepSeries,
} from "../../detectors/series/series-score.ts";
import { namedRandom } from "../../services/chatbot/random.ts";

const stepMs = 300_000;

function scoresOf(values: readonly number[], state: SeriesState = initialSeriesState(), from = 0) {
  return values.map((value, row) => stepSeries(state, { timeMs: (from + row) * stepMs, value }));
}

function noise(seed: number, rows: number): number[] {
  const source = namedRandom(seed, "noise");
  const unit = () => source.unit();
  return Array.from(
    { length: rows },
    () => 100 + 5 * Math.sqrt(-2 * Math.log(unit() + 1e-12)) * Math.cos(2 * Math.PI * unit()),
  );
}

describe("scores of a series", () => {
  it("alert on the first row of a spike far beyond what was seen; its repeat alerts too, but is not new", () => {
    const values = [...noise(1, 600), 400, 400, ...noise(2, 50), 400, ...noise(3, 20)];
    const verdicts = scoresOf(values);
    expect(verdicts[600]).toMatchObject({ isAlert: true });
    expect(verdicts[600]?.score).toBeGreaterThan(0.9);
    expect(verdicts[652]).toMatchObject({ isAlert: true });
    expect(verdicts[652]?.score).toBeLessThan(0.5);
    expect(verdicts.slice(600).filter(({ isAlert }) => isAlert)).toHaveLength(2);
  });

  it("alert ever less on what comes again and again", () => {
    const values = noise(12, 12_000).map((value, row) => (row % 60 === 59 ? 200 : value));
    const verdicts = scoresOf(values);
    const alertsIn = (from: number) =>
      verdicts.slice(from, from + 3_000).filter(({ isAlert }) => isAlert).length;
    expect(alertsIn(0)).toBeGreaterThan(5);
    expect(alertsIn(9_000)).toBeLessThan(4);
  });

  it("alert on the first other value after a day of the same one, with what was expected", () => {
    const verdicts = scoresOf([...new Array(600).fill(7), 8, ...new Array(50).fill(7)]);
    expect(verdicts[600]).toMatchObject({ isAlert: true, expected: 7, low: 7, high: 7 });
    expect(verdicts.filter(({ isAlert }) => isAlert)).toHaveLength(1);
  });

  it("alert on a dip at noon to what the night has, and not on the night", () => {
    const values = noise(13, 2_300).map(
      (value, row) => value + 40 * Math.sin((2 * Math.PI * row) / 288),
    );
    values[2_088] = 60;
    const verdicts = scoresOf(values);
    const alerts = [...verdicts.keys()].filter((row) => verdicts[row]?.isAlert && row > 600);
    expect(alerts).toEqual([2_088]);
  });

  it("say what was expected, with a band around it", () => {
    const { expected, low, high } = scoresOf([...noise(4, 300), 100]).at(-1) ?? {};
    expect(expected).toBeGreaterThan(95);
    expect(expected).toBeLessThan(105);
    expect(low).toBeLessThan(expected ?? 0);
    expect(high).toBeGreaterThan(expected ?? 0);
  });

  it("stay 0 on a constant and on rows without a number, which teach nothing", () => {
    for (const { score, isAlert } of scoresOf(new Array(500).fill(7)))
      expect([score, isAlert]).toEqual([0, false]);
    const values = noise(5, 400);
    const holes = values.flatMap((value, row) => (row % 7 === 3 ? [Number.NaN, value] : [value]));
    const state = initialSeriesState();
    let row = 0;
    const seen = holes.map((value) =>
      stepSeries(state, { timeMs: (Number.isNaN(value) ? row : row++) * stepMs, value }),
    );
    expect(seen.filter((_, at) => !Number.isNaN(holes[at]))).toEqual(scoresOf(values));
    for (const [at, { score }] of seen.entries())
      if (Number.isNaN(holes[at])) expect(score).toBe(0);
  });

  it("do not change when more rows follow", () => {
    const values = [...noise(6, 700), 300, ...noise(7, 300)];
    const whole = scoresOf(values);
    for (const length of [1, 2, 31, 150, 701, 900])
      expect(scoresOf(values.slice(0, length))).toEqual(whole.slice(0, length));
  });

  it("are the same after the state went through JSON", () => {
    const values = [...noise(8, 500), 350, ...noise(9, 400)];
    const whole = scoresOf(values);
    const state = initialSeriesState();
    scoresOf(values.slice(0, 555), state);
    const restored: SeriesState = reviveInfinities(JSON.parse(JSON.stringify(state)), state);
    expect(scoresOf(values.slice(555), restored, 555)).toEqual(whole.slice(555));
  });

  it("alert on fewer than one row in ten thousand of plain noise", () => {
    let alerts = 0;
    for (let seed = 10; seed < 30; seed++)
      alerts += scoresOf(noise(seed, 2_000)).filter(({ isAlert }) => isAlert).length;
    expect(alerts / 40_000).toBeLessThan(0.0001);
  });
});

/** After the first row nothing in the state is infinite, so this must be the identity. */
function reviveInfinities(parsed: SeriesState, original: SeriesState): SeriesState {
  expect(parsed).toEqual(original);
  return parsed;
}
