import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { AppendRecord } from "../../services/log/log.ts";
import {
  codeOf,
  event,
  events,
  keyed,
  type LogTest,
  states,
  text,
} from "./log-contract-support.ts";

export function describeGroups(t: LogTest): void {
  describe("groups", () => {
    const position = { topic: "events", partition: 0 };

    it("remember committed offsets and metadata, each group its own", async () => {
      expect(await t.log.committed("readers", "events", 0)).toBeUndefined();
      await t.log.append([event("a"), event("b"), event("c")]);
      await t.log.commit("readers", [{ ...position, offset: 2, metadata: "to=3;é" }]);
      await t.log.commit("others", [{ ...position, offset: 1, metadata: "" }]);
      expect(await t.log.committed("readers", "events", 0)).toEqual({
        offset: 2,
        metadata: "to=3;é",
      });
      expect(await t.log.committed("others", "events", 0)).toEqual({ offset: 1, metadata: "" });
      expect(await t.log.committed("readers", "events", 1)).toBeUndefined();
    });

    it("may commit backwards, to read again", async () => {
      await t.log.append([event("a"), event("b")]);
      await t.log.commit("readers", [{ ...position, offset: 2, metadata: "" }]);
      await t.log.commit("readers", [{ ...position, offset: 1, metadata: "again" }]);
      expect(await t.log.committed("readers", "events", 0)).toEqual({
        offset: 1,
        metadata: "again",
      });
    });

    it("lag by the records between the committed offset and the end", async () => {
      await t.log.append([event("a"), event("b"), event("c"), event("d", 1)]);
      await t.log.commit("readers", [{ ...position, offset: 1, metadata: "" }]);
      expect(await t.log.lag("readers", ["events"])).toEqual([
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
      const joined = t.log.join(
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
      const joined = t.log.join(
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
      const joined = t.log.join("readers", ["events"], handler, new AbortController().signal);
      await started;
      await t.log[Symbol.asyncDispose]();
      await joined;
    });
  });
}

export function describeRetention(t: LogTest): void {
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
      const joined = t.log.join("readers", ["short"], handler, stop.signal);
      await started;
      stop.abort();
      await joined;
    };
    beforeEach(async () => {
      retentionMs = t.under.retentionMs ?? 10_000;
      await t.log.ensureTopics([{ name: "short", partitions: 1, cleanup: "delete", retentionMs }]);
    });

    it("removes records that are older than it, and keeps counting", async () => {
      await t.log.append([record("a"), record("b")]);
      await t.under.passTime(0.6 * retentionMs);
      await t.log.append([record("c")]);
      await t.under.passTime(0.5 * retentionMs);
      expect(await t.startReaches("short", 2)).toBe(2);
      expect((await t.readAll("short", 0, 2)).map(text)).toEqual(["c"]);
      const request = { topic: "short", partition: 0 };
      expect(await codeOf(t.log.read({ ...request, fromOffset: 1 }))).toBe("data_lost");
      expect(await t.startReaches("short", 3)).toBe(3);
      expect((await t.log.append([record("d")])).map((each) => each.offset)).toEqual([3]);
      t.log = await t.under.reopen();
      expect(await t.log.offsets("short", 0)).toEqual({ start: 3, end: 4 });
    });

    it("never passes what a registered group has committed, member or not", async () => {
      await registerReaders();
      await t.log.append([record("a"), record("b"), record("c")]);
      await t.log.commit("readers", [{ topic: "short", partition: 0, offset: 1, metadata: "" }]);
      await t.under.passTime(3 * retentionMs);
      expect(await t.startReaches("short", 1)).toBe(1);
      t.log = await t.under.reopen();
      await t.under.passTime(3 * retentionMs);
      await nextTurn();
      expect((await t.readAll("short", 0, 1)).map(text)).toEqual(["b", "c"]);
      await t.log.commit("readers", [{ topic: "short", partition: 0, offset: 3, metadata: "" }]);
      expect(await t.startReaches("short", 3)).toBe(3);
    });

    it("keeps everything for a registered group that never committed", async () => {
      await registerReaders();
      await t.log.append([record("a")]);
      await t.under.passTime(3 * retentionMs);
      await nextTurn();
      expect((await t.log.offsets("short", 0)).start).toBe(0);
    });

    it("is under pressure when a registered group is half the retention behind", async () => {
      await t.log.append([record("a"), record("b")]);
      await registerReaders();
      expect(await t.log.pressure()).toEqual({ state: "open" });
      await t.under.passTime(0.6 * retentionMs);
      expect(await t.log.pressure()).toMatchObject({ state: "refusing" });
      await t.log.commit("readers", [{ topic: "short", partition: 0, offset: 2, metadata: "" }]);
      expect(await t.log.pressure()).toEqual({ state: "open" });
    });

    it("is under no pressure from groups that are not registered", async () => {
      await t.log.append([record("a")]);
      await t.log.commit("visitors", [{ topic: "short", partition: 0, offset: 0, metadata: "" }]);
      await t.under.passTime(0.9 * retentionMs);
      expect(await t.log.pressure()).toEqual({ state: "open" });
    });
  });
}

export function describeClosing(t: LogTest): void {
  describe("closing", () => {
    it("keeps everything over a restart", async () => {
      const appended = await t.log.append([event("a"), event("b"), event("c", 2)]);
      await t.log.append([keyed("k", "v")]);
      await t.log.commit("readers", [{ topic: "events", partition: 0, offset: 1, metadata: "m" }]);
      t.log = await t.under.reopen();
      expect(await t.log.topics()).toEqual([events, states]);
      const records = await t.readAll("events");
      expect(records.map(text)).toEqual(["a", "b"]);
      expect(records.map(({ offset, appendMs }) => ({ offset, appendMs }))).toEqual(
        appended.slice(0, 2),
      );
      expect((await t.readAll("events", 2)).map(text)).toEqual(["c"]);
      expect((await t.log.latestByKey("states", 0)).map(text)).toEqual(["v"]);
      expect(await t.log.committed("readers", "events", 0)).toEqual({ offset: 1, metadata: "m" });
      expect((await t.log.append([event("d")])).map((each) => each.offset)).toEqual([2]);
    });

    it("finishes the appends under way", async () => {
      const appending = [t.log.append([event("a")]), t.log.append([event("b")])];
      await t.log[Symbol.asyncDispose]();
      expect((await Promise.all(appending)).flat().map((each) => each.offset)).toEqual([0, 1]);
      t.log = await t.under.reopen();
      expect((await t.readAll("events")).map(text)).toEqual(["a", "b"]);
    });

    it("may be asked for twice; calls after it end with log_closed", async () => {
      await Promise.all([t.log[Symbol.asyncDispose](), t.log[Symbol.asyncDispose]()]);
      await t.log[Symbol.asyncDispose]();
      expect(await codeOf(t.log.append([event("a")]))).toBe("log_closed");
      expect(await codeOf(t.log.read({ topic: "events", partition: 0, fromOffset: 0 }))).toBe(
        "log_closed",
      );
      expect(await codeOf(t.log.topics())).toBe("log_closed");
      expect(await codeOf(t.log.pressure())).toBe("log_closed");
    });
  });
}
