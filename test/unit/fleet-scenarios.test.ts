import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadFleet, loadScenario, planRun, scenarioNames } from "../../services/chatbot/chatbot.ts";
import { courseLevel } from "../../services/chatbot/fault-ramp.ts";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { planOf } from "../support/fleet-decoded.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "foreshock-fleet-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ForeshockError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing was thrown";
}

function scenarioFile(text: string): string {
  const file = join(directory, "scenario.yaml");
  writeFileSync(file, text);
  return file;
}

describe("scenario files", () => {
  const numbered = (letter: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${letter}${String(i + 1).padStart(2, "0")}`);

  it("hold every fault, every confounder and clean traffic", () => {
    expect(scenarioNames()).toEqual(
      [...numbered("C", 16), ...numbered("S", 20), "S04-plateau", "clean"].sort(),
    );
  });

  it.each(scenarioNames())(
    "%s is valid and names itself, and its faults fit the default fleet",
    (name) => {
      const scenario = loadScenario(name);
      const plan = planRun({ scenario, seed: 7 });
      expect(scenario.scenario).toBe(name);
      expect(plan.faults).toHaveLength(scenario.faults.length);
      expect(plan.endMs).toBeGreaterThan(plan.startMs);
      expect(plan.startMs).toBeLessThanOrEqual(plan.faultStartMs ?? plan.startMs);
    },
  );

  it("report every mistake with path, value and what is allowed", () => {
    const file = scenarioFile(`
scenario: X1
title: Wrong
about: Wrong
kind: accident
faults:
  - name: one
    effect: { kind: capacity, of: cooling }
    ramp: { shape: linear, minutes: soon }
    to: much
`);
    const message = messageOf(() => loadScenario(file));
    expect(message).toMatch(/^scenario_invalid: /);
    expect(message).toContain(
      'kind = "accident": Invalid option: expected one of "fault"|"confounder"|"clean"',
    );
    expect(message).toContain(
      'faults.0.effect.of = "cooling": Invalid option: expected one of "model"|"filter"',
    );
    expect(message).toContain('faults.0.ramp.minutes = "soon"');
    expect(message).toContain(
      'faults.0.to = "much": Invalid input: expected number, received string',
    );
  });

  it("refuse keys that nobody knows", () => {
    expect(messageOf(() => loadFleet({ requestPerSecond: 3 } as object))).toContain(
      'Unrecognized key: "requestPerSecond"',
    );
  });

  it("name a scenario that does not exist and those that do", () => {
    expect(messageOf(() => loadScenario("S99"))).toContain(
      "scenario S99: no such file, and none of C01, C02",
    );
  });

  it("say which names of a target the fleet lacks", () => {
    const file = scenarioFile(`
scenario: X2
title: Aims at nothing
about: Aims at nothing
kind: fault
faults:
  - name: one
    target: { model: [gpt-9], region: [mars] }
    effect: { kind: capacity }
    ramp: { shape: step }
    to: 0.5
`);
    const message = messageOf(() => planRun({ scenario: loadScenario(file), seed: 1 }));
    expect(message).toContain("target.model = gpt-9: not one of gpt-4o-mini");
    expect(message).toContain("target.region = mars: not one of us-east-1");
  });
});

describe("a plan", () => {
  it("draws the same times and places for the same seed, and others for another", () => {
    const facts = (seed: number) =>
      planOf("S04", { seed }).faults.map(({ course, target }) => [course, target.models]);
    expect(facts(3)).toEqual(facts(3));
    expect(facts(3)).not.toEqual(facts(4));
  });

  it("divides ramps and holds by the compression", () => {
    const [plain] = planOf("S13").faults;
    const [compressed] = planOf("S13", { compress: 10 }).faults;
    const lengthOf = (fault: typeof plain) =>
      fault === undefined ? 0 : fault.course.endMs - fault.course.startMs;
    expect(Math.round((lengthOf(compressed) * 10) / 1000)).toBe(Math.round(lengthOf(plain) / 1000));
  });

  it("plays two waves, the first lower, with a quiet gap between", () => {
    const { faults } = planOf("S04", { waves: 2 });
    const [first, second] = faults;
    expect(faults).toHaveLength(2);
    expect(first?.course.to).toBeGreaterThan(second?.course.to ?? 1);
    expect(second?.course.startMs).toBeGreaterThan(first?.course.endMs ?? Infinity);
  });

  it("starts a fault where an earlier one has come on its ramp", () => {
    const [login, , chat] = planOf("S07").faults;
    const { startMs = 0, topMs = 0 } = login?.course ?? {};
    expect(chat?.course.startMs).toBeCloseTo(startMs + 0.7 * (topMs - startMs), 3);
  });
});

describe("a ramp", () => {
  const course = {
    startMs: 1000,
    topMs: 2000,
    fallMs: 3000,
    endMs: 4000,
    neutral: 0,
    from: 0.1,
    to: 0.8,
  };

  it("rises linearly, stays and falls back to neutral", () => {
    const linear = { ...course, shape: { kind: "linear" } as const };
    const levels = [999, 1000, 1500, 2500, 3500, 4000].map((ms) => courseLevel(linear, ms));
    expect(levels.map((level) => Number(level.toFixed(6)))).toEqual([0, 0.1, 0.45, 0.8, 0.4, 0]);
  });

  it("doubles in equal times", () => {
    const doubling = { ...course, shape: { kind: "exponential" } as const };
    const levels = [0, 1, 2].map((third) => courseLevel(doubling, 1000 + (third * 1000) / 3));
    expect(levels.map((level) => Number(level.toFixed(6)))).toEqual([0.1, 0.2, 0.4]);
  });

  it("climbs a ladder rung by rung", () => {
    const ladder = { ...course, shape: { kind: "ladder", shares: [0.01, 0.5, 1] } as const };
    const levels = [1000, 1499, 1500, 1999, 2000].map((ms) => courseLevel(ladder, ms));
    expect(levels.map((level) => Number(level.toFixed(6)))).toEqual([0.008, 0.008, 0.4, 0.4, 0.8]);
  });

  it("switches a square on and off", () => {
    const square = { ...course, shape: { kind: "square", onMs: 100, offMs: 300 } as const };
    const levels = [2200, 2299, 2300, 2599, 2600].map((ms) => courseLevel(square, ms));
    expect(levels).toEqual([0.8, 0.8, 0, 0, 0.8]);
  });
});
