import { setTimeout as reallyWait } from "node:timers/promises";
import { afterEach, beforeEach } from "vitest";
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
export const events: TopicSpec = {
  name: "events",
  partitions: 3,
  cleanup: "delete",
  retentionMs: hourMs,
};
export const states: TopicSpec = {
  name: "states",
  partitions: 2,
  cleanup: "compact",
  retentionMs: hourMs,
};

export const text = (record: LogRecord) => Buffer.from(record.value).toString();
export const event = (value: string, partition = 0): AppendRecord => ({
  topic: "events",
  partition,
  value: Buffer.from(value),
});
export const keyed = (key: string, value: string): AppendRecord => ({
  topic: "states",
  partition: 0,
  key,
  value: Buffer.from(value),
});
export const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "no error";
  } catch (error) {
    return error instanceof ForeshockError ? error.code : String(error);
  }
};

/** The log of the test that runs, and what tests ask of it again and again. */
export interface LogTest {
  under: LogUnderTest;
  log: Log;
  readAll(topic: string, partition?: number, fromOffset?: number): Promise<LogRecord[]>;
  /** Retention works in the background: lets time pass until the start is there, or gives up. */
  startReaches(topic: string, wanted: number): Promise<number>;
}

/** Opens a log with the topics `events` and `states` before each test. */
export function createLogTest(open: () => Promise<LogUnderTest>): LogTest {
  const t = { readAll, startReaches } as LogTest;
  beforeEach(async () => {
    t.under = await open();
    t.log = t.under.log;
    await t.log.ensureTopics([events, states]);
  });
  afterEach(() => t.under.dispose());

  async function readAll(topic: string, partition = 0, fromOffset = 0): Promise<LogRecord[]> {
    const { end } = await t.log.offsets(topic, partition);
    const records: LogRecord[] = [];
    for (let next = fromOffset; next < end; ) {
      const read = await t.log.read({ topic, partition, fromOffset: next });
      records.push(...read);
      next = (read.at(-1)?.offset ?? end) + 1;
    }
    return records;
  }

  async function startReaches(topic: string, wanted: number): Promise<number> {
    for (let i = 0; i < 100; i++) {
      if ((await t.log.offsets(topic, 0)).start === wanted) break;
      await t.under.passTime((t.under.retentionMs ?? 10_000) / 10);
      await reallyWait(2);
    }
    return (await t.log.offsets(topic, 0)).start;
  }
  return t;
}

export function expectRecord(): never {
  throw new Error("a record was expected here");
}
