import { describe, expect, it } from "vitest";
import { ForeshockError } from "../../../services/contracts/errors.ts";
import { type Labels, type MetricName, noMetrics } from "../../../services/contracts/metrics.ts";
import { topics } from "../../../services/contracts/topics.ts";
import type { Log } from "../../../services/log/log.ts";
import { openMemoryLog } from "../../../services/log/memory.ts";
import { checkpointStore } from "../../../services/runtime/checkpoint.ts";
import { type Clock, systemClock } from "../../../services/runtime/clock.ts";
import { runConsumingStage } from "../../../services/runtime/stage-runner.ts";
import type { EdgeContext, EffectStage } from "../../../services/stage.ts";
import { anEdgeContext } from "../../support/edge-context.ts";

async function openLog(): Promise<Log> {
  const log = await openMemoryLog({ clock: systemClock });
  const one = { partitions: 1, retentionMs: 1e9 } as const;
  await log.ensureTopics([
    { name: topics.incidents, cleanup: "delete", ...one },
    { name: topics.checkpoints, cleanup: "compact", ...one },
  ]);
  return log;
}

/** Runs a stage that opens with `open`, until the signal ends it. */
async function runFailing(
  log: Log,
  open: EffectStage["open"],
  more: Partial<EdgeContext>,
  run: { readonly halted: Map<string, string>; readonly signal: AbortSignal },
): Promise<void> {
  const stage: EffectStage = {
    kind: "effect",
    name: "notify",
    reads: [topics.incidents],
    writes: [],
    stateVersion: 1,
    open,
  };
  const context = { ...anEdgeContext(log), ...more };
  const deps = {
    ...context,
    checkpoints: checkpointStore(log, 1),
    control: { manifests: [], epochs: [] },
  };
  await runConsumingStage(stage, context, deps, { halted: run.halted }, run.signal).catch(() => {});
}

describe("a stage", () => {
  it("that stops for good is counted with the code of its error, and not started again", async () => {
    await using log = await openLog();
    let opened = 0;
    const open = async () => {
      opened++;
      throw new ForeshockError("data_lost", "offset 4 lies before the start of the log, 9");
    };
    const counted: [MetricName, Labels][] = [];
    const add = (name: MetricName, _: number, labels: Labels = {}) => counted.push([name, labels]);
    const stopping = new AbortController();
    const halted = new Map<string, string>();
    const metrics = { ...noMetrics, add };
    const running = runFailing(log, open, { metrics }, { halted, signal: stopping.signal });
    while (halted.size === 0) await systemClock.sleep(5);
    stopping.abort();
    await running;
    expect(opened).toBe(1);
    expect(counted).toEqual([
      ["foreshock_stage_halts_total", { stage: "notify", code: "data_lost" }],
    ]);
  });

  it("that fails waits longer each time, and little again once it ran well for long", async () => {
    await using log = await openLog();
    let nowMs = 1_000_000;
    const clock: Clock = { nowMs: () => nowMs, sleep: async () => {} };
    let opened = 0;
    const open = async () => {
      opened++;
      if (opened === 8) nowMs += 3_600_000;
      throw new Error("no luck");
    };
    const stopping = new AbortController();
    const waits: string[] = [];
    const report = (_: string, text: string) => {
      waits.push(/starts again in ([\d.]+) s/.exec(text)?.[1] ?? text);
      if (waits.length === 9) stopping.abort();
    };
    const run = { halted: new Map<string, string>(), signal: stopping.signal };
    await runFailing(log, open, { clock, report }, run);
    expect(waits).toEqual(["0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "10", "0.2", "0.4"]);
  });
});
