import { describe, expect, it } from "vitest";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";

const topic = { name: "events", partitions: 2, cleanup: "delete", retentionMs: 1000 } as const;
const record = (timeMs: number, partition = 0) => ({
  topic: "events",
  partition,
  value: new Uint8Array(8),
  headers: { at: String(timeMs) },
});
const openReplayLog = () =>
  openMemoryLog({
    clock: systemClock,
    appendTimeMs: ({ headers }) => Number(headers?.["at"]),
  });

describe("the memory log in replay", () => {
  it("takes append times from the records, never falling within a partition", async () => {
    await using log = await openReplayLog();
    await log.ensureTopics([topic]);
    const appended = await log.append([record(50), record(40), record(10, 1), record(60.7)]);
    expect(appended.map((each) => each.appendMs)).toEqual([50, 50, 10, 60]);
  });

  it("refuses an append whose time is no number, and writes none of it", async () => {
    await using log = await openReplayLog();
    await log.ensureTopics([topic]);
    await expect(log.append([record(1), record(Number.NaN)])).rejects.toMatchObject({
      code: "record_invalid",
      message: "append time for events/0 must be a finite number of ms, got NaN",
    });
    expect(await log.offsets("events", 0)).toEqual({ start: 0, end: 0 });
    expect(await log.append([record(2)])).toEqual([{ offset: 0, appendMs: 2 }]);
  });

  it("counts back-pressure and retention in record time", async () => {
    await using log = await openReplayLog();
    await log.ensureTopics([topic]);
    const stop = new AbortController();
    const handler = { onAssigned: async () => stop.abort() };
    await log.join("readers", ["events"], handler, stop.signal);
    await log.append([record(0)]);
    expect(await log.pressure()).toEqual({ state: "open" });
    await log.append([record(501, 1)]);
    expect(await log.pressure()).toEqual({
      state: "refusing",
      reason: "group readers has not read events/0 for 501 ms, half the retention is 500 ms",
      retryAfterMs: 1000,
    });
    await log.commit("readers", [{ topic: "events", partition: 0, offset: 1, metadata: "" }]);
    expect(await log.pressure()).toEqual({ state: "open" });
  });

  it("throws log_full at its bound, and takes more once retention made room", async () => {
    await using log = await openMemoryLog({
      clock: systemClock,
      appendTimeMs: ({ headers }) => Number(headers?.["at"]),
      maxBytes: 100,
    });
    await log.ensureTopics([topic]);
    await log.append([record(0), record(0)]);
    await expect(log.append([record(0), record(0)])).rejects.toMatchObject({
      code: "log_full",
      retryable: true,
    });
    await log.retain(2000);
    expect((await log.append([record(2000)])).map((each) => each.offset)).toEqual([2]);
  });
});
