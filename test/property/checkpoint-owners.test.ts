import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { type CheckpointStore, checkpointStore } from "../../services/runtime/checkpoint.ts";
import { systemClock } from "../../services/runtime/clock.ts";

const task = "detect/0";
const never = new AbortController().signal;

async function openLog(): Promise<Log> {
  const log = await openMemoryLog({ clock: systemClock });
  await log.ensureTopics([
    { name: topics.checkpoints, partitions: 1, cleanup: "compact", retentionMs: 1e9 },
  ]);
  return log;
}

/** A state that says how far it is: `offset`, and who saved it. */
const save = (owner: CheckpointStore, offset: number, text: string) =>
  owner.save(
    {
      task,
      stage: "detect",
      stateVersion: 1,
      epoch: 1,
      atMs: 0,
      offsets: { "foreshock.windows/0": offset },
      rewind: {},
      consumed: {},
      produced: {},
    },
    [...text].map((letter) => Buffer.from(letter)),
    never,
  );

const read = async (owner: CheckpointStore) => {
  const saved = await owner.load(task);
  if (saved === undefined) return undefined;
  const text = Buffer.concat(saved.chunks).toString();
  return [saved.manifest.offsets["foreshock.windows/0"], text];
};

describe("checkpoints of a task that changes hands", () => {
  it("are restored as the newer owner left them, whatever the older one saves late", async () => {
    const log = await openLog();
    const [older, newer] = [checkpointStore(log, 1), checkpointStore(log, 1)];
    await older.load(task);
    await save(older, 10, "old");
    expect(await read(newer)).toEqual([10, "old"]);
    await save(newer, 20, "new!");
    // Paused for long, it wakes and does not know yet.
    await save(older, 12, "late");
    expect(await read(checkpointStore(log, 1))).toEqual([20, "new!"]);
    await log[Symbol.asyncDispose]();
  });

  it("are whole though an older owner dies between its chunks and its manifest", async () => {
    const log = await openLog();
    const [older, newer] = [checkpointStore(log, 1), checkpointStore(log, 1)];
    await older.load(task);
    await save(older, 10, "aa");
    await newer.load(task);
    await save(newer, 20, "bb");
    await save(newer, 30, "cc");
    const isChunk = (key: string | undefined) => key !== undefined && !key.endsWith("/manifest");
    const dying = new Proxy(log, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== "append") return value;
        return (records: Parameters<Log["append"]>[0]) =>
          isChunk(records[0]?.key) ? target.append(records) : Promise.reject(new Error("died"));
      },
    });
    const dead = checkpointStore(dying, 1);
    await dead.load(task);
    await expect(save(dead, 31, "dd")).rejects.toThrow("died");
    expect(await read(checkpointStore(log, 1))).toEqual([30, "cc"]);
    await log[Symbol.asyncDispose]();
  });

  it("are those of the latest owner that saved, in any order of loading, saving and waking", async () => {
    const steps = fc.array(
      fc.record({ owner: fc.nat(3), what: fc.constantFrom("load", "save", "save") }),
      { maxLength: 24 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const log = await openLog();
        const owners = Array.from({ length: 4 }, () => checkpointStore(log, 1));
        const generations = new Map<number, number>();
        let generation = 0;
        let expected: { readonly generation: number; readonly state: unknown } | undefined;
        for (const [step, { owner, what }] of plan.entries()) {
          const store = owners[owner];
          if (store === undefined) continue;
          const own = generations.get(owner);
          if (what === "load" || own === undefined) {
            expect(await read(store)).toEqual(expected?.state);
            generations.set(owner, ++generation);
          } else {
            await save(store, step, `${owner}:${step}`);
            if (expected === undefined || own >= expected.generation)
              expected = { generation: own, state: [step, `${owner}:${step}`] };
          }
        }
        expect(await read(checkpointStore(log, 1))).toEqual(expected?.state);
        await log[Symbol.asyncDispose]();
      }),
      { numRuns: 200 },
    );
  });

  it("leave nothing behind of owners before the last", async () => {
    const log = await openLog();
    for (let owner = 1; owner <= 5; owner++) {
      const store = checkpointStore(log, 1);
      await store.load(task);
      await save(store, owner, "xyz");
      await save(store, owner, "xyz");
    }
    const keys = (await log.latestByKey(topics.checkpoints, 0)).map(({ key }) => key);
    // A claim, a manifest, and three chunks in each of two slots.
    expect(keys).toHaveLength(8);
    await log[Symbol.asyncDispose]();
  });

  it("are read as an earlier program wrote them, which knew no owners", async () => {
    const log = await openLog();
    const store = checkpointStore(log, 1);
    await store.load(task);
    await save(store, 7, "ab");
    const records = await log.latestByKey(topics.checkpoints, 0);
    const old = await openLog();
    for (const { key = "", value } of records) {
      const text = Buffer.from(value).toString();
      const plain = text.replace(/"generation":\d+,"sequence":\d+,/, "");
      if (key.endsWith("/claim")) continue;
      await old.append([
        {
          topic: topics.checkpoints,
          partition: 0,
          key: key.replace(/\/\d+\/(manifest|[ab]\/)/, "/$1"),
          value: Buffer.from(plain),
        },
      ]);
    }
    expect(await read(checkpointStore(old, 1))).toEqual([7, "ab"]);
    await log[Symbol.asyncDispose]();
    await old[Symbol.asyncDispose]();
  });
});
