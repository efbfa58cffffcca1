import { setImmediate as nextTurn, setTimeout as reallyWait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ForeshockError } from "../../services/contracts/errors.ts";
import type { AppendRecord, Log, LogRecord, TopicSpec } from "../../services/log/log.ts";

/** A log opened for one test. */
export interface LogUnderTest {
  readonly log: Log;
  /** Closes the log and opens it again on the same data. */
  reopen(): Promise<Log>;
  /** Lets so much of the log's time go by: a driver with its own clock turns it, another really waits. */
  passTime(ms: number): Promise<void>;
  /** Retention of the topics that are to run out; shorter where time really passes. Default 10 s. */
  readonly retentionMs?: number;
  dispose(): Promise<void>;
}

const hourMs = 3_600_000;
const events: TopicSpec = { name: "events", partitions: 3, cleanup: "delete", retentionMs: hourMs };
const states: TopicSpec = {
  name: "states",
  partitions: 2,
  cleanup: "compact",
  retentionMs: hourMs,
};

const text = (record: LogRecord) => Buffer.from(record.value).toString();
const event = (value: string, partition = 0): AppendRecord => ({
  topic: "events",
  partition,
  value: Buffer.from(value),
});
const keyed = (key: string, value: string): AppendRecord => ({
  topic: "states",
  partition: 0,
  key,
  value: Buffer.from(value),
});
const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "no error";
  } catch (error) {
    return error instanceof ForeshockError ? error.code : String(error);
  }
};

/** What every driver of the log port must do. */
export function describeLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name} log`, () => {
    let under: LogUnderTest;
    let log: Log;
    beforeEach(async () => {
      under = await open();
      log = under.log;
      await log.ensureTopics([events, states]);
    });
    afterEach(() => under.dispose());

    const readAll = async (topic: string, partition = 0, fromOffset = 0) => {
      const { end } = await log.offsets(topic, partition);
      const records: LogRecord[] = [];
      for (let next = fromOffset; next < end; ) {
        const read = await log.read({ topic, partition, fromOffset: next });
        records.push(...read);
        next = (read.at(-1)?.offset ?? end) + 1;
      }
      return records;
    };
    /** Retention works in the background: lets time pass until the start is there, or gives up. */
    const startReaches = async (topic: string, wanted: number) => {
      for (let i = 0; i < 100; i++) {
        if ((await log.offsets(topic, 0)).start === wanted) break;
        await under.passTime((under.retentionMs ?? 10_000) / 10);
        await reallyWait(2);
      }
      return (await log.offsets(topic, 0)).start;
    };

    describe("topics", () => {
      it("lists what was created, and creates only what is missing", async () => {
        const more: TopicSpec = { ...events, name: "more", partitions: 1 };
        await log.ensureTopics([events, more]);
        expect(await log.topics()).toEqual([events, states, more]);
      });

      it("names each difference from what exists and creates nothing", async () => {
        const more: TopicSpec = { ...events, name: "more" };
        const call = log.ensureTopics([
          more,
          { ...events, partitions: 4 },
          { ...states, cleanup: "delete" },
        ]);
        await expect(call).rejects.toMatchObject({
          code: "topic_mismatch",
          message:
            "existing topics differ: partitions of events is 3, wanted 4; cleanup of states is compact, wanted delete",
        });
        expect(await log.topics()).toEqual([events, states]);
      });

      it("takes a changed retention", async () => {
        await log.ensureTopics([{ ...events, retentionMs: 1000 }]);
        expect((await log.topics())[0]).toEqual({ ...events, retentionMs: 1000 });
      });

      it("refuses topics and partitions that were not created", async () => {
        const nowhere = { ...event("x"), topic: "nowhere" };
        expect(await codeOf(log.append([nowhere]))).toBe("topic_unknown");
        expect(await codeOf(log.append([event("x", 3)]))).toBe("topic_unknown");
        expect(await codeOf(log.offsets("nowhere", 0))).toBe("topic_unknown");
      });
    });

    describe("appending and reading", () => {
      it("gives back key, value, headers and position of each record", async () => {
        const headers = { task: "aggregate-3", "x-é": "ü" };
        const value = new Uint8Array([0, 255, 10]);
        const record = { topic: "events", partition: 1, key: "k€", value, headers };
        const [appended] = await log.append([record]);
        const [read] = await log.read({ topic: "events", partition: 1, fromOffset: 0 });
        expect(read).toEqual({ ...record, value: expect.anything(), ...appended });
        expect([...(read?.value ?? [])]).toEqual([0, 255, 10]);
      });

      it("tells an empty key from none, and reads a record without headers or value", async () => {
        const value = new Uint8Array(0);
        await log.append([
          { topic: "events", partition: 0, value },
          { topic: "events", partition: 0, key: "", value },
        ]);
        const records = await readAll("events");
        expect(records.map(({ key, headers }) => ({ key, headers }))).toEqual([
          { key: undefined, headers: {} },
          { key: "", headers: {} },
        ]);
        expect(records.map((record) => record.value.length)).toEqual([0, 0]);
      });

      it("numbers each partition densely from 0 in the order given", async () => {
        const first = await log.append([event("a"), event("b", 1), event("c")]);
        const second = await log.append([event("d"), event("e", 1)]);
        expect([...first, ...second].map((each) => each.offset)).toEqual([0, 0, 1, 2, 1]);
        expect((await readAll("events")).map(text)).toEqual(["a", "c", "d"]);
        expect((await readAll("events", 1)).map(text)).toEqual(["b", "e"]);
        expect(await log.offsets("events", 0)).toEqual({ start: 0, end: 3 });
        expect(await log.offsets("events", 2)).toEqual({ start: 0, end: 0 });
      });

      it("accepts an append of nothing", async () => {
        expect(await log.append([])).toEqual([]);
      });

      it("keeps the records of concurrent appenders dense, each one's in its order", async () => {
        const appender = async (id: number) => {
          const offsets: number[] = [];
          for (let i = 0; i < 20; i++) {
            const appended = await log.append([
              event(`${id}:${2 * i}`),
              event(`${id}:${2 * i + 1}`),
            ]);
            offsets.push(...appended.map((each) => each.offset));
          }
          return offsets;
        };
        const offsets = await Promise.all([0, 1, 2, 3, 4].map(appender));
        const records = await readAll("events");
        expect(records.map((record) => record.offset)).toEqual([...Array(200).keys()]);
        for (const [id, own] of offsets.entries()) {
          const expected = [...Array(40).keys()].map((i) => `${id}:${i}`);
          expect(own.map((offset) => text(records[offset] ?? expectRecord()))).toEqual(expected);
        }
      });

      it("gives append times that never fall within a partition and are those of the records", async () => {
        const appended = [...(await log.append([event("a"), event("b")]))];
        await under.passTime(5);
        appended.push(...(await log.append([event("c")])));
        const times = appended.map((each) => each.appendMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times.every(Number.isInteger)).toBe(true);
        expect((await readAll("events")).map((record) => record.appendMs)).toEqual(times);
      });

      it("reads from any offset", async () => {
        await log.append(["a", "b", "c", "d"].map((value) => event(value)));
        expect((await readAll("events", 0, 2)).map(text)).toEqual(["c", "d"]);
        expect((await readAll("events", 0, 1)).map(text)).toEqual(["b", "c", "d"]);
      });

      it("reads at most about maxBytes, but at least one record", async () => {
        const big = "x".repeat(1000);
        await log.append([event(big), event(big), event(big), event(big)]);
        const request = { topic: "events", partition: 0, fromOffset: 0 };
        expect(await log.read({ ...request, maxBytes: 1 })).toHaveLength(1);
        const some = await log.read({ ...request, maxBytes: 2000 });
        expect(some.length).toBeGreaterThanOrEqual(1);
        expect(some.length).toBeLessThan(4);
      });

      it("keeps what it gave, whatever the appender does with its buffer", async () => {
        const value = Buffer.from("first");
        await log.append([{ topic: "events", partition: 0, value }]);
        value.fill(0);
        const [first] = await readAll("events");
        await log.append([event("second-record")]);
        await readAll("events");
        expect(text(first ?? expectRecord())).toBe("first");
      });

      it("carries values up to some megabytes", async () => {
        const value = Buffer.alloc(3_000_000, 7);
        await log.append([{ topic: "events", partition: 0, value }]);
        const [read] = await readAll("events");
        expect(Buffer.compare(read?.value ?? new Uint8Array(), value)).toBe(0);
      });

      it("throws data_lost for offsets outside the log", async () => {
        await log.append([event("a")]);
        const request = { topic: "events", partition: 0 };
        expect(await codeOf(log.read({ ...request, fromOffset: 2 }))).toBe("data_lost");
        expect(await codeOf(log.read({ ...request, fromOffset: -1 }))).toBe("data_lost");
      });

      it("refuses to append when cancelled before, and writes nothing", async () => {
        const cancelled = log.append([event("a")], AbortSignal.abort(new Error("stop")));
        await expect(cancelled).rejects.toThrow("stop");
        expect(await log.offsets("events", 0)).toEqual({ start: 0, end: 0 });
      });
    });

    describe("waiting reads", () => {
      const request = { topic: "events", partition: 0, fromOffset: 0, waitMs: 60_000 };

      it("returns at once, empty, when it may not wait", async () => {
        expect(await log.read({ ...request, waitMs: 0 })).toEqual([]);
      });

      it("is woken by an append to its partition", async () => {
        const reading = log.read(request);
        await log.append([event("other", 1)]);
        await log.append([event("a")]);
        expect((await reading).map(text)).toEqual(["a"]);
      });

      it("returns empty when nothing came in time", async () => {
        const reading = log.read({ ...request, waitMs: 20 });
        await nextTurn();
        await under.passTime(20);
        expect(await reading).toEqual([]);
      });

      it("ends with the signal's reason when cancelled", async () => {
        const stop = new AbortController();
        const reading = log.read(request, stop.signal);
        stop.abort(new Error("enough"));
        await expect(reading).rejects.toThrow("enough");
      });

      it("ends with log_closed when the log closes", async () => {
        const reading = codeOf(log.read(request));
        await nextTurn();
        await log[Symbol.asyncDispose]();
        expect(await reading).toBe("log_closed");
      });
    });

    describe("compacted topics", () => {
      it("keep the newest record of each key, at its own offset", async () => {
        await log.append([keyed("a", "1"), keyed("b", "1"), keyed("a", "2")]);
        await log.append([keyed("b", "2"), keyed("c", "1"), keyed("b", "3")]);
        const newest = await log.latestByKey("states", 0);
        expect(newest.map((record) => [record.offset, record.key, text(record)])).toEqual([
          [2, "a", "2"],
          [4, "c", "1"],
          [5, "b", "3"],
        ]);
        expect(await log.offsets("states", 0)).toEqual({ start: 0, end: 6 });
        expect(await log.latestByKey("states", 1)).toEqual([]);
      });

      it("leave out keys whose newest value is empty", async () => {
        await log.append([keyed("a", "1"), keyed("b", "1"), keyed("a", "")]);
        expect((await log.latestByKey("states", 0)).map((record) => record.key)).toEqual(["b"]);
        await log.append([keyed("a", "2")]);
        expect((await log.latestByKey("states", 0)).map(text)).toEqual(["1", "2"]);
      });

      it("read over what was replaced, up to the end, in offset order", async () => {
        for (let i = 0; i < 10; i++) await log.append([keyed(`k${i % 2}`, `${i}`)]);
        const records = await readAll("states");
        const offsets = records.map((record) => record.offset);
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
        expect(records.slice(-2).map(text)).toEqual(["8", "9"]);
      });

      it("refuse records without a key", async () => {
        const record = { topic: "states", partition: 0, value: Buffer.from("x") };
        expect(await codeOf(log.append([record]))).toBe("record_invalid");
      });

      it("go on compacting after a restart", async () => {
        await log.append([keyed("a", "1"), keyed("b", "1")]);
        log = await under.reopen();
        await log.append([keyed("a", "2")]);
        expect((await log.latestByKey("states", 0)).map(text)).toEqual(["1", "2"]);
      });
    });

    describe("groups", () => {
      const position = { topic: "events", partition: 0 };

      it("remember committed offsets and metadata, each group its own", async () => {
        expect(await log.committed("readers", "events", 0)).toBeUndefined();
        await log.append([event("a"), event("b"), event("c")]);
        await log.commit("readers", [{ ...position, offset: 2, metadata: "to=3;é" }]);
        await log.commit("others", [{ ...position, offset: 1, metadata: "" }]);
        expect(await log.committed("readers", "events", 0)).toEqual({
          offset: 2,
          metadata: "to=3;é",
        });
        expect(await log.committed("others", "events", 0)).toEqual({ offset: 1, metadata: "" });
        expect(await log.committed("readers", "events", 1)).toBeUndefined();
      });

      it("may commit backwards, to read again", async () => {
        await log.append([event("a"), event("b")]);
        await log.commit("readers", [{ ...position, offset: 2, metadata: "" }]);
        await log.commit("readers", [{ ...position, offset: 1, metadata: "again" }]);
        expect(await log.committed("readers", "events", 0)).toEqual({
          offset: 1,
          metadata: "again",
        });
      });

      it("lag by the records between the committed offset and the end", async () => {
        await log.append([event("a"), event("b"), event("c"), event("d", 1)]);
        await log.commit("readers", [{ ...position, offset: 1, metadata: "" }]);
        expect(await log.lag("readers", ["events"])).toEqual([
          { topic: "events", partition: 0, lagRecords: 2 },
          { topic: "events", partition: 1, lagRecords: 1 },
          { topic: "events", partition: 2, lagRecords: 0 },
        ]);
      });

      it("give a lone member every partition until it leaves", async () => {
        const stop = new AbortController();
        const seen: string[] = [];
        const revoked: string[] = [];
        let assigned = () => {};
        const all = new Promise<void>((resolve) => {
          assigned = resolve;
        });
        const joined = log.join(
          "readers",
          ["events", "states"],
          {
            async onAssigned({ topic, partition }, signal) {
              seen.push(`${topic}/${partition}`);
              signal.addEventListener("abort", () => revoked.push(`${topic}/${partition}`));
              if (seen.length === 5) assigned();
            },
          },
          stop.signal,
        );
        await all;
        const expected = ["events/0", "events/1", "events/2", "states/0", "states/1"];
        expect([...seen].sort()).toEqual(expected);
        expect(revoked).toEqual([]);
        stop.abort();
        await joined;
        expect([...revoked].sort()).toEqual(expected);
      });

      it("end their membership when a handler fails, with its error", async () => {
        const joined = log.join(
          "readers",
          ["events"],
          {
            async onAssigned({ partition }, signal) {
              if (partition === 1) throw new Error("broken handler");
              await new Promise<void>((resolve) =>
                signal.addEventListener("abort", () => resolve(), { once: true }),
              );
            },
          },
          new AbortController().signal,
        );
        await expect(joined).rejects.toThrow("broken handler");
      });

      it("end their membership when the log closes", async () => {
        let assigned = () => {};
        const started = new Promise<void>((resolve) => {
          assigned = resolve;
        });
        const handler = { onAssigned: async () => assigned() };
        const joined = log.join("readers", ["events"], handler, new AbortController().signal);
        await started;
        await log[Symbol.asyncDispose]();
        await joined;
      });
    });

    describe("retention", () => {
      let retentionMs = 0;
      const record = (value: string): AppendRecord => ({ ...event(value), topic: "short" });
      const registerReaders = async () => {
        const stop = new AbortController();
        let assigned = () => {};
        const started = new Promise<void>((resolve) => {
          assigned = resolve;
        });
        const handler = { onAssigned: async () => assigned() };
        const joined = log.join("readers", ["short"], handler, stop.signal);
        await started;
        stop.abort();
        await joined;
      };
      beforeEach(async () => {
        retentionMs = under.retentionMs ?? 10_000;
        await log.ensureTopics([{ name: "short", partitions: 1, cleanup: "delete", retentionMs }]);
      });

      it("removes records that are older than it, and keeps counting", async () => {
        await log.append([record("a"), record("b")]);
        await under.passTime(0.6 * retentionMs);
        await log.append([record("c")]);
        await under.passTime(0.5 * retentionMs);
        expect(await startReaches("short", 2)).toBe(2);
        expect((await readAll("short", 0, 2)).map(text)).toEqual(["c"]);
        const request = { topic: "short", partition: 0 };
        expect(await codeOf(log.read({ ...request, fromOffset: 1 }))).toBe("data_lost");
        expect(await startReaches("short", 3)).toBe(3);
        expect((await log.append([record("d")])).map((each) => each.offset)).toEqual([3]);
        log = await under.reopen();
        expect(await log.offsets("short", 0)).toEqual({ start: 3, end: 4 });
      });

      it("never passes what a registered group has committed, member or not", async () => {
        await registerReaders();
        await log.append([record("a"), record("b"), record("c")]);
        await log.commit("readers", [{ topic: "short", partition: 0, offset: 1, metadata: "" }]);
        await under.passTime(3 * retentionMs);
        expect(await startReaches("short", 1)).toBe(1);
        log = await under.reopen();
        await under.passTime(3 * retentionMs);
        await nextTurn();
        expect((await readAll("short", 0, 1)).map(text)).toEqual(["b", "c"]);
        await log.commit("readers", [{ topic: "short", partition: 0, offset: 3, metadata: "" }]);
        expect(await startReaches("short", 3)).toBe(3);
      });

      it("keeps everything for a registered group that never committed", async () => {
        await registerReaders();
        await log.append([record("a")]);
        await under.passTime(3 * retentionMs);
        await nextTurn();
        expect((await log.offsets("short", 0)).start).toBe(0);
      });

      it("is under pressure when a registered group is half the retention behind", async () => {
        await log.append([record("a"), record("b")]);
        await registerReaders();
        expect(await log.pressure()).toEqual({ state: "open" });
        await under.passTime(0.6 * retentionMs);
        expect(await log.pressure()).toMatchObject({ state: "refusing" });
        await log.commit("readers", [{ topic: "short", partition: 0, offset: 2, metadata: "" }]);
        expect(await log.pressure()).toEqual({ state: "open" });
      });

      it("is under no pressure from groups that are not registered", async () => {
        await log.append([record("a")]);
        await log.commit("visitors", [{ topic: "short", partition: 0, offset: 0, metadata: "" }]);
        await under.passTime(0.9 * retentionMs);
        expect(await log.pressure()).toEqual({ state: "open" });
      });
    });

    describe("closing", () => {
      it("keeps everything over a restart", async () => {
        const appended = await log.append([event("a"), event("b"), event("c", 2)]);
        await log.append([keyed("k", "v")]);
        await log.commit("readers", [{ topic: "events", partition: 0, offset: 1, metadata: "m" }]);
        log = await under.reopen();
        expect(await log.topics()).toEqual([events, states]);
        const records = await readAll("events");
        expect(records.map(text)).toEqual(["a", "b"]);
        expect(records.map(({ offset, appendMs }) => ({ offset, appendMs }))).toEqual(
          appended.slice(0, 2),
        );
        expect((await readAll("events", 2)).map(text)).toEqual(["c"]);
        expect((await log.latestByKey("states", 0)).map(text)).toEqual(["v"]);
        expect(await log.committed("readers", "events", 0)).toEqual({ offset: 1, metadata: "m" });
        expect((await log.append([event("d")])).map((each) => each.offset)).toEqual([2]);
      });

      it("finishes the appends under way", async () => {
        const appending = [log.append([event("a")]), log.append([event("b")])];
        await log[Symbol.asyncDispose]();
        expect((await Promise.all(appending)).flat().map((each) => each.offset)).toEqual([0, 1]);
        log = await under.reopen();
        expect((await readAll("events")).map(text)).toEqual(["a", "b"]);
      });

      it("may be asked for twice; calls after it end with log_closed", async () => {
        await Promise.all([log[Symbol.asyncDispose](), log[Symbol.asyncDispose]()]);
        await log[Symbol.asyncDispose]();
        expect(await codeOf(log.append([event("a")]))).toBe("log_closed");
        expect(await codeOf(log.read({ topic: "events", partition: 0, fromOffset: 0 }))).toBe(
          "log_closed",
        );
        expect(await codeOf(log.topics())).toBe("log_closed");
        expect(await codeOf(log.pressure())).toBe("log_closed");
      });
    });
  });
}

function expectRecord(): never {
  throw new Error("a record was expected here");
}
