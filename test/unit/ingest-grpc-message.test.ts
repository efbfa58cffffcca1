import { describe, expect, it } from "vitest";
import {
  announcedBytes,
  frame,
  parseTimeoutMs,
  percentEncode,
  unframe,
} from "../../services/ingest/grpc-message.ts";

describe("gRPC messages", () => {
  it("come out of any number of frames", () => {
    const framed = frame(Buffer.from("hello"));
    for (const size of [1, 2, 4, 5, 6, 100]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < framed.length; at += size) chunks.push(framed.subarray(at, at + size));
      expect(announcedBytes(chunks)).toBe(5);
      expect(unframe(chunks)).toEqual({
        kind: "whole",
        isCompressed: false,
        message: Buffer.from("hello"),
      });
    }
  });

  it("say nothing of their length before the prefix is there", () => {
    expect(announcedBytes([Buffer.from([0, 0]), Buffer.from([0, 0])])).toBeUndefined();
  });

  it.each([
    ["call has 0 bytes, less than a message prefix", Buffer.alloc(0)],
    ["message of 5 bytes was announced, 4 bytes came", frame(Buffer.from("hello")).subarray(0, 9)],
    [
      "message of 1 bytes was announced, 7 bytes came",
      Buffer.concat([frame(Buffer.from("a")), frame(Buffer.from("b"))]),
    ],
    ["message prefix has flag 2", Buffer.from([2, 0, 0, 0, 0])],
  ])("are broken: %s", (reason, body) => {
    expect(unframe([body])).toEqual({ kind: "broken", reason });
  });

  it("carry status texts in printable ASCII", () => {
    expect(percentEncode("50 % of é\n")).toBe("50 %25 of %C3%A9%0A");
  });

  it.each([
    ["10S", 10_000],
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["250m", 250],
    ["5u", 1],
    ["1500000n", 1],
    ["123456789S", undefined],
    ["10", undefined],
    [undefined, undefined],
  ])("have time-outs: %s", (header, expected) => {
    expect(parseTimeoutMs(header)).toBe(expected);
  });
});
