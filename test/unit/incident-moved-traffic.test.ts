import { expect, it } from "vitest";
import { fleetWindowMs, IncidentPlay, type TroubleAt, warmUp } from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;

const warm = () => {
  const play = new IncidentPlay();
  play.play(warmUp + 15 * minute);
  return play;
};

const pages = (play: IncidentPlay) =>
  play.incidents.filter(({ transition }) => transition === "paged");

/** A third of the traffic: the other regions take it, or nobody does; later the day ends, a sixth of the requests in fifty minutes. */
const without =
  (region: string, others: number, start: number): TroubleAt =>
  (cell, window) => {
    if (cell.region === region) return { requests: 0 };
    const evening = 1 - ((window - start) / (50 * minute)) * (1 / 6);
    return { requests: Math.round((cell.kind === "http" ? 20 : 60) * others * evening) };
  };

it("is a ticket where a region falls silent and the others have its requests, and stays one in the evening", () => {
  const play = warm();
  play.play(50 * minute, without("eu-west-1", 1.5, play.window));
  expect(pages(play)).toEqual([]);
  const told = play.incidents.filter(({ transition }) => transition !== "opened");
  expect(told[0]).toMatchObject({ transition: "ticketed", severity: "ticket" });
  expect(told[0]?.reason).toMatch(/as many as before in all: others have them$/);
});

it("is a page where nobody has them", () => {
  const play = warm();
  play.play(10 * minute, without("eu-west-1", 1, play.window));
  expect(pages(play)).toMatchObject([{ dimensions: [{ "cloud.region": "eu-west-1" }] }]);
});

it("is a page where others have fewer than half of them", () => {
  const play = warm();
  play.play(10 * minute, without("eu-west-1", 1.2, play.window));
  expect(pages(play)).toHaveLength(1);
});

it("names the region though answers that had begun come from part of it for half a minute longer", () => {
  const play = warm();
  const start = play.window;
  const lost = without("eu-west-1", 1, start);
  play.play(7 * minute, (cell, window) =>
    cell.provider === "anthropic" && window < start + minute / 2 ? {} : lost(cell, window),
  );
  expect(pages(play)[0]?.dimensions).toEqual([{ "cloud.region": "eu-west-1" }]);
});
