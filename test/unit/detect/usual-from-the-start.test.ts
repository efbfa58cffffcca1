import { describe, expect, it } from "vitest";
import { binomialExact } from "../../../detectors/binomial-exact.ts";
import { cusum } from "../../../detectors/cusum.ts";
import type { AnyDetector } from "../../../detectors/registry.ts";
import { loadScenario, planRun, simulate } from "../../../services/chatbot/chatbot.ts";
import { judgementSchema } from "../../../services/contracts/config.ts";
import { counterIds } from "../../../services/contracts/measures.ts";
import { decideWindow } from "../../../services/incident/decide.ts";
import { detectTasks, joinFrame } from "../../../services/incident/join.ts";
import { initialState } from "../../../services/incident/state.ts";
import { DirectDetect } from "../../support/direct-detect.ts";
import { FleetWindows } from "../../support/fleet-windows.ts";

const windowMs = 5_000;
const ratioDetectors = [binomialExact, cusum] as unknown as AnyDetector[];
const cases = ratioDetectors.flatMap((detector) =>
  [0.02, 0.3, 0.9, 1].flatMap((ratio) =>
    [2, 5, 50].map((of) => ({ id: detector.id, detector, ratio, of })),
  ),
);

describe("what was so from the first request on", () => {
  it.each(cases)("is no news to $id: $ratio of $of", ({ detector, ratio, of }) => {
    let state = detector.initialState(windowMs);
    let carried = 0;
    const surprises: number[] = [];
    for (let window = 0; window < 1_440; window++) {
      carried += ratio * of;
      const bad = Math.floor(carried + 1e-9);
      carried -= bad;
      const seen = { kind: "ratio", bad, of, windowStartMs: window * windowMs } as const;
      const stepped = detector.step(state, seen, { isFrozen: false });
      state = stepped.state;
      surprises.push(stepped.verdict.surprise);
    }
    expect(Math.max(...surprises)).toBeLessThan(4);
  });

  it("is told to nobody, be it that no answer says how it ended", () => {
    const plan = planRun({
      scenario: { ...loadScenario("clean"), fleet: { requestsPerSecond: 20 } },
      seed: 77,
      quietMs: 0,
      durationMs: 3_600_000,
      waves: 1,
    });
    const judgement = judgementSchema.parse({});
    const windows = new FleetWindows(plan.fleet, windowMs);
    const detect = new DirectDetect(judgement);
    const state = initialState();
    const told: string[] = [];
    for (const event of simulate(plan))
      for (const window of windows.observe(event)) {
        for (const { counters } of window.cells)
          (counters as number[])[counterIds.finishMissing] = counters[counterIds.ok] ?? 0;
        const joined = joinFrame(state.join, detect.step(window), detectTasks(1));
        if ("refused" in joined) throw new Error(joined.refused);
        for (const whole of joined.windows)
          told.push(...decideWindow(state, whole, judgement).map(({ title }) => title));
      }
    expect(told.filter((title) => title.includes("without an end"))).toEqual([]);
  });
});
