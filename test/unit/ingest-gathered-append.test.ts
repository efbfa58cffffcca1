import { describe, expect, it } from "vitest";
import { topics } from "../../services/contracts/topics.ts";
import { createGatheredAppend } from "../../services/ingest/gathered-append.ts";
import type { Appended, AppendRecord } from "../../services/log/log.ts";
import { aSpan, spanId, spansOf, traceRequest } from "../support/otlp-builders.ts";

/** A log whose appends end when the test says so. */
function heldLog() {
  const appends: {
    readonly records: readonly AppendRecord[];
    end(error?: Error): Promise<void>;
  }[] = [];
  const append = (records: readonly AppendRecord[]) =>
    new Promise<readonly Appended[]>((resolve, reject) => {
      const end = async (error?: Error) => {
        if (error === undefined) resolve([]);
        else reject(error);
        await new Promise(setImmediate);
      };
      appends.push({ records, end });
    });
  return { appends, append };
}

const span = (number: number) => traceRequest(aSpan({ spanId: spanId(number) }));
const piece = (partition: number, value: Uint8Array) => ({
  topic: topics.traces,
  partition,
  value,
});
const idsOf = (value: Uint8Array | undefined) =>
  spansOf(value ?? new Uint8Array()).map((each) => Buffer.from(each.spanId ?? []).readUInt32BE(0));

/** Requests with a piece for each of two partitions, given in one after the other. */
function sendPairs(append: ReturnType<typeof createGatheredAppend>, count: number) {
  const outcomes: string[] = new Array(count).fill("waits");
  for (let i = 0; i < count; i++)
    append([piece(0, span(10 + i)), piece(1, span(20 + i))]).then(
      () => {
        outcomes[i] = "durable";
      },
      (error: Error) => {
        outcomes[i] = error.message;
      },
    );
  return outcomes;
}

describe("appends of requests", () => {
  it("go as they came while nothing is under way", () => {
    const log = heldLog();
    const request = [piece(0, span(1)), piece(1, span(2))];
    void createGatheredAppend(log)(request);
    expect(log.appends.map(({ records }) => records)).toEqual([request]);
    expect(log.appends[0]?.records[0]?.value).toBe(request[0]?.value);
  });

  it("go together while two are under way: a record a partition, which holds all spans in order", async () => {
    const log = heldLog();
    sendPairs(createGatheredAppend(log), 5);
    expect(log.appends).toHaveLength(2);
    await log.appends[0]?.end();
    expect(log.appends).toHaveLength(3);
    const gathered = log.appends[2]?.records ?? [];
    expect(gathered.map(({ partition, value }) => [partition, idsOf(value)])).toEqual([
      [0, [12, 13, 14]],
      [1, [22, 23, 24]],
    ]);
  });

  it("are acknowledged each when its own pieces are durable, and not before", async () => {
    const log = heldLog();
    const outcomes = sendPairs(createGatheredAppend(log), 4);
    await log.appends[1]?.end();
    expect(outcomes).toEqual(["waits", "durable", "waits", "waits"]);
    await log.appends[2]?.end();
    expect(outcomes).toEqual(["waits", "durable", "durable", "durable"]);
  });

  it("fail together, and the next ones go on", async () => {
    const log = heldLog();
    const append = createGatheredAppend(log);
    const outcomes = sendPairs(append, 4);
    await log.appends[0]?.end();
    await log.appends[2]?.end(new Error("the log is full"));
    expect(outcomes).toEqual(["durable", "waits", "the log is full", "the log is full"]);
    const [next] = sendPairs(append, 1);
    expect(next).toBe("waits");
    expect(log.appends).toHaveLength(4);
  });

  it("of one partition alone do not wait for those of others", () => {
    const log = heldLog();
    const append = createGatheredAppend(log);
    sendPairs(append, 5);
    void append([piece(3, span(1))]);
    expect(log.appends).toHaveLength(3);
    expect(log.appends[2]?.records).toHaveLength(1);
  });

  it("keep long pieces apart, in the order of their partition, and the rest within the limit", async () => {
    const log = heldLog();
    const append = createGatheredAppend(log);
    const sizes = [1, 1, 50_000, 50_000, 100_000, 50_000, 60_000, 60_000, 60_000, 60_000];
    const values = sizes.map((size, i) => new Uint8Array(size).fill(i));
    for (const value of values) void append([piece(0, value)]);
    await log.appends[0]?.end();
    const gathered = log.appends[2]?.records.map(({ value }) => value) ?? [];
    expect(gathered.map(({ length }) => length)).toEqual([100_000, 100_000, 230_000, 60_000]);
    expect(gathered[1]).toBe(values[4]);
    expect(Buffer.concat(gathered).equals(Buffer.concat(values.slice(2)))).toBe(true);
  });

  it("of no records are done at once", async () => {
    const log = heldLog();
    await createGatheredAppend(log)([]);
    expect(log.appends).toEqual([]);
  });
});
