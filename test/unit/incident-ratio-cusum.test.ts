import { describe, expect, it } from "vitest";
import { unitAt } from "../../services/chatbot/random.ts";
import {
  failuresThatMatter,
  initialRatioCusum,
  type RatioCusum,
  type RatioMatters,
  stepRatioCusum,
  stragglersThatMatter,
} from "../../services/incident/ratio-cusum.ts";
import { fleetStartMs, fleetWindowMs, IncidentPlay, warmUp } from "../support/incident-fleet.ts";

const failures = failuresThatMatter(0.05);

interface Seen {
  readonly bad: number;
  readonly of: number;
  readonly usualRatio?: number;
}

/** Windows until it is sure; undefined: it never is. */
function sureAfter(windows: readonly Seen[], matters = failures): number | undefined {
  const cell = initialRatioCusum();
  const at = windows.findIndex((window) => {
    step(cell, window, matters);
    return cell.isSure;
  });
  return at < 0 ? undefined : at + 1;
}

function step(
  cell: RatioCusum,
  { bad, of, usualRatio = 0.003 }: Seen,
  matters: RatioMatters = failures,
): void {
  stepRatioCusum(cell, { bad, of, usualRatio, windowMs: 5_000, openAfterWindows: 3 }, matters);
}

/** `every`: one request in so many fails. */
function steady(windows: number, of: number, every: number): Seen[] {
  return Array.from({ length: windows }, (_, index) => ({
    of,
    bad: Math.floor(((index + 1) * of) / every) - Math.floor((index * of) / every),
  }));
}

describe("a cell that fails in part", () => {
  it("is sure after about a minute of seven requests a window, a tenth of which fail", () => {
    expect(sureAfter(steady(60, 7, 10))).toBeLessThanOrEqual(14);
  });

  it("takes half a minute, however many fail", () => {
    expect(sureAfter(steady(20, 200, 4))).toBe(6);
  });

  it("is never sure below the ratio that pages, be it certain", () => {
    expect(sureAfter(steady(500, 200, 30))).toBeUndefined();
  });

  it("is no news where a tenth fails usually", () => {
    const usual = steady(500, 20, 10).map((window) => ({ ...window, usualRatio: 0.1 }));
    expect(sureAfter(usual)).toBeUndefined();
  });

  it("is over soon after requests are answered again", () => {
    const cell = initialRatioCusum();
    for (const window of steady(40, 20, 5)) step(cell, window);
    expect(cell.isSure).toBe(true);
    for (const window of steady(8, 20, 1_000)) step(cell, window);
    expect(cell.isSure).toBe(false);
  });

  it("is over after a few good requests where most had failed, in a thin cell, too", () => {
    const cell = initialRatioCusum();
    for (const window of steady(100, 1, 300)) step(cell, window);
    for (const bad of [1, 1, 0, 1, 1, 0, 1, 1]) step(cell, { bad, of: 1 });
    expect(cell.isSure).toBe(true);
    for (const window of steady(4, 1, 1_000)) step(cell, window);
    expect(cell.isSure).toBe(false);
  });

  it("is not over between two failures of ten requests", () => {
    const cell = initialRatioCusum();
    for (const window of steady(200, 1, 10)) step(cell, window);
    expect(cell.isSure).toBe(true);
    for (const window of steady(9, 1, 1_000)) step(cell, window);
    expect(cell.isSure).toBe(true);
  });

  it("is sure of a few requests that are far slower, where one in a thousand is", () => {
    const slow = steady(200, 2, 25).map((window) => ({ ...window, usualRatio: 0.001 }));
    expect(sureAfter(slow, stragglersThatMatter)).toBeLessThanOrEqual(144);
    const usual = steady(5_000, 2, 500).map((window) => ({ ...window, usualRatio: 0.001 }));
    expect(sureAfter(usual, stragglersThatMatter)).toBeUndefined();
  });

  it("is not sure in a day of a cell whose requests fail at twice the usual ratio by chance", () => {
    const cell = initialRatioCusum();
    let sure = 0;
    for (let window = 0; window < 17_280; window++) {
      let bad = 0;
      for (let request = 0; request < 10; request++)
        if (unitAt(7, 10 * window + request) < 0.006) bad++;
      step(cell, { bad, of: 10 });
      if (cell.isSure) sure++;
    }
    expect(sure).toBe(0);
  });
});

describe("a page for what fails in part", () => {
  it("names the cell, also where the route before it shows little of it", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const from = play.window;
    play.play(20, ({ model, region, kind }) =>
      kind === "http" && region === "us-east-1"
        ? { failing: 0.03, requests: 200 }
        : model === "o4-mini" && region === "us-east-1"
          ? { failing: 0.1 }
          : {},
    );
    const page = play.incidents.find(({ transition }) => transition === "paged");
    expect(page?.dimensions).toEqual([
      { "gen_ai.request.model": "o4-mini", "cloud.region": "us-east-1" },
    ]);
    expect(page?.windowStartMs).toBeLessThanOrEqual(fleetStartMs + (from + 7) * fleetWindowMs);
  });

  it("names the version that frames told of before it belonged to an incident", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    play.play(8, ({ model, region }) =>
      model === "o4-mini" && region === "us-east-1"
        ? {
            failing: 0.1,
            dimensions: [
              {
                dimension: "service.version",
                values: [
                  { value: "1", requests: 40, failures: 0, limited: 0, slow: 0 },
                  { value: "2", requests: 20, failures: 6, limited: 0, slow: 0 },
                ],
              },
            ],
          }
        : {},
    );
    const page = play.incidents.find(({ transition }) => transition === "paged");
    expect(page?.dimensions[0]).toMatchObject({ "service.version": "2" });
    const first = play.incidents.find(({ transition }) => transition === "opened");
    expect(first?.dimensions[0]).toMatchObject({ "service.version": "2" });
  });
});
