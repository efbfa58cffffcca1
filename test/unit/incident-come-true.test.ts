import { expect, it } from "vitest";
import { fleetWindowMs, IncidentPlay, warmUp } from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;

it("says that the failures are there which a page foretold, foretells them no more, and keeps up with how many", () => {
  const play = new IncidentPlay();
  play.play(warmUp + 15 * minute);
  const start = play.window;
  const slower = (window: number) => 1 + 0.03 * ((window - start) / minute);
  play.play(30 * minute, (_, window) => ({ slower: slower(window) }));
  expect(play.incidents.at(-1)).toMatchObject({ transition: "paged", leadingSignal: "ttft" });
  const before = play.incidents.length;
  play.play(4 * minute, (_, window) => ({ slower: slower(window), failing: 0.3 }));
  const after = play.incidents.slice(before);
  expect(after.map(({ transition }) => transition)).toEqual(["grew", "grew"]);
  expect(after[0]).toMatchObject({ severity: "page", leadingSignal: "failures", forecast: null });
  expect(after[1]).toMatchObject({ leadingSignal: "failures", forecast: null });
  expect(after[1]?.title).toMatch(/^Everywhere: (2\d|30) % of requests failing/);
});

it("says again how many fail once they are three times as many", () => {
  const play = new IncidentPlay();
  play.play(warmUp);
  play.play(15 * minute, () => ({ failing: 0.08 }));
  const told = play.incidents.length;
  expect(play.incidents.at(-1)).toMatchObject({ severity: "page", leadingSignal: "failures" });
  play.play(15 * minute, () => ({ failing: 0.14 }));
  expect(play.incidents).toHaveLength(told);
  play.play(2 * minute, () => ({ failing: 0.6 }));
  expect(play.incidents.slice(told).map(({ transition }) => transition)).toEqual(["grew"]);
});
