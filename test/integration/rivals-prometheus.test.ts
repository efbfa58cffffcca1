import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadScenario, planRun, simulate } from "../../services/chatbot/chatbot.ts";
import { judgeWithPrometheus } from "../bench/rivals/promtool.ts";
import { SeriesCollector } from "../bench/rivals/request-series.ts";
import { judgeRivals, rivalNames } from "../bench/rivals/rules.ts";
import { needs } from "../support/needs.ts";

/** A small fleet, so that the run is quick; its fault is strong enough for every rule. */
function seriesOf(scenario: string, seed: number) {
  const plan = planRun({
    scenario: {
      ...loadScenario(scenario),
      fleet: { requestsPerSecond: 6 },
    },
    seed,
    quietMs: 40 * 60_000,
    longestMs: 75 * 60_000,
  });
  const series = new SeriesCollector(plan.fleet, plan.startMs);
  for (const event of simulate(plan)) series.observe(event);
  return series.finish();
}

const missing = needs("promtool");

describe(`the rivals' rules${missing === undefined ? "" : `: ${missing}`}`, {
  skip: missing !== undefined,
}, () => {
  test("promtool accepts the rules", () => {
    const file = join(import.meta.dirname, "../bench/rivals/rules.yml");
    const ran = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
    expect(ran.status, ran.stderr).toBe(0);
  });
  test.each([
    ["S01", 1],
    ["S05", 2],
  ] as const)("Prometheus fires at the same times: %s", { timeout: 180_000 }, (scenario, seed) => {
    const series = seriesOf(scenario, seed);
    const own = judgeRivals(series).map(line).sort();
    expect(own.length).toBeGreaterThan(10);
    expect(judgeWithPrometheus(series, rivalNames).map(line).sort()).toEqual(own);
  });
});

const line = ({ rival, atMs, place }: ReturnType<typeof judgeRivals>[number]) =>
  `${rival} ${atMs} ${JSON.stringify(Object.entries(place).sort())}`;
