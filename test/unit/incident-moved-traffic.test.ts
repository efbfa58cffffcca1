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

it.each([
  { part: 1, isPaged: false },
  { part: 0.5, isPaged: false },
  { part: 0.25, isPaged: true },
])("of a silent model's requests $part come to other models: a page is $isPaged", (each) => {
  const play = warm();
  const others = Math.round(60 * (1 + each.part / 3));
  play.play(12 * minute, ({ kind, model }) =>
    kind === "http" ? {} : { requests: model === "gpt-4o" ? 0 : others },
  );
  expect(pages(play)).toHaveLength(each.isPaged ? 1 : 0);
});

it("counts what those cells of a silent region miss that are quiet for less long", () => {
  const play = warm();
  const start = play.window;
  play.play(12 * minute, ({ region, model, kind }, window) => {
    // More than half of the region's requests come to others.
    if (region !== "eu-west-1") return kind === "http" ? {} : { requests: 74 };
    return model === "claude-sonnet" && window < start + minute / 2 ? {} : { requests: 0 };
  });
  expect(pages(play)).toEqual([]);
});

it("is no page that clients sent more a quarter of an hour before", () => {
  const play = new IncidentPlay();
  const usual: TroubleAt = ({ model }) =>
    model === "gpt-4o" ? { requests: 24, usualRequests: 24 } : {};
  const more: TroubleAt = (cell, window) => {
    const { requests = cell.kind === "http" ? 20 : 60, ...rest } = usual(cell, window);
    return { ...rest, requests: Math.round(requests * 1.15) };
  };
  play.play(warmUp + 15 * minute, more);
  play.play(11 * minute, usual);
  play.play(12 * minute, ({ kind, model }) =>
    model === "gpt-4o"
      ? { requests: 0, usualRequests: 24 }
      : kind === "http"
        ? {}
        : { requests: 68 },
  );
  expect(pages(play)).toEqual([]);
});
