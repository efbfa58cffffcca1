import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashKey, partitionFor } from "../../services/log/partitioner.ts";

describe("the partitioner", () => {
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["", 275646681],
  ])("hashes %j as Kafka's clients do", (key, signed) => {
    expect(hashKey(key) | 0).toBe(signed);
  });

  it.each([
    ["", 4, 1],
    ["openai/gpt-4o/eu-west-1/chat", 4, 2],
    ["openai/gpt-4o/eu-west-1/chat", 16, 14],
    ["anthropic/claude/us-east-1/chat", 16, 5],
    ["größe €", 16, 4],
  ])("puts %j of %i partitions where it always was", (key, partitions, expected) => {
    expect(partitionFor(key, partitions)).toBe(expected);
  });

  it("takes a text as its UTF-8 bytes, long or short", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), (text) => {
        expect(hashKey(text)).toBe(hashKey(new TextEncoder().encode(text)));
      }),
    );
  });

  it("gives a partition that exists, for any key and number of partitions", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1024 }), (key, partitions) => {
        const partition = partitionFor(key, partitions);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });
});
