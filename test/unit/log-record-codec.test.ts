import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeAppendMs,
  decodeRecord,
  encodedRecordBytes,
  encodeRecordInto,
  isValueApart,
} from "../../services/log/record-codec.ts";

const place = { topic: "events", partition: 3 };
const position = { ...place, offset: 7 };

function encode(record: Parameters<typeof encodedRecordBytes>[0], appendMs: number): Buffer {
  const bytes = Buffer.alloc(encodedRecordBytes(record) + 4, 0xee);
  expect(encodeRecordInto(bytes, 2, { record, appendMs, isValueApart: false })).toBe(
    bytes.length - 2,
  );
  expect([bytes[1], bytes.at(-2)]).toEqual([0xee, 0xee]);
  return bytes.subarray(2, -2);
}

describe("a stored log record", () => {
  it("has the documented bytes, which later versions must still read", () => {
    const record = { ...place, key: "k", value: new Uint8Array([9]), headers: { a: "bc" } };
    expect(encode(record, 1_790_000_000_000).toString("hex")).toBe(
      "01010100010000000000c006450c7a426b01000200000061626309",
    );
  });

  it("may leave its value out, to be stored apart", () => {
    const record = { ...place, key: "k", value: new Uint8Array(100) };
    const bytes = Buffer.alloc(200);
    const end = encodeRecordInto(bytes, 0, { record, appendMs: 5, isValueApart: true });
    expect(end).toBe(17);
    expect(isValueApart(bytes)).toBe(true);
    expect(isValueApart(encode(record, 5))).toBe(false);
    expect(decodeRecord(bytes.subarray(0, end), position)).toMatchObject({ key: "k", appendMs: 5 });
  });

  it("gives back what was encoded", () => {
    const oddHeaders = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const anyRecord = fc.record({
      key: fc.option(fc.string({ unit: "grapheme" }), { nil: undefined }),
      value: fc.uint8Array(),
      headers: fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), {
        noNullPrototype: true,
      }),
      appendMs: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
    });
    fc.assert(
      fc.property(anyRecord, ({ key, value, headers, appendMs }) => {
        const record = { ...place, value, headers, ...(key === undefined ? {} : { key }) };
        const bytes = encode(record, appendMs);
        const read = decodeRecord(bytes, position);
        expect({ ...read, value: new Uint8Array(read.value) }).toEqual({
          ...position,
          appendMs,
          key,
          value,
          headers,
        });
        expect(decodeAppendMs(bytes)).toBe(appendMs);
      }),
      {
        examples: [[{ key: undefined, value: new Uint8Array(), headers: oddHeaders, appendMs: 0 }]],
      },
    );
  });

  it.each([
    ["shorter than its header", (bytes: Buffer) => bytes.subarray(0, 15), "only 15 bytes long"],
    ["of another version", (bytes: Buffer) => bytes.fill(2, 0, 1), "of format version 2"],
    ["with unknown flags", (bytes: Buffer) => bytes.fill(0x80, 1, 2), "with unknown flags 128"],
    ["cut in its key", (bytes: Buffer) => bytes.subarray(0, 17), "shorter than its key"],
    ["cut in a header", (bytes: Buffer) => bytes.subarray(0, 24), "shorter than its headers"],
    ["cut in a text", (bytes: Buffer) => bytes.subarray(0, 27), "shorter than its headers"],
  ])("is refused when %s, by its position", (_, damage, what) => {
    const record = { ...place, key: "key", value: new Uint8Array(0), headers: { ab: "cd" } };
    const bytes = damage(encode(record, 1));
    expect(() => decodeRecord(bytes, position)).toThrow(`record events/3 at offset 7 is ${what}`);
  });

  it("is refused when a header name is longer than fits", () => {
    const headers = { ["n".repeat(65_536)]: "" };
    expect(() => encodedRecordBytes({ ...place, value: new Uint8Array(0), headers })).toThrow(
      "header name for events/3 must be ≤ 65535 bytes, got 65536",
    );
  });
});
