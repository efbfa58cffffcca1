import { expect, test } from "vitest";
import { initialGroupTrack } from "../../services/incident/group-track.ts";
import type { FleetWindow } from "../../services/incident/join.ts";
import { lastingToPage, stepLasting } from "../../services/incident/pressure.ts";
import { initialState } from "../../services/incident/state.ts";
import { stepTrafficLoss } from "../../services/incident/traffic-loss.ts";

const windowMs = 5_000;
const perMinute = 12;

/** Plays requests a window over two regions; says after each window which share is lost. */
function lossesOf(requestsAt: readonly number[], otherRegion = requestsAt): (number | null)[] {
  const state = initialState();
  const regions = [requestsAt, otherRegion].map((requests, index) => {
    const track = initialGroupTrack();
    state.groups[`region=${index}`] = track;
    return { requests, track };
  });
  return requestsAt.map((_, window) => {
    const counts = regions.map(({ requests }) => requests[window] ?? 0);
    stepTrafficLoss(state, {
      windowStartMs: window * windowMs,
      windowMs,
      cells: counts.map((requests) => ({ requests })),
    } as unknown as FleetWindow);
    if (window % perMinute === perMinute - 1)
      for (const { requests, track } of regions)
        track.minutes.push({
          requests: requests.slice(window - perMinute + 1, window + 1).reduce((a, b) => a + b, 0),
          usualRequests: 0,
          failing: null,
          slowdown: null,
        });
    return state.trafficLoss === null ? null : Number(state.trafficLoss.share.toFixed(2));
  });
}

const level = (requests: number, minutes: number) =>
  new Array<number>(minutes * perMinute).fill(requests);

test("a fall to a fifth in every region is a loss after about two minutes, until it is over", () => {
  const losses = lossesOf([...level(100, 12), ...level(20, 5), ...level(100, 4)]);
  const first = losses.findIndex((share) => share !== null);
  expect(first).toBeGreaterThanOrEqual(13 * perMinute);
  expect(first).toBeLessThanOrEqual(15 * perMinute);
  expect(losses[17 * perMinute - 1]).toBe(0.8);
  expect(losses.at(-1)).toBeNull();
});

test.each([
  ["one region alone", level(100, 12).concat(level(10, 5)), level(100, 17)],
  ["a third less", level(100, 12).concat(level(67, 8)), undefined],
  ["a gap of the telemetry", level(100, 12).concat(level(0, 2), level(100, 6)), undefined],
  [
    "a slide into the night",
    Array.from({ length: 40 * perMinute }, (_, i) => Math.max(3, 100 * (1 - i / (30 * perMinute)))),
    undefined,
  ],
] as const)("%s is none", (_, requests, other) => {
  expect(lossesOf(requests, other ?? requests).filter((share) => share !== null)).toEqual([]);
});

const surge = (peak: number) => [...level(100, 60), ...level(150, 2), ...level(peak, 30)];

test.each([
  ["a load test that ends", [...surge(500), ...level(100, 20)]],
  [
    "a campaign that ends in two steps with a last rush between",
    [...surge(250), ...level(150, 5), ...level(240, 6), ...level(140, 20)],
  ],
  [
    "the end of ten minutes of many requests",
    [...level(100, 60), ...level(400, 10), ...level(100, 20)],
  ],
] as const)("%s is no loss: traffic is where it was before", (_, requests) => {
  expect(lossesOf(requests).filter((share) => share !== null)).toEqual([]);
});

test("a fall below what was usual before a surge is a loss", () => {
  const losses = lossesOf([...surge(500), ...level(50, 5)]);
  expect(losses.at(-1)).toBe(0.9);
});

test("what comes back after a loss was no surge: the next loss counts", () => {
  const losses = lossesOf([
    ...level(100, 60),
    ...level(30, 25),
    ...level(100, 60),
    ...level(30, 5),
  ]);
  expect(losses.at(-1)).toBe(0.7);
});

test.each([
  { what: "two in a hundred for seven minutes", ratio: 0.02, minutes: 7, isPaged: true },
  { what: "eight in a thousand for 35 minutes", ratio: 0.008, minutes: 35, isPaged: true },
  {
    what: "a deploy's one in a hundred for three minutes",
    ratio: 0.01,
    minutes: 3,
    isPaged: false,
  },
  { what: "half a per cent for ten hours", ratio: 0.005, minutes: 600, isPaged: false },
  {
    what: "one in a hundred more where six in a hundred fail anyway",
    ratio: 0.01,
    minutes: 600,
    usual: 0.06,
    isPaged: false,
  },
  { what: "half as much again of these", ratio: 0.03, minutes: 30, usual: 0.06, isPaged: true },
])("$what beyond the usual: a page is $isPaged", ({ ratio, minutes, usual = 0.003, isPaged }) => {
  const track = { lastingPressure: 0 };
  for (let window = 0; window < minutes * perMinute; window++)
    stepLasting(track, { bad: (usual + ratio) * 1_000, of: 1_000, expected: usual * 1_000 });
  expect(track.lastingPressure >= lastingToPage).toBe(isPaged);
});

test("two falls by a third with a recovery between are a loss that lasts while traffic flaps", () => {
  const square = [...level(67, 5), ...level(100, 5)];
  const losses = lossesOf([...level(100, 26), ...square, ...square, ...level(100, 12)]);
  const first = losses.findIndex((share) => share !== null);
  expect(first).toBeGreaterThanOrEqual(36 * perMinute);
  expect(first).toBeLessThanOrEqual(39 * perMinute);
  expect(losses[44 * perMinute]).toBe(0);
  expect(losses.at(-1)).toBeNull();
});

test("a fall by a fifth, a recovery and a fall by a third are flapping too", () => {
  const losses = lossesOf([
    ...level(100, 26),
    ...level(80, 5),
    ...level(100, 5),
    ...level(67, 5),
    ...level(100, 12),
  ]);
  const first = losses.findIndex((share) => share !== null);
  expect(first).toBeGreaterThanOrEqual(36 * perMinute);
  expect(first).toBeLessThanOrEqual(39 * perMinute);
});

test.each([
  ["two falls of one region", level(100, 58)],
  ["two falls by a fifth", undefined],
] as const)("%s are none", (_, other) => {
  const low = other === undefined ? 80 : 60;
  const square = [...level(low, 5), ...level(100, 5)];
  const requests = [...level(100, 26), ...square, ...square, ...level(100, 12)];
  expect(lossesOf(requests, other ?? requests).filter((share) => share !== null)).toEqual([]);
});

test("traffic that falls by a third every now and then by itself does not flap", () => {
  const rough = Array.from({ length: 12 }, (_, i) => level(i % 3 === 1 ? 60 : 100, 4)).flat();
  const square = [...level(67, 5), ...level(100, 5)];
  expect(lossesOf([...rough, ...square, ...square]).filter((share) => share !== null)).toEqual([]);
});

test("one campaign after another that ends is a new level, not flapping", () => {
  const losses = lossesOf([...level(100, 12), ...level(60, 20), ...level(40, 20)]);
  expect(losses.filter((share) => share !== null)).toEqual([]);
});
