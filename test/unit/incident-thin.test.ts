import { expect, it } from "vitest";
import { seeded } from "../support/detect-traffic.ts";
import { fleetWindowMs, IncidentPlay, type TroubleAt } from "../support/incident-fleet.ts";

const hour = 3_600_000 / fleetWindowMs;

/** A request in one window of so many, in each cell. */
function thin(every: number, ratioAt: (window: number) => number): TroubleAt {
  const random = seeded(5);
  return (_cell, window) => ({
    usualRequests: 1 / every,
    requests: random() < 1 / every ? 1 : 0,
    failing: random() < ratioAt(window) ? 1 : 0,
  });
}

it.each([10, 25])(
  "trouble is over some time after it has ended where a cell has a request in %d windows",
  (every) => {
    const play = new IncidentPlay();
    const onset = 3 * hour;
    const end = 4 * hour;
    play.play(
      end + 2 * hour,
      thin(every, (window) => (window >= onset && window < end ? 0.5 : 0)),
    );
    const last = new Map(play.incidents.map(({ incident, transition }) => [incident, transition]));
    expect(play.incidents.some(({ transition }) => transition === "paged")).toBe(true);
    expect([...last.values()].filter((transition) => transition !== "resolved")).toEqual([]);
  },
);
