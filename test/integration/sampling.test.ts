/** The same outage in all spans, and in the tenth that a head sampler keeps and says so in the trace state. */
import { expect, test } from "vitest";
import { loadScenario } from "../../services/chatbot/chatbot.ts";
import { runScenario, type ScenarioRun } from "../support/run-scenario.ts";

const minuteMs = 60_000;

/** An hour's clean traffic is not needed: a total failure of a cell, with enough traffic that a tenth of it is some. */
function runSampled(ratio: number): ScenarioRun {
  const fleet = { requestsPerSecond: 25, telemetry: { sampling: { ratio } } };
  return runScenario({
    scenario: { ...loadScenario("S01"), fleet },
    seed: 3,
    quietMs: 6 * minuteMs,
    longestMs: 10 * minuteMs,
  });
}

test("an outage in a tenth of the spans is paged within three windows of the page that all of them lead to", () => {
  const [all, tenth] = [1, 0.1].map((ratio) =>
    runSampled(ratio).incidents.find(({ transition }) => transition === "paged"),
  );

  expect(all).toBeDefined();
  expect(tenth).toBeDefined();
  expect(Math.abs((tenth?.windowStartMs ?? 0) - (all?.windowStartMs ?? 0))).toBeLessThanOrEqual(
    15_000,
  );
});
