import { describe, expect, it } from "vitest";
import { decodeBatches } from "../../services/log/kafka-fetch.ts";
import { decompressLz4Frame } from "../../services/log/kafka-lz4.ts";

const appendTime = 0x08;
const control = 0x20;
const appendMs = 1_800_000_000_000;

/** A batch as it lies in a partition; a record is an offset delta with a value. */
function aBatch(options: {
  readonly baseOffset: number;
  readonly lastDelta: number;
  readonly records: readonly (readonly [delta: number, value: string])[];
  readonly attributes?: number;
}): Buffer {
  const records = options.records.map(([delta, value]) => {
    // attributes, timestamp delta, offset delta, no key, value, no headers; small zigzag varints throughout
    const body = [0, 0, 2 * delta, 1, 2 * value.length, ...Buffer.from(value), 0];
    return Buffer.from([2 * body.length, ...body]);
  });
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(BigInt(options.baseOffset), 0);
  header[16] = 2;
  header.writeInt16BE(options.attributes ?? appendTime, 21);
  header.writeInt32BE(options.lastDelta, 23);
  header.writeBigInt64BE(BigInt(appendMs - 5), 27);
  header.writeBigInt64BE(BigInt(appendMs), 35);
  header.writeInt32BE(options.records.length, 57);
  const batch = Buffer.concat([header, ...records]);
  batch.writeInt32BE(batch.length - 12, 8);
  return batch;
}

const decode = (batches: readonly Buffer[], fromOffset = 0) => {
  const found = decodeBatches(Buffer.concat(batches), { topic: "t", partition: 0, fromOffset });
  const records = found.records.map(({ offset, value }) => `${offset}:${Buffer.from(value)}`);
  return { records, nextOffset: found.nextOffset };
};

describe("reading record batches", () => {
  const three = aBatch({
    baseOffset: 10,
    lastDelta: 2,
    records: [
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ],
  });

  it("begins within a batch", () => {
    expect(decode([three], 11)).toEqual({ records: ["11:b", "12:c"], nextOffset: 13 });
  });

  it("goes behind the holes that compaction leaves, at a batch's end and in its place", () => {
    const thinned = aBatch({ baseOffset: 13, lastDelta: 6, records: [[1, "d"]] });
    const emptied = aBatch({ baseOffset: 20, lastDelta: 9, records: [] });
    expect(decode([thinned, emptied], 13)).toEqual({ records: ["14:d"], nextOffset: 30 });
  });

  it("leaves out what marks the end of a transaction", () => {
    const marker = aBatch({
      baseOffset: 13,
      lastDelta: 0,
      records: [[0, "x"]],
      attributes: control,
    });
    expect(decode([three, marker], 12)).toEqual({ records: ["12:c"], nextOffset: 14 });
  });

  it("leaves a batch that was cut off for the next fetch", () => {
    const cut = aBatch({ baseOffset: 13, lastDelta: 0, records: [[0, "d"]] }).subarray(0, 65);
    expect(decode([three, cut], 10).nextOffset).toBe(13);
  });

  it("gives the brokers' time where the topic says so, else the sender's", () => {
    const timeOf = (attributes: number) =>
      decodeBatches(aBatch({ baseOffset: 0, lastDelta: 0, records: [[0, "a"]], attributes }), {
        topic: "t",
        partition: 0,
        fromOffset: 0,
      }).records[0]?.appendMs;
    expect(timeOf(appendTime)).toBe(appendMs);
    expect(timeOf(0)).toBe(appendMs - 5);
  });

  it("says where a batch does not read back", () => {
    const broken = aBatch({ baseOffset: 7, lastDelta: 0, records: [[0, "a"]] });
    broken[61] = 0x80;
    broken.fill(0xff, 62);
    expect(() => decode([broken])).toThrow(/^batch of t\/0 at offset 7 does not read back/);
  });
});

describe("lz4 frames", () => {
  // Magic, flags for independent blocks, 64 KiB blocks, header checksum; then blocks of raw or compressed bytes.
  const head = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
  const size = (bytes: number, isRaw: boolean) => [bytes, 0, 0, isRaw ? 0x80 : 0];
  const frame = (...blocks: readonly (readonly number[])[]) =>
    Buffer.from([...head, ...blocks.flat(), 0, 0, 0, 0]);
  /** Literal "ab", then 18 bytes from two back: a match longer than a token holds; then literal "!". */
  const repeated = [0x2e, 0x61, 0x62, 2, 0, 0x10, 0x21];

  it("copies literals and matches that overlap themselves", () => {
    const content = decompressLz4Frame(frame([...size(7, false), ...repeated]), 1_000);
    expect(content.toString()).toBe(`${"ab".repeat(10)}!`);
  });

  it("takes blocks as they are where they did not shrink", () => {
    const raw = [...size(2, true), 0x68, 0x69];
    expect(decompressLz4Frame(frame(raw, raw), 1_000).toString()).toBe("hihi");
  });

  it.each([
    ["no frame", Buffer.from("not a frame"), 1_000],
    ["ends within a block", frame([...size(7, false), ...repeated]).subarray(0, 14), 1_000],
    ["more than 10 bytes", frame([...size(7, false), ...repeated]), 10],
    ["a match before the start", frame([...size(4, false), 0x10, 0x61, 5, 0]), 1_000],
  ])("refuses what does not read: %s", (what, bytes, maxBytes) => {
    expect(() => decompressLz4Frame(bytes, maxBytes)).toThrow(
      `an lz4 batch does not decompress: ${what}`,
    );
  });
});
