import { describe, expect, it } from "vitest";
import { type BatchRecord, type Compression, encodeBatch } from "../../services/log/kafka-batch.ts";
import { crc32c } from "../../services/log/kafka-crc.ts";
import { decodeBatches } from "../../services/log/kafka-fetch.ts";

const timeMs = 1_800_000_000_000;
const identity = { producerId: 2n ** 40n, producerEpoch: 3, firstSequence: 2 ** 31 - 1 };

const encode = (records: readonly BatchRecord[], compression: Compression = "none") =>
  encodeBatch(records, identity, { compression, timeMs });
const bytesOf = (records: readonly BatchRecord[], compression?: Compression) =>
  Buffer.concat(encode(records, compression).parts);

describe("writing record batches", () => {
  const large = Buffer.alloc(70_000, "large");
  const records: readonly BatchRecord[] = [
    { value: Buffer.from("plain") },
    { key: "schlüssel", value: large, headers: { kind: "größer", empty: "" } },
    { key: "", value: Buffer.alloc(0) },
    { key: "gone", value: null },
    { value: Buffer.alloc(16 * 1024, 7) },
    ...Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: Buffer.alloc(i, i) })),
  ];

  for (const compression of ["none", "gzip", "zstd"] as const)
    it(`reads back what it wrote with compression ${compression}`, () => {
      const batches = bytesOf(records, compression);
      const place = { topic: "t", partition: 1, fromOffset: 0 };
      const read = decodeBatches(batches, place);
      expect(read.nextOffset).toBe(records.length);
      expect(read.records).toEqual(
        records.map(({ key, value, headers = {} }, offset) => ({
          topic: "t",
          partition: 1,
          offset,
          appendMs: timeMs,
          key,
          value: Buffer.from(value ?? []),
          headers,
        })),
      );
    });

  it("writes sizes, producer and sequence where the format has them", () => {
    const batch = bytesOf(records);
    expect(encode(records).sizeBytes).toBe(batch.length);
    expect({
      length: batch.readInt32BE(8),
      format: batch[16],
      lastOffsetDelta: batch.readInt32BE(23),
      producerId: batch.readBigInt64BE(43),
      producerEpoch: batch.readInt16BE(51),
      firstSequence: batch.readInt32BE(53),
      count: batch.readInt32BE(57),
    }).toEqual({
      length: batch.length - 12,
      format: 2,
      lastOffsetDelta: records.length - 1,
      ...identity,
      count: records.length,
    });
  });

  it("compresses what is large enough to be worth it", () => {
    const codecOf = (bytes: number) =>
      bytesOf([{ value: Buffer.alloc(bytes) }], "zstd").readInt16BE(21) & 7;
    expect([codecOf(511), codecOf(512)]).toEqual([0, 4]);
  });

  it("takes large values as they are, without a copy", () => {
    expect(encode(records).parts).toContain(large);
  });

  it("checks all that is behind the checksum, over every part of the batch", () => {
    const batch = bytesOf(records);
    expect(batch.readUInt32BE(17)).toBe(bitwiseCrc32c(batch.subarray(21)));
  });
});

describe("CRC-32C", () => {
  it("is the one of the RFC's examples", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
  });

  it("is the same wherever bytes begin, end and are parted", () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 11) & 255);
    for (let from = 0; from < 12; from++)
      for (let to = from; to <= bytes.length; to++) {
        const expected = bitwiseCrc32c(bytes.subarray(from, to));
        expect(crc32c(bytes.subarray(from, to))).toBe(expected);
        const middle = (from + to) >> 1;
        expect(crc32c(bytes.subarray(middle, to), crc32c(bytes.subarray(from, middle)))).toBe(
          expected,
        );
      }
  });
});

/** By its definition: the remainder of a division by the polynomial, a bit at a time. */
function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0x82f63b78);
  }
  return ~crc >>> 0;
}
