import { describe, expect, it } from "vitest";
import { seeded } from "../support/detect-traffic.ts";
import {
  fleetCells,
  fleetWindowMs,
  IncidentPlay,
  makeIncident,
  type TroubleAt,
  warmUp,
} from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;
const hour = 60 * minute;

/** Each request fails by itself with this chance. */
function failingAt(requests: number, ratioAt: (window: number) => number, seed: number): TroubleAt {
  const random = seeded(seed);
  return (_cell, window) => {
    let failed = 0;
    for (let i = 0; i < requests; i++) if (random() < ratioAt(window)) failed++;
    return { requests, failing: failed / requests };
  };
}

const told = (play: IncidentPlay, from = 0) =>
  play.incidents
    .slice(from)
    .map(({ transition }) => transition)
    .filter((transition) => transition !== "grew");

describe("what lasts, in other fleets", () => {
  it("goes on over a gap of the telemetry", () => {
    const play = new IncidentPlay();
    const onset = warmUp + hour;
    const traffic = failingAt(20, (window) => (window < onset ? 0.003 : 0.015), 3);
    play.play(onset + hour, traffic);
    expect(told(play)).toEqual(["opened", "ticketed", "paged"]);
    const before = play.incidents.length;
    play.play(12 * minute, () => ({ requests: 0 }));
    play.play(hour, traffic);
    const ofIt = play.incidents
      .slice(before)
      .filter(({ incident }) => incident === play.incidents[0]?.incident);
    expect(ofIt.filter(({ transition }) => transition !== "grew")).toEqual([]);
  });

  it("is told once where three requests come a second", () => {
    const play = new IncidentPlay();
    const onset = warmUp + 3 * hour;
    play.play(
      onset + 3 * hour,
      failingAt(1, (window) => (window < onset ? 0.003 : 0.02), 4),
    );
    expect(told(play)).toEqual(["opened", "ticketed", "paged"]);
  });

  it("is nothing where few requests fail as they always did", () => {
    for (const [requests, ratio] of [
      [1, 0.003],
      [1, 0.02],
      [2, 0.05],
      [5, 0.1],
    ] as const) {
      const play = new IncidentPlay();
      play.play(
        warmUp + 6 * hour,
        failingAt(requests, () => ratio, 5),
      );
      expect(told(play), `${requests} at ${ratio}`).toEqual([]);
    }
  });

  it("is usual once it has been so for a day and half another, and is not told again", () => {
    const play = new IncidentPlay(makeIncident(), fleetCells.slice(0, 3));
    const onset = warmUp + hour;
    const traffic = failingAt(100, (window) => (window < onset ? 0.003 : 0.01), 6);
    play.play(onset + 46 * hour, traffic);
    expect(told(play)).toEqual(["opened", "ticketed", "paged", "resolved"]);
    const endedMs = play.incidents.at(-1)?.resolvedMs ?? 0;
    expect((endedMs - (play.incidents[0]?.openedMs ?? 0)) / 3_600_000).toBeGreaterThan(24);
  }, 30_000);
});
