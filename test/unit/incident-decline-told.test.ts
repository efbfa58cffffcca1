import { expect, it } from "vitest";
import { halfHours } from "../../detectors/seasonal.ts";
import type { IncidentState } from "../../services/incident/state.ts";
import {
  fleetStartMs,
  fleetWindowMs,
  IncidentPlay,
  makeIncident,
  warmUp,
} from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;
const dayMs = 86_400_000;

const stateOf = (play: IncidentPlay): IncidentState =>
  JSON.parse(
    play.reducer
      .snapshot()
      .chunks.map((chunk) => Buffer.from(chunk))
      .join(""),
  );

/** A fleet that so far had `times` as many requests at every time of ten days. */
function playAfter(times: number): IncidentPlay {
  const play = new IncidentPlay();
  play.play(warmUp);
  const state = stateOf(play);
  const perWindow = play.frame(() => ({})).cells.reduce((sum, { requests }) => sum + requests, 0);
  const today = Math.floor(fleetStartMs / dayMs);
  for (let ago = 1; ago <= 10; ago++)
    state.decline.season.days[today - ago] = new Array(halfHours).fill(
      Math.log1p(30 * minute * times * perWindow),
    );
  state.decline.season.errors.fill(0.05);
  play.reducer = makeIncident([Buffer.from(JSON.stringify(state))]);
  return play;
}

it("tells a slow decline as a ticket about everything, and what else is wrong as if there were none", () => {
  const play = playAfter(2);
  play.play(150 * minute);
  expect(
    play.incidents.map(({ transition, severity, title }) => [transition, severity, title]),
  ).toEqual([
    ["opened", "none", "Everywhere: 50 % fewer requests than usual at this time"],
    ["ticketed", "ticket", "Everywhere: 50 % fewer requests than usual at this time"],
  ]);
  const [, ticket] = play.incidents;
  expect(ticket?.leadingSignal).toBe("traffic");
  expect(ticket?.reason).toMatch(/^Not a page: for 2 h \d+ min requests have been far fewer/);
  const state = stateOf(play);
  expect(Object.values(state.cells).every((cell) => cell.degradedSinceMs === 0)).toBe(true);
  const during = play.play(2 * minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.9 } : {}));
  expect(
    during
      .filter(({ transition }) => transition === "paged")
      .map(({ dimensions, incident }) => [dimensions, incident === ticket?.incident]),
  ).toEqual([[[{ "gen_ai.request.model": "gpt-4o" }], false]]);
});

it("resolves it once traffic is back", () => {
  const play = playAfter(2);
  play.play(150 * minute);
  const said = play.play(65 * minute, ({ kind }) => ({ requests: kind === "http" ? 40 : 120 }));
  expect(said.map(({ transition }) => transition)).toEqual(["resolved"]);
  expect(said[0]?.reason).toMatch(/^Requests are no longer far fewer than usual/);
});

it("says nothing of traffic as usual", () => {
  expect(playAfter(1).play(150 * minute)).toEqual([]);
});
