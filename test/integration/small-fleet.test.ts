import { expect, test } from "vitest";
import { loadScenario, planRun, simulate } from "../../services/chatbot/chatbot.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { judgeFrames } from "../bench/scenarios-judge.ts";
import { DirectDetect } from "../support/direct-detect.ts";
import { FleetWindows } from "../support/fleet-windows.ts";

/** What people are told of a fleet in which nothing is wrong. */
function toldOf({ requestsPerSecond, hours }: { requestsPerSecond: number; hours: number }) {
  const plan = planRun({
    scenario: { ...loadScenario("clean"), fleet: { requestsPerSecond } },
    seed: 5,
    quietMs: 0,
    durationMs: hours * 3_600_000,
    waves: 1,
  });
  const judgement = judgementSchema.parse({});
  const windows = new FleetWindows(plan.fleet, judgement.window.lengthMs);
  const detect = new DirectDetect(judgement);
  const frames = (function* () {
    for (const event of simulate(plan))
      for (const window of windows.observe(event)) yield detect.step(window);
  })();
  return judgeFrames(frames)
    .filter(({ transition }) => transition === "paged" || transition === "ticketed")
    .map(({ transition, title }) => `${transition} ${title}`);
}

// Seeds and lengths in which a busy fleet's rules paged for bursts, and told of silence after a cell's first requests.
test.each([
  { requestsPerSecond: 2, hours: 5.4 },
  { requestsPerSecond: 0.5, hours: 0.5 },
])(
  "a fleet with $requestsPerSecond requests a second is told of nothing in $hours quiet hours",
  (fleet) => {
    expect(toldOf(fleet)).toEqual([]);
  },
);
