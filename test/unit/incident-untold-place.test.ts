import { expect, it } from "vitest";
import {
  fleetWindowMs,
  IncidentPlay,
  type Trouble,
  type TroubleAt,
  warmUp,
} from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;

/** One model fails and is paged; after twenty minutes a region has trouble as well. What is told from then on, and the page. */
function tellBoth(region: Trouble, minutes: number) {
  const play = new IncidentPlay();
  play.play(warmUp + 15 * minute);
  const first: TroubleAt = ({ model }) => (model === "gpt-4o" ? { failing: 0.3 } : {});
  play.play(20 * minute, first);
  const page = play.incidents.find(({ transition }) => transition === "paged");
  const later = play.play(minutes * minute, (cell, window) => ({
    ...(cell.region === "eu-west-1" && cell.kind === "genai" ? region : {}),
    ...first(cell, window),
  }));
  expect(page?.dimensions).toEqual([model]);
  expect(later.every(({ incident }) => incident === page?.incident)).toBe(true);
  return later;
}

const model = { "gen_ai.request.model": "gpt-4o" };
const inRegion = { "cloud.region": "eu-west-1" };

it("tells of a region that begins to fail while people work on a model that does, once", () => {
  const [second, ...more] = tellBoth({ failing: 0.3 }, 30);
  expect(second?.transition).toBe("grew");
  expect(second?.dimensions).toContainEqual(model);
  expect(second?.dimensions).toContainEqual(expect.objectContaining(inRegion));
  expect(more).toEqual([]);
});

it("tells of a region that becomes three times as slow meanwhile, and names it as slower", () => {
  const [second, ...more] = tellBoth({ slower: 3 }, 30);
  expect(second?.transition).toBe("grew");
  expect(second?.title).toMatch(/^gpt-4o: \d+ % of requests failing.*; .*eu-west-1 slower$/);
  expect(more).toEqual([]);
});

it.each([
  ["nothing else", {}],
  ["a region that is a third slower", { slower: 1.3 }],
] as const)("tells no more of %s", (_, region) => {
  expect(tellBoth(region, 40)).toEqual([]);
});
