import { describe, expect, it } from "vitest";
import { topics } from "../../../services/contracts/topics.ts";
import { openMemoryLog } from "../../../services/log/memory.ts";
import { checkpointStore } from "../../../services/runtime/checkpoint.ts";
import { type Clock, systemClock } from "../../../services/runtime/clock.ts";
import { runConsumingStage } from "../../../services/runtime/stage-runner.ts";
import type { EffectStage } from "../../../services/stage.ts";
import { anEdgeContext } from "../../support/edge-context.ts";

const wait = /starts again in ([\d.]+) s/;

describe("a stage that fails", () => {
  it("waits longer each time, and little again once it ran well for long", async () => {
    await using log = await openMemoryLog({ clock: systemClock });
    const one = { partitions: 1, retentionMs: 1e9 } as const;
    await log.ensureTopics([
      { name: topics.incidents, cleanup: "delete", ...one },
      { name: topics.checkpoints, cleanup: "compact", ...one },
    ]);
    let nowMs = 1_000_000;
    const clock: Clock = { nowMs: () => nowMs, sleep: async () => {} };
    const stopping = new AbortController();
    let opened = 0;
    const failing: EffectStage = {
      kind: "effect",
      name: "notify",
      reads: [topics.incidents],
      writes: [],
      stateVersion: 1,
      open: async () => {
        opened++;
        if (opened === 8) nowMs += 3_600_000;
        throw new Error("no luck");
      },
    };
    const waits: string[] = [];
    const report = (_: string, text: string) => {
      const found = wait.exec(text)?.[1];
      if (found !== undefined) waits.push(found);
      if (waits.length === 9) stopping.abort();
    };
    const context = { ...anEdgeContext(log, {}, {}), clock, report };
    const deps = {
      ...context,
      checkpoints: checkpointStore(log, 1),
      control: { manifests: [], epochs: [] },
    };
    const health = { halted: new Map<string, string>() };
    await runConsumingStage(failing, context, deps, health, stopping.signal).catch(() => {});
    expect(waits).toEqual(["0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "10", "0.2", "0.4"]);
  });
});
