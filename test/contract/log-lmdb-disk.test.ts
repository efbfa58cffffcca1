import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { createTurnedClock } from "./log-clock.ts";

const startMs = 1_790_000_000_000;
const topic = { name: "events", partitions: 1, cleanup: "delete", retentionMs: 1000 } as const;
const record = { topic: "events", partition: 0, value: new Uint8Array(100_000).fill(7) };

describe("an LMDB log on its disk", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "foreshock-log-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const open = (clock = createTurnedClock(startMs), maxDiskBytes = 2_000_000) =>
    openLmdbLog({ directory, clock, limits: { maxDiskBytes } });

  it("refuses sources from 90 % of its bound on, and appends beyond it", async () => {
    await using log = await open();
    await log.ensureTopics([topic]);
    let appended = 0;
    const refusingFrom: number[] = [];
    const append = async () => {
      for (;;) {
        const pressure = await log.pressure();
        if (pressure.state === "refusing") refusingFrom.push(appended);
        await log.append([record]);
        appended += 1;
      }
    };
    await expect(append()).rejects.toMatchObject({ code: "log_full", retryable: true });
    expect(appended).toBe(19);
    expect(refusingFrom).toEqual([18, 19]);
  });

  it("still knows after a restart how full it is", async () => {
    const log = await open();
    await log.ensureTopics([topic]);
    for (let i = 0; i < 19; i++) await log.append([record]);
    await log[Symbol.asyncDispose]();
    await using again = await open();
    await expect(again.append([record])).rejects.toMatchObject({ code: "log_full" });
  });

  it("uses the space of what retention removed again, for as long as it runs", async () => {
    const clock = createTurnedClock(startMs);
    await using log = await open(clock);
    await log.ensureTopics([topic]);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 15; i++) await log.append([record]);
      clock.set(clock.nowMs() + 2000);
      await log.retain(clock.nowMs());
    }
    expect(await log.offsets("events", 0)).toEqual({ start: 300, end: 300 });
    expect(statSync(join(directory, "data.mdb")).size).toBeLessThan(5_000_000);
  });

  it("removes a large backlog in pieces, and keeps the start over a restart", async () => {
    const clock = createTurnedClock(startMs);
    const small = { topic: "events", partition: 0, value: new Uint8Array(10) };
    const log = await open(clock, 2 ** 30);
    await log.ensureTopics([topic]);
    await log.append(Array.from({ length: 10_000 }, () => small));
    clock.set(startMs + 5000);
    await log.append([small]);
    await log.retain(clock.nowMs());
    expect(await log.offsets("events", 0)).toEqual({ start: 10_000, end: 10_001 });
    await log[Symbol.asyncDispose]();
    await using again = await open(clock, 2 ** 30);
    expect(await again.offsets("events", 0)).toEqual({ start: 10_000, end: 10_001 });
  });

  it("never lets append times fall, though the clock is set back over a restart", async () => {
    const log = await open();
    await log.ensureTopics([topic]);
    await log.append([record]);
    await log[Symbol.asyncDispose]();
    const clock = createTurnedClock(startMs - 60_000);
    const again = await open(clock);
    expect(await again.append([record])).toEqual([{ offset: 1, appendMs: startMs }]);
    // Even when nothing is left that could tell the time.
    await again.retain(startMs + 10_000);
    await again[Symbol.asyncDispose]();
    await using third = await open(clock);
    expect(await third.append([record])).toEqual([{ offset: 2, appendMs: startMs }]);
  });

  it("forgets a group on demand, so that it holds back retention no longer", async () => {
    const clock = createTurnedClock(startMs);
    const log = await open(clock);
    await log.ensureTopics([topic]);
    const stop = new AbortController();
    await log.join("gone", ["events"], { onAssigned: async () => stop.abort() }, stop.signal);
    await log.append([record]);
    await log.commit("gone", [{ topic: "events", partition: 0, offset: 0, metadata: "" }]);
    await log.retain(startMs + 5000);
    expect((await log.offsets("events", 0)).start).toBe(0);
    await log.forgetGroup("gone");
    await log[Symbol.asyncDispose]();
    await using again = await open(clock);
    expect(await again.committed("gone", "events", 0)).toBeUndefined();
    await again.retain(startMs + 5000);
    expect((await again.offsets("events", 0)).start).toBe(1);
  });

  it("says when its directory holds something else", async () => {
    writeFileSync(join(directory, "data.mdb"), "no database at all".repeat(1000));
    await expect(open()).rejects.toMatchObject({
      code: "log_corrupt",
      message: `${join(directory, "data.mdb")} is not the data file of a log`,
    });
  });
});
