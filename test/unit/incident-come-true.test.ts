import { expect, it } from "vitest";
import { fleetWindowMs, IncidentPlay, warmUp } from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;

it("says once that the failures are there which a page foretold, and foretells them no more", () => {
  const play = new IncidentPlay();
  play.play(warmUp + 15 * minute);
  const start = play.window;
  const slower = (window: number) => 1 + 0.03 * ((window - start) / minute);
  play.play(30 * minute, (_, window) => ({ slower: slower(window) }));
  expect(play.incidents.at(-1)).toMatchObject({ transition: "paged", leadingSignal: "ttft" });
  const before = play.incidents.length;
  play.play(4 * minute, (_, window) => ({ slower: slower(window), failing: 0.3 }));
  const after = play.incidents.slice(before);
  expect(after.map(({ transition }) => transition)).toEqual(["grew"]);
  expect(after[0]).toMatchObject({ severity: "page", leadingSignal: "failures", forecast: null });
  expect(after[0]?.title).toMatch(/^Everywhere: .* % of requests failing/);
});

it("says again how many fail once they are three times as many, at the earliest after five minutes", () => {
  const play = new IncidentPlay();
  play.play(warmUp);
  play.play(15 * minute, () => ({ failing: 0.08 }));
  const told = play.incidents.length;
  expect(play.incidents.at(-1)).toMatchObject({ severity: "page", leadingSignal: "failures" });
  play.play(15 * minute, () => ({ failing: 0.14 }));
  expect(play.incidents).toHaveLength(told);
  play.play(6 * minute, () => ({ failing: 0.6 }));
  expect(play.incidents.slice(told).map(({ transition }) => transition)).toEqual(["grew"]);
});
