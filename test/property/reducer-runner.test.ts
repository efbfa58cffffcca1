import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../services/contracts/config.ts";
import { noMetrics } from "../../services/contracts/metrics.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import type { Log, LogRecord } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { checkpointStore } from "../../services/runtime/checkpoint.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { fixedControl } from "../../services/runtime/control.ts";
import { runReducerTask } from "../../services/runtime/reducer-runner.ts";
import type { RunnerDeps } from "../../services/runtime/runner-deps.ts";
import type { ReducerStage } from "../../services/stage.ts";

/** Sums what it reads and says the sum after every third record: an output depends on everything before it. */
const summing: ReducerStage = {
  kind: "reducer",
  name: "incident",
  reads: [topics.frames],
  writes: [topics.incidents],
  stateVersion: 1,
  checkpoint: "interval",
  create: (_, saved) => {
    const state =
      saved?.[0] === undefined
        ? [0, 0]
        : (JSON.parse(Buffer.from(saved[0]).toString()) as number[]);
    let [count = 0, sum = 0] = state;
    return {
      step: (record) => {
        const value = Number(Buffer.from(record.value).toString());
        if (Number.isNaN(value))
          return { outputs: [], rejected: { code: "record_invalid", reason: "not a number" } };
        count++;
        sum += value;
        if (count % 3 !== 0) return { outputs: [] };
        return {
          outputs: [{ topic: topics.incidents, partition: 0, value: Buffer.from(String(sum)) }],
        };
      },
      snapshot: () => ({ chunks: [Buffer.from(JSON.stringify([count, sum]))] }),
    };
  },
};

const config = configSchema.parse({ checkpoint: { intervalMs: 100 } });

async function allRecords(log: Log, topic: string): Promise<readonly LogRecord[]> {
  const { start, end } = await log.offsets(topic, 0);
  return end === start
    ? []
    : await log.read({ topic, partition: 0, fromOffset: start, maxBytes: 1e9 });
}

async function openLog(): Promise<Log> {
  const log = await openMemoryLog({ clock: systemClock });
  await log.ensureTopics([
    { name: topics.frames, partitions: 1, cleanup: "delete", retentionMs: 1e9 },
    { name: topics.incidents, partitions: 1, cleanup: "delete", retentionMs: 1e9 },
    { name: topics.deadletter, partitions: 1, cleanup: "delete", retentionMs: 1e9 },
    { name: topics.checkpoints, partitions: 1, cleanup: "compact", retentionMs: 1e9 },
  ]);
  return log;
}

const depsOn = (log: Log): RunnerDeps => ({
  config,
  log,
  clock: systemClock,
  metrics: noMetrics,
  checkpoints: checkpointStore(log, 1),
  control: fixedControl(config.judgement, [], 1),
  readWaitMs: 20,
  report: () => {},
});

/** A log that stops the task dead in the middle of its n-th call, before or after the call took effect. */
function stopping(log: Log, after: number, tookEffect: boolean, stop: AbortController): Log {
  let calls = 0;
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if ((name === "append" || name === "commit") && ++calls === after) {
          if (tookEffect) await value.apply(target, args);
          stop.abort(new Error("killed"));
          throw new Error("killed");
        }
        return await (value.apply(target, args) as unknown);
      };
    },
  });
}

async function runUntil(log: Log, deps: RunnerDeps, stop: AbortController): Promise<void> {
  const task = runReducerTask(
    summing,
    { topic: topics.frames, partition: 0 },
    deps,
    stop.signal,
  ).catch(() => {});
  const { end } = await log.offsets(topics.frames, 0);
  for (;;) {
    const done = await Promise.race([
      task.then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 2)),
    ]);
    if (done) return;
    const committed = await log.committed("incident", topics.frames, 0);
    const isThrough = (committed?.offset ?? 0) >= end;
    if (isThrough) stop.abort();
  }
}

/** What a consumer that keeps each upstream's last sequence takes. */
function taken(records: readonly LogRecord[]): string[] {
  let last = 0;
  const values: string[] = [];
  for (const record of records) {
    const sequence = Number(record.headers[headers.sequence]);
    if (sequence <= last) continue;
    expect(sequence).toBe(last + 1);
    last = sequence;
    values.push(Buffer.from(record.value).toString());
  }
  return values;
}

describe("a reducing task", () => {
  it("gives the same outputs however often it is killed, each once by its sequence", async () => {
    const input = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 99 }).map(String), fc.constant("poison")),
      { minLength: 1, maxLength: 12 },
    );
    const kills = fc.array(
      fc.record({ after: fc.integer({ min: 1, max: 6 }), tookEffect: fc.boolean() }),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(input, kills, async (values, plan) => {
        const log = await openLog();
        void log.join(
          "incident",
          [topics.frames],
          { onAssigned: async () => {} },
          new AbortController().signal,
        );
        let sent = 0;
        for (const { after, tookEffect } of [...plan, { after: 0, tookEffect: false }]) {
          const isLast = after === 0;
          const upTo = isLast ? values.length : Math.min(values.length, sent + 4);
          for (; sent < upTo; sent++)
            await log.append([
              { topic: topics.frames, partition: 0, value: Buffer.from(values[sent] ?? "") },
            ]);
          const stop = new AbortController();
          await runUntil(log, depsOn(isLast ? log : stopping(log, after, tookEffect, stop)), stop);
        }
        const expected: string[] = [];
        let sum = 0;
        values
          .filter((value) => value !== "poison")
          .forEach((value, index) => {
            sum += Number(value);
            if (index % 3 === 2) expected.push(String(sum));
          });
        expect(taken(await allRecords(log, topics.incidents))).toEqual(expected);
        const letters = new Set((await allRecords(log, topics.deadletter)).map(({ key }) => key));
        expect(letters.size).toBe(values.filter((value) => value === "poison").length);
        await log[Symbol.asyncDispose]();
      }),
      { numRuns: 15 },
    );
  });
});
