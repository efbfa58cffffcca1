import { describe, expect, it } from "vitest";
import { configSchema } from "../../../services/contracts/config.ts";
import { type Delivery, deliveryRecord } from "../../../services/contracts/records.ts";
import { topics } from "../../../services/contracts/topics.ts";
import type { Log } from "../../../services/log/log.ts";
import { openMemoryLog } from "../../../services/log/memory.ts";
import { checkpointStore } from "../../../services/runtime/checkpoint.ts";
import { systemClock } from "../../../services/runtime/clock.ts";
import { runEffectTask } from "../../../services/runtime/effect-runner.ts";
import type { EffectStage } from "../../../services/stage.ts";
import { anEdgeContext } from "../../support/edge-context.ts";

async function aLog(): Promise<Log> {
  const log = await openMemoryLog({ clock: systemClock });
  const one = { partitions: 1, retentionMs: 1e9 } as const;
  await log.ensureTopics([
    { name: topics.incidents, cleanup: "delete", ...one },
    { name: topics.deliveries, cleanup: "delete", ...one },
    { name: topics.checkpoints, cleanup: "compact", ...one },
  ]);
  return log;
}

const delivery = (key: string): Delivery => ({
  key,
  incident: "i1",
  transition: "paged",
  sink: "hook",
  severity: "page",
  atMs: 0,
  outcome: "delivered",
  attempts: 1,
  delayMs: 0,
  detail: "",
});

/** Remembers what it took, and tells all of it when it may act. */
function telling(onAct: (taken: readonly string[]) => void): EffectStage {
  return {
    kind: "effect",
    name: "notify",
    reads: [topics.incidents],
    writes: [topics.deliveries],
    stateVersion: 1,
    open: async (_, saved) => {
      const taken = JSON.parse(Buffer.from(saved?.[0] ?? Buffer.from("[]")).toString()) as string[];
      let told = 0;
      return {
        take: (record) => {
          taken.push(Buffer.from(record.value).toString());
          return [];
        },
        act: async () => {
          onAct(taken);
          const due = taken.slice(told);
          told = taken.length;
          return due.map((key) => ({
            topic: topics.deliveries,
            partition: 0,
            value: deliveryRecord.encode(delivery(key)),
          }));
        },
        snapshot: () => [Buffer.from(JSON.stringify(taken))],
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

/** Runs the task until it has acted so often. */
async function runUntilActed(log: Log, times: number): Promise<readonly string[][]> {
  const stop = new AbortController();
  const acts: string[][] = [];
  const stage = telling((taken) => {
    acts.push([...taken]);
    if (acts.length === times) stop.abort();
  });
  const context = anEdgeContext(log);
  const deps = {
    ...context,
    config: configSchema.parse({}),
    checkpoints: checkpointStore(log, 1),
    control: { manifests: [], epochs: [] },
  };
  const sources = [{ topic: topics.incidents, partition: 0 }];
  await runEffectTask(stage, context, sources, deps, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return acts;
}

describe("an effect task", () => {
  it("catches up with everything that came while it was away before it acts", async () => {
    await using log = await aLog();
    const append = (text: string) =>
      log.append([{ topic: topics.incidents, partition: 0, value: Buffer.from(text) }]);
    await append("one");
    await append("two");
    const [first] = await runUntilActed(log, 3);
    expect(first).toEqual(["one", "two"]);
    await append("three");
    const [second] = await runUntilActed(log, 1);
    expect(second).toEqual(["one", "two", "three"]);
  });
});
