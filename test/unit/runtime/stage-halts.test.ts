import { describe, expect, it } from "vitest";
import { ForeshockError } from "../../../services/contracts/errors.ts";
import { type Labels, type MetricName, noMetrics } from "../../../services/contracts/metrics.ts";
import { topics } from "../../../services/contracts/topics.ts";
import { openMemoryLog } from "../../../services/log/memory.ts";
import { checkpointStore } from "../../../services/runtime/checkpoint.ts";
import { systemClock } from "../../../services/runtime/clock.ts";
import { runConsumingStage } from "../../../services/runtime/stage-runner.ts";
import type { EffectStage } from "../../../services/stage.ts";
import { anEdgeContext } from "../../support/edge-context.ts";

describe("a stage that stops for good", () => {
  it("is counted with the code of its error, and is not started again", async () => {
    await using log = await openMemoryLog({ clock: systemClock });
    const one = { partitions: 1, retentionMs: 1e9 } as const;
    await log.ensureTopics([
      { name: topics.incidents, cleanup: "delete", ...one },
      { name: topics.checkpoints, cleanup: "compact", ...one },
    ]);
    let opened = 0;
    const losing: EffectStage = {
      kind: "effect",
      name: "notify",
      reads: [topics.incidents],
      writes: [],
      stateVersion: 1,
      open: async () => {
        opened++;
        throw new ForeshockError("data_lost", "offset 4 lies before the start of the log, 9");
      },
    };
    const counted: [MetricName, Labels][] = [];
    const add = (name: MetricName, _: number, labels: Labels = {}) => counted.push([name, labels]);
    const metrics = { ...noMetrics, add };
    const context = anEdgeContext(log, {}, { metrics });
    const deps = {
      ...context,
      checkpoints: checkpointStore(log, 1),
      control: { manifests: [], epochs: [] },
    };
    const stopping = new AbortController();
    const health = { halted: new Map<string, string>() };
    const running = runConsumingStage(losing, context, deps, health, stopping.signal);
    while (health.halted.size === 0) await systemClock.sleep(5);
    stopping.abort();
    await running.catch(() => {});
    expect(opened).toBe(1);
    expect(counted).toEqual([
      ["foreshock_stage_halts_total", { stage: "notify", code: "data_lost" }],
    ]);
  });
});
