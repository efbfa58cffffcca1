/** Traffic that nobody made up for this: of the simulated fleet, and of New York's taxis where the benchmark's corpus is at hand. */
import { expect, it } from "vitest";
import { Arrivals } from "../../services/chatbot/arrivals.ts";
import { loadFleet, loadScenario, planRun } from "../../services/chatbot/chatbot.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import type { FleetWindow } from "../../services/incident/join.ts";
import { initialDecline, stepTrafficDecline } from "../../services/incident/traffic-decline.ts";
import { hasCorpus, readCorpus } from "../bench/nab/corpus.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

interface Series {
  readonly startMs: number;
  readonly stepMs: number;
  readonly requests: readonly number[];
}

/** Starts of declines, UTC. */
function declinesOf({ startMs, stepMs, requests }: Series, exceptions: readonly string[] = []) {
  const judgement = judgementSchema.parse({ incident: { calendar: { exceptions } } });
  const { calendar } = judgement.incident;
  const decline = initialDecline();
  const told: string[] = [];
  let wasPlain = false;
  for (const [index, count] of requests.entries()) {
    const windowStartMs = startMs + index * stepMs;
    const cells = [{ requests: count }];
    stepTrafficDecline(
      decline,
      { windowMs: stepMs, windowStartMs, cells } as unknown as FleetWindow,
      { calendar, isSilent: false },
    );
    const { isPlain } = decline;
    if (isPlain && !wasPlain) told.push(new Date(windowStartMs).toISOString().slice(0, 10));
    wasPlain = isPlain;
  }
  return told;
}

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

// The corpus is no part of the repository: without it there is nothing to test here.
if (hasCorpus())
  it("tells of nothing in seven months of New York's taxis but the blizzard, and of holidays unless they are configured", async () => {
    const corpus = await readCorpus();
    const taxis = corpus.find(({ name }) => name.endsWith("nyc_taxi.csv"));
    if (taxis === undefined) throw new Error("the corpus has no nyc_taxi.csv");
    const series = {
      startMs: taxis.timesMs[0] as number,
      stepMs: 30 * minuteMs,
      requests: taxis.values,
    };
    expect(declinesOf(series)).toEqual([
      "2014-09-01",
      "2014-11-27",
      "2014-11-28",
      "2014-12-25",
      "2015-01-26",
    ]);
    const holidays = ["2014-07-04", "2014-09-01", "2014-11-27", "2014-11-28", "2014-12-24"];
    holidays.push("2014-12-25", "2014-12-26", "2014-12-31", "2015-01-01", "2015-01-19");
    expect(declinesOf(series, holidays)).toEqual(["2015-01-26"]);
  });
