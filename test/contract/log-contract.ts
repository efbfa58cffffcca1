import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { TopicSpec } from "../../services/log/log.ts";
import { describeClosing, describeGroups, describeRetention } from "./log-contract-groups.ts";
import {
  codeOf,
  createLogTest,
  event,
  events,
  expectRecord,
  keyed,
  type LogUnderTest,
  states,
  text,
} from "./log-contract-support.ts";

export type { LogUnderTest } from "./log-contract-support.ts";

/** What every driver of the log port must do. */
export function describeLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name} log`, () => {
    const t = createLogTest(open);

    describe("topics", () => {
      it("lists what was created, and creates only what is missing", async () => {
        const more: TopicSpec = { ...events, name: "more", partitions: 1 };
        await t.log.ensureTopics([events, more]);
        expect(await t.log.topics()).toEqual([events, states, more]);
      });

      it("names each difference from what exists and creates nothing", async () => {
        const more: TopicSpec = { ...events, name: "more" };
        const call = t.log.ensureTopics([
          more,
          { ...events, partitions: 4 },
          { ...states, cleanup: "delete" },
        ]);
        await expect(call).rejects.toMatchObject({
          code: "topic_mismatch",
          message:
            "existing topics differ: partitions of events is 3, wanted 4; cleanup of states is compact, wanted delete",
        });
        expect(await t.log.topics()).toEqual([events, states]);
      });

      it("takes a changed retention", async () => {
        await t.log.ensureTopics([{ ...events, retentionMs: 1000 }]);
        expect((await t.log.topics())[0]).toEqual({ ...events, retentionMs: 1000 });
      });

      it("refuses topics and partitions that were not created", async () => {
        const nowhere = { ...event("x"), topic: "nowhere" };
        expect(await codeOf(t.log.append([nowhere]))).toBe("topic_unknown");
        expect(await codeOf(t.log.append([event("x", 3)]))).toBe("topic_unknown");
        expect(await codeOf(t.log.offsets("nowhere", 0))).toBe("topic_unknown");
      });
    });

    describe("appending and reading", () => {
      it("gives back key, value, headers and position of each record", async () => {
        const headers = { task: "aggregate-3", "x-é": "ü" };
        const value = new Uint8Array([0, 255, 10]);
        const record = { topic: "events", partition: 1, key: "k€", value, headers };
        const [appended] = await t.log.append([record]);
        const [read] = await t.log.read({ topic: "events", partition: 1, fromOffset: 0 });
        expect(read).toEqual({ ...record, value: expect.anything(), ...appended });
        expect([...(read?.value ?? [])]).toEqual([0, 255, 10]);
      });

      it("tells an empty key from none, and reads a record without headers or value", async () => {
        const value = new Uint8Array(0);
        await t.log.append([
          { topic: "events", partition: 0, value },
          { topic: "events", partition: 0, key: "", value },
        ]);
        const records = await t.readAll("events");
        expect(records.map(({ key, headers }) => ({ key, headers }))).toEqual([
          { key: undefined, headers: {} },
          { key: "", headers: {} },
        ]);
        expect(records.map((record) => record.value.length)).toEqual([0, 0]);
      });

      it("numbers each partition densely from 0 in the order given", async () => {
        const first = await t.log.append([event("a"), event("b", 1), event("c")]);
        const second = await t.log.append([event("d"), event("e", 1)]);
        expect([...first, ...second].map((each) => each.offset)).toEqual([0, 0, 1, 2, 1]);
        expect((await t.readAll("events")).map(text)).toEqual(["a", "c", "d"]);
        expect((await t.readAll("events", 1)).map(text)).toEqual(["b", "e"]);
        expect(await t.log.offsets("events", 0)).toEqual({ start: 0, end: 3 });
        expect(await t.log.offsets("events", 2)).toEqual({ start: 0, end: 0 });
      });

      it("accepts an append of nothing", async () => {
        expect(await t.log.append([])).toEqual([]);
      });

      it("keeps the records of concurrent appenders dense, each one's in its order", async () => {
        const appender = async (id: number) => {
          const offsets: number[] = [];
          for (let i = 0; i < 20; i++) {
            const appended = await t.log.append([
              event(`${id}:${2 * i}`),
              event(`${id}:${2 * i + 1}`),
            ]);
            offsets.push(...appended.map((each) => each.offset));
          }
          return offsets;
        };
        const offsets = await Promise.all([0, 1, 2, 3, 4].map(appender));
        const records = await t.readAll("events");
        expect(records.map((record) => record.offset)).toEqual([...Array(200).keys()]);
        for (const [id, own] of offsets.entries()) {
          const expected = [...Array(40).keys()].map((i) => `${id}:${i}`);
          expect(own.map((offset) => text(records[offset] ?? expectRecord()))).toEqual(expected);
        }
      });

      it("gives append times that never fall within a partition and are those of the records", async () => {
        const appended = [...(await t.log.append([event("a"), event("b")]))];
        await t.under.passTime(5);
        appended.push(...(await t.log.append([event("c")])));
        const times = appended.map((each) => each.appendMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times.every(Number.isInteger)).toBe(true);
        expect((await t.readAll("events")).map((record) => record.appendMs)).toEqual(times);
      });

      it("reads from any offset", async () => {
        await t.log.append(["a", "b", "c", "d"].map((value) => event(value)));
        expect((await t.readAll("events", 0, 2)).map(text)).toEqual(["c", "d"]);
        expect((await t.readAll("events", 0, 1)).map(text)).toEqual(["b", "c", "d"]);
      });

      it("reads at most about maxBytes, but at least one record", async () => {
        const big = "x".repeat(1000);
        await t.log.append([event(big), event(big), event(big), event(big)]);
        const request = { topic: "events", partition: 0, fromOffset: 0 };
        expect(await t.log.read({ ...request, maxBytes: 1 })).toHaveLength(1);
        const some = await t.log.read({ ...request, maxBytes: 2000 });
        expect(some.length).toBeGreaterThanOrEqual(1);
        expect(some.length).toBeLessThan(4);
      });

      it("keeps what it gave, whatever the appender does with its buffer", async () => {
        const value = Buffer.from("first");
        await t.log.append([{ topic: "events", partition: 0, value }]);
        value.fill(0);
        const [first] = await t.readAll("events");
        await t.log.append([event("second-record")]);
        await t.readAll("events");
        expect(text(first ?? expectRecord())).toBe("first");
      });

      it("carries values up to some megabytes", async () => {
        const value = Buffer.alloc(3_000_000, 7);
        await t.log.append([{ topic: "events", partition: 0, value }]);
        const [read] = await t.readAll("events");
        expect(Buffer.compare(read?.value ?? new Uint8Array(), value)).toBe(0);
      });

      it("throws data_lost for offsets outside the log", async () => {
        await t.log.append([event("a")]);
        const request = { topic: "events", partition: 0 };
        expect(await codeOf(t.log.read({ ...request, fromOffset: 2 }))).toBe("data_lost");
        expect(await codeOf(t.log.read({ ...request, fromOffset: -1 }))).toBe("data_lost");
      });

      it("refuses to append when cancelled before, and writes nothing", async () => {
        const cancelled = t.log.append([event("a")], AbortSignal.abort(new Error("stop")));
        await expect(cancelled).rejects.toThrow("stop");
        expect(await t.log.offsets("events", 0)).toEqual({ start: 0, end: 0 });
      });
    });

    describe("waiting reads", () => {
      const request = { topic: "events", partition: 0, fromOffset: 0, waitMs: 60_000 };

      it("returns at once, empty, when it may not wait", async () => {
        expect(await t.log.read({ ...request, waitMs: 0 })).toEqual([]);
      });

      it("is woken by an append to its partition", async () => {
        const reading = t.log.read(request);
        await t.log.append([event("other", 1)]);
        await t.log.append([event("a")]);
        expect((await reading).map(text)).toEqual(["a"]);
      });

      it("returns empty when nothing came in time", async () => {
        const reading = t.log.read({ ...request, waitMs: 20 });
        await nextTurn();
        await t.under.passTime(20);
        expect(await reading).toEqual([]);
      });

      it("ends with the signal's reason when cancelled", async () => {
        const stop = new AbortController();
        const reading = t.log.read(request, stop.signal);
        stop.abort(new Error("enough"));
        await expect(reading).rejects.toThrow("enough");
      });

      it("ends with log_closed when the log closes", async () => {
        const reading = codeOf(t.log.read(request));
        await nextTurn();
        await t.log[Symbol.asyncDispose]();
        expect(await reading).toBe("log_closed");
      });
    });

    describe("compacted topics", () => {
      it("keep the newest record of each key, at its own offset", async () => {
        await t.log.append([keyed("a", "1"), keyed("b", "1"), keyed("a", "2")]);
        await t.log.append([keyed("b", "2"), keyed("c", "1"), keyed("b", "3")]);
        const newest = await t.log.latestByKey("states", 0);
        expect(newest.map((record) => [record.offset, record.key, text(record)])).toEqual([
          [2, "a", "2"],
          [4, "c", "1"],
          [5, "b", "3"],
        ]);
        expect(await t.log.offsets("states", 0)).toEqual({ start: 0, end: 6 });
        expect(await t.log.latestByKey("states", 1)).toEqual([]);
      });

      it("leave out keys whose newest value is empty", async () => {
        await t.log.append([keyed("a", "1"), keyed("b", "1"), keyed("a", "")]);
        expect((await t.log.latestByKey("states", 0)).map((record) => record.key)).toEqual(["b"]);
        await t.log.append([keyed("a", "2")]);
        expect((await t.log.latestByKey("states", 0)).map(text)).toEqual(["1", "2"]);
      });

      it("read over what was replaced, up to the end, in offset order", async () => {
        for (let i = 0; i < 10; i++) await t.log.append([keyed(`k${i % 2}`, `${i}`)]);
        const records = await t.readAll("states");
        const offsets = records.map((record) => record.offset);
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
        expect(records.slice(-2).map(text)).toEqual(["8", "9"]);
      });

      it("refuse records without a key", async () => {
        const record = { topic: "states", partition: 0, value: Buffer.from("x") };
        expect(await codeOf(t.log.append([record]))).toBe("record_invalid");
      });

      it("go on compacting after a restart", async () => {
        await t.log.append([keyed("a", "1"), keyed("b", "1")]);
        t.log = await t.under.reopen();
        await t.log.append([keyed("a", "2")]);
        expect((await t.log.latestByKey("states", 0)).map(text)).toEqual(["1", "2"]);
      });
    });

    describeGroups(t);
    describeRetention(t);
    describeClosing(t);
  });
}
