import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { StoreWrite } from "../../services/log/record-store.ts";
import { createWriteQueue, type WriteJob } from "../../services/log/write-queue.ts";

/** A store whose writes end when the test says so; what was written is each batch's metadata keys. */
function createHeldStore() {
  const batches: string[][] = [];
  const failed: string[][] = [];
  let settle: ((error?: Error) => void)[] = [];
  const keysOf = (batch: StoreWrite) => batch.metadata.map(([key]) => key);
  const queue = createWriteQueue({
    maxBatchBytes: 100,
    write: (batch) => {
      batches.push(keysOf(batch));
      return new Promise((resolve, reject) => {
        settle.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
    onFailed: (batch) => failed.push(keysOf(batch)),
  });
  const heard: string[] = [];
  const job = (key: string, bytes = 10): WriteJob => ({
    bytes,
    stage(batch) {
      if (key.startsWith("bad")) throw new Error(`${key} can't be staged`);
      batch.metadata.push([key, ""]);
    },
    done: () => heard.push(`${key} done`),
    fail: (error) => heard.push(error instanceof Error ? error.message : String(error)),
  });
  const finish = async (error?: Error) => {
    await nextTurn();
    const [first, ...rest] = settle;
    settle = rest;
    first?.(error);
    await nextTurn();
  };
  return { queue, batches, failed, heard, job, finish };
}

describe("the write queue", () => {
  it("commits together what came in one turn, and then what came meanwhile", async () => {
    const { queue, batches, heard, job, finish } = createHeldStore();
    queue.push(job("a"));
    queue.push(job("b"));
    await nextTurn();
    queue.push(job("c"));
    queue.push(job("d"));
    await nextTurn();
    expect(batches).toEqual([["a", "b"]]);
    expect(heard).toEqual([]);
    await finish();
    expect(batches).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(heard).toEqual(["a done", "b done"]);
    await finish();
    expect(heard).toEqual(["a done", "b done", "c done", "d done"]);
  });

  it("keeps batches below their bound, but writes what alone is larger", async () => {
    const { queue, batches, job, finish } = createHeldStore();
    for (const [key, bytes] of Object.entries({ a: 60, b: 40, c: 1, d: 500, e: 10 })) {
      queue.push(job(key, bytes));
    }
    for (let i = 0; i < 4; i++) await finish();
    expect(batches).toEqual([["a", "b"], ["c"], ["d"], ["e"]]);
  });

  it("tells every job of a failed batch, after state was restored, and goes on", async () => {
    const { queue, failed, heard, job, finish } = createHeldStore();
    queue.push(job("a"));
    queue.push(job("b"));
    await finish(new Error("disk on fire"));
    expect(failed).toEqual([["a", "b"]]);
    expect(heard).toEqual(["disk on fire", "disk on fire"]);
    queue.push(job("c"));
    await finish();
    expect(heard.at(-1)).toBe("c done");
  });

  it("refuses alone the job that can't be staged", async () => {
    const { queue, batches, heard, job, finish } = createHeldStore();
    for (const key of ["a", "bad", "b"]) queue.push(job(key));
    await finish();
    expect(batches).toEqual([["a", "b"]]);
    expect(heard).toEqual(["bad can't be staged", "a done", "b done"]);
  });

  it("gives back a waiting job, not one under way", async () => {
    const { queue, batches, job, finish } = createHeldStore();
    const [a, b] = [job("a"), job("b")];
    queue.push(a);
    await nextTurn();
    queue.push(b);
    expect(queue.remove(a)).toBe(false);
    expect(queue.remove(b)).toBe(true);
    await finish();
    expect(batches).toEqual([["a"]]);
  });

  it("is idle once nothing waits or is under way", async () => {
    const { queue, heard, job, finish } = createHeldStore();
    await queue.idle();
    queue.push(job("a"));
    const idle = queue.idle().then(() => heard.push("idle"));
    await finish();
    await idle;
    expect(heard).toEqual(["a done", "idle"]);
  });

  it("fails what waits when it is abandoned", async () => {
    const { queue, heard, job, finish } = createHeldStore();
    queue.push(job("a"));
    await nextTurn();
    queue.push(job("b"));
    queue.abandon(new Error("closed"));
    expect(heard).toEqual(["closed"]);
    await finish();
    expect(heard).toEqual(["closed", "a done"]);
  });
});
