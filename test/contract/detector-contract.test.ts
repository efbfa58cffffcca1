import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Observation, surpriseCap, type Verdict } from "../../detectors/detector.ts";
import { alarmRate, evaluate } from "../../detectors/evaluate.ts";
import { type AnyDetector, defaultSets, detectors } from "../../detectors/registry.ts";
import {
  blindObservations,
  constantObservation,
  type Fault,
  type Shape,
  seriesStartMs,
  seriesWindowMs,
  take,
} from "../support/detector-series.ts";

/** Longest warm-up of the default detectors is a day; here windows are a minute. */
const warmUp = 1_600;
const windowMs = seriesWindowMs;

const cases = detectors.flatMap((detector) =>
  detector.accepts.map((kind) => [`${detector.id} on ${kind}`, detector, kind] as const),
);

const last = (verdicts: readonly Verdict[]): Verdict => verdicts.at(-1) as Verdict;

interface Outage {
  readonly shape: Shape;
  readonly fault: Fault;
  /** Healthy windows before it. */
  readonly lead: number;
  readonly surprise: number;
}

/** The outage that a detector is made for: the shape of series and the direction that it finds most surprising. */
function outageFor(detector: AnyDetector, kind: Observation["kind"]): Outage {
  const candidates = (["flat", "daily"] as const).flatMap((shape) =>
    (["up", "down"] as const).map((fault) => {
      const lead = shape === "flat" ? warmUp : 3 * warmUp;
      const observations = take(
        kind,
        1,
        lead + 30,
        (index) => (index >= lead ? fault : "none"),
        shape,
      );
      const isFrozen = (index: number) => index >= lead;
      const { surprise } = last(evaluate(detector, observations, { windowMs, isFrozen }));
      return { shape, fault, lead, surprise };
    }),
  );
  return candidates.reduce((best, each) => (each.surprise > best.surprise ? each : best));
}

it("finds detectors to hold to the contract, each under an id of its own", () => {
  expect(cases.length).toBeGreaterThanOrEqual(8);
  expect(new Set(detectors.map(({ id }) => id)).size).toBe(detectors.length);
  for (const { id } of detectors) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
});

describe.each(cases)("%s", (_, detector, kind) => {
  it("says what it computes, from where, at what cost, and what its figure means", () => {
    for (const text of Object.values(detector.about)) expect(text.length).toBeGreaterThan(20);
    expect(detector.stateVersion).toBeGreaterThanOrEqual(1);
  });

  it("stays silent until warm-up ends, whatever it sees", () => {
    const wild = take(kind, 5, warmUp, (index) =>
      index % 7 === 3 ? "up" : index % 7 === 5 ? "down" : "none",
    );
    const warming = evaluate(detector, wild, { windowMs }).filter(
      ({ state }) => state === "warming",
    );
    for (const verdict of warming)
      expect(verdict).toMatchObject({ surprise: 0, direction: "none" });
  });

  it("ends its warm-up on a healthy series", () => {
    const verdicts = evaluate(detector, take(kind, 6, warmUp), { windowMs });
    expect(verdicts.slice(-50).some(({ state }) => state === "judging")).toBe(true);
  });

  it("goes on after its state went through JSON as if it had never stopped", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 1_900 }),
        (seed, cut) => {
          let through = detector.initialState(windowMs);
          let whole = detector.initialState(windowMs);
          let index = 0;
          for (const observation of take(kind, seed, 2_000, (at) => (at > 1_850 ? "up" : "none"))) {
            if (index === cut) through = JSON.parse(JSON.stringify(through));
            const options = { isFrozen: index > 1_900 };
            const a = detector.step(whole, observation, options);
            const b = detector.step(through, observation, options);
            whole = a.state;
            through = b.state;
            if (index >= cut) expect(b.verdict).toEqual(a.verdict);
            index++;
          }
          expect(through).toEqual(whole);
        },
      ),
      { numRuns: 6, seed: 1 },
    ));

  it("gives the same verdicts for a prefix, whatever follows: it is causal and deterministic", () => {
    const healthy = take(kind, 7, warmUp + 40);
    const faulty = take(kind, 7, warmUp + 40, (index) => (index >= warmUp ? "up" : "none"));
    const first = evaluate(detector, healthy, { windowMs }).slice(0, warmUp);
    expect(evaluate(detector, healthy.slice(0, warmUp), { windowMs })).toEqual(first);
    expect(evaluate(detector, faulty, { windowMs }).slice(0, warmUp)).toEqual(first);
  });

  it("is blind to a window that tells nothing, and unharmed by it", () => {
    const observations = take(kind, 8, warmUp + 20);
    const blind = blindObservations(kind, seriesStartMs + warmUp * windowMs);
    const withGap = [
      ...observations.slice(0, warmUp),
      ...Array.from({ length: 50 }, () => blind).flat(),
      ...observations.slice(warmUp),
    ];
    const verdicts = evaluate(detector, withGap, { windowMs });
    const gap = verdicts.slice(warmUp, warmUp + 50 * blind.length);
    for (const verdict of gap) expect(verdict).toMatchObject({ state: "blind", surprise: 0 });
    for (const { surprise } of verdicts.slice(-20)) expect(surprise).toBeLessThan(3);
  });

  it("ignores observations of a kind that it does not accept", () => {
    const kinds = (["ratio", "level", "count", "distribution"] as const).filter(
      (each) => !detector.accepts.includes(each),
    );
    for (const other of kinds) {
      const { verdict } = detector.step(
        detector.initialState(windowMs),
        constantObservation(other, seriesStartMs),
        { isFrozen: false },
      );
      expect(verdict).toMatchObject({ state: "blind", surprise: 0 });
    }
  });

  it("finds nothing in a constant series, and survives the first change", () => {
    const constant = Array.from({ length: warmUp }, (_unused, index) =>
      constantObservation(kind, seriesStartMs + index * windowMs),
    );
    const change = take(kind, 9, 10, () => "up");
    const verdicts = evaluate(detector, [...constant, ...change], { windowMs });
    for (const { surprise } of verdicts.slice(0, warmUp)) expect(surprise).toBe(0);
    for (const { surprise } of verdicts.slice(warmUp))
      expect(surprise >= 0 && surprise <= surpriseCap).toBe(true);
  });

  it("scores finitely from 0 to 30, whatever comes", () =>
    fc.assert(
      fc.property(fc.array(wildObservation(kind), { maxLength: 300 }), (wild) => {
        for (const { surprise, expected, low, high } of evaluate(
          detector,
          [...take(kind, 3, 200), ...wild],
          { windowMs },
        )) {
          expect(surprise >= 0 && surprise <= surpriseCap).toBe(true);
          for (const value of [expected, low, high])
            expect(value === undefined || Number.isFinite(value)).toBe(true);
        }
      }),
      { numRuns: 30, seed: 2 },
    ));

  it("does not learn while frozen: the same outage is caught again", () => {
    const { shape, fault, lead } = outageFor(detector, kind);
    const outage = 120;
    // A day later, for those that go by the time of day.
    const second = lead + 1_440;
    const isOutage = (index: number) =>
      (index >= lead && index < lead + outage) || (index >= second && index < second + outage);
    const verdicts = evaluate(
      detector,
      take(kind, 10, second + outage, (index) => (isOutage(index) ? fault : "none"), shape),
      { windowMs, isFrozen: (index) => index >= lead },
    );
    const highestFrom = (from: number) =>
      Math.max(...verdicts.slice(from, from + outage).map(({ surprise }) => surprise));
    expect(highestFrom(lead)).toBeGreaterThan(3);
    expect(highestFrom(second)).toBeGreaterThan(0.7 * highestFrom(lead));
    expect(last(verdicts).state).toMatch(/frozen|judging/);
  });

  it("raises no more false alarms on healthy series than its figure says", () => {
    const verdicts = Array.from({ length: 25 }, (_unused, seed) =>
      evaluate(detector, take(kind, 100 + seed, 4_000), { windowMs }),
    ).flat();
    // Alarms come in runs (horizons overlap), so a rate over a sample scatters: twice the figure, and a run.
    expect(alarmRate(verdicts, 2)).toBeLessThan(2 * 1e-2);
    expect(alarmRate(verdicts, 3)).toBeLessThan(2 * 1e-3);
    expect(alarmRate(verdicts, 4)).toBeLessThan(2 * 1e-4 + 20 / verdicts.length);
  });
});

const skippable = cases.flatMap(([name, detector, kind]) =>
  detector.skip === undefined || kind === "count" ? [] : [{ name, detector, kind }],
);

describe("silence", () => {
  it("can be skipped by every detector that judges requests", () => {
    for (const [name, set] of Object.entries(defaultSets))
      for (const { id, skip } of set)
        if (name !== "traffic") expect(skip, `${id} of ${name}`).toBeDefined();
  });

  it.each(skippable)("is the same to $name, skipped at once or window by window", (each) => {
    const { detector, kind } = each;
    const [blind] = blindObservations(kind, seriesStartMs) as [Observation];
    return fc.assert(
      fc.property(
        fc.nat(300),
        fc.integer({ min: 1, max: 400 }),
        fc.boolean(),
        (lead, gap, frozen) => {
          const skipped = detector.initialState(windowMs);
          const stepped = detector.initialState(windowMs);
          for (const observation of take(kind, 11, lead, (at) => (at > 200 ? "up" : "none"))) {
            detector.step(skipped, observation, { isFrozen: false });
            detector.step(stepped, observation, { isFrozen: false });
          }
          detector.skip?.(skipped, { kind, windows: gap }, { isFrozen: frozen });
          for (let i = 0; i < gap; i++) detector.step(stepped, blind, { isFrozen: frozen });
          expect(skipped).toEqual(stepped);
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });
});

const inRows = cases.flatMap(([name, detector, kind]) =>
  detector.silentRow === undefined || kind !== "count" ? [] : [{ name, detector }],
);

describe("a row of numbers", () => {
  it("is what each detector of traffic can lie in, so that silent cells cost little", () => {
    for (const { id, silentRow } of defaultSets.traffic) expect(silentRow, id).toBeDefined();
  });

  it.each(inRows)("holds what a window without events needs and changes of $name", (each) => {
    const { detector } = each;
    return fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(60),
        fc.boolean(),
        (lead, gap, isFrozen) => {
          const state = detector.initialState(windowMs);
          for (const observation of take("count", 12, lead, (at) => (at > 200 ? "up" : "none")))
            detector.step(state, observation, { isFrozen: false });
          const plain = structuredClone(state);
          const standIn = detector.initialState(windowMs);
          const row = new Float64Array(2 + (detector.silentRow?.length ?? 0));
          detector.silentRow?.write(state, row, 2);
          for (let i = 0; i < gap; i++) {
            const windowStartMs = seriesStartMs + (lead + i) * windowMs;
            const observation = { kind: "count", count: 0, windowStartMs } as const;
            const expected = detector.step(plain, observation, { isFrozen }).verdict;
            detector.silentRow?.read(row, 2, standIn);
            const stepped = detector.step(standIn, observation, { isFrozen });
            detector.silentRow?.write(stepped.state, row, 2);
            expect(stepped.verdict).toEqual(expected);
          }
          detector.silentRow?.read(row, 2, state);
          expect(state).toEqual(plain);
          expect([...row.subarray(0, 2)]).toEqual([0, 0]);
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });
});

function wildObservation(kind: Observation["kind"]): fc.Arbitrary<Observation> {
  const number = fc.oneof(fc.nat(10), fc.nat(1_000_000), fc.constant(0));
  const windowStartMs = seriesStartMs + warmUp * windowMs;
  switch (kind) {
    case "ratio":
      return fc
        .tuple(number, number)
        .map(([a, b]) => ({ kind, bad: Math.min(a, b), of: b, windowStartMs }));
    case "count":
      return number.map((count) => ({ kind, count, windowStartMs }));
    case "level":
      return fc
        .tuple(
          fc.oneof(fc.double(), fc.constant(undefined)),
          number,
          fc.double({ min: 0.1, max: 10, noNaN: true }),
        )
        .map(([value, count, factor]) => ({ kind, value, count, factor, windowStartMs }));
    case "distribution":
      return fc
        .tuple(
          fc.uniqueArray(fc.tuple(fc.nat(2_303), fc.integer({ min: 1, max: 500 })), {
            maxLength: 20,
            selector: ([bucket]) => bucket,
          }),
          fc.double({ min: 0.1, max: 10, noNaN: true }),
        )
        .map(([entries, factor]) => {
          const sorted = [...entries].sort(([a], [b]) => a - b);
          const sketch = {
            buckets: sorted.map(([bucket]) => bucket),
            counts: sorted.map(([, count]) => count),
          };
          return { kind, sketch, factor, windowStartMs };
        });
  }
}
