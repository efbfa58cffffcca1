/** Traffic that was not made up for this: of the simulated fleet. `bench:decline` has New York's taxis. */
import { expect, it } from "vitest";
import { Arrivals } from "../../services/chatbot/arrivals.ts";
import { loadFleet, loadScenario, planRun } from "../../services/chatbot/chatbot.ts";
import { declinesOf, type Series } from "../support/declines.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Less and less from a day on, for six hours, then as little for two days. */
function losing({ startMs, stepMs, requests }: Series, day: number, part: number): Series {
  const from = (day * dayMs) / stepMs;
  const growing = dayMs / 4 / stepMs;
  const left = (index: number) => 1 - part * Math.max(0, Math.min(1, (index - from) / growing));
  return {
    startMs,
    stepMs,
    requests: requests.slice(0, from + (2 * dayMs) / stepMs).map((count, at) => count * left(at)),
  };
}

it("tells of nothing in four weeks of the fleet's traffic, and of the loss of half of it", () => {
  const days = 28;
  const plan = planRun({
    scenario: loadScenario("clean"),
    fleet: loadFleet({ requestsPerSecond: 1 }),
    seed: 401,
    quietMs: 0,
    durationMs: days * dayMs,
  });
  const arrivals = new Arrivals(plan);
  const { startMs } = plan;
  const requests = Array.from(
    { length: (days * dayMs) / minuteMs },
    (_, minute) =>
      arrivals.between(startMs + minute * minuteMs, startMs + (minute + 1) * minuteMs).length,
  );
  const series = { startMs, stepMs: minuteMs, requests };
  expect(declinesOf(series)).toEqual([]);
  expect(declinesOf(losing(series, 10, 0.5))).toHaveLength(1);
  expect(declinesOf(losing(series, 20, 0.5))).toHaveLength(1);
});
