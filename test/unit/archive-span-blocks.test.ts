import { describe, expect, it } from "vitest";
import { aLogRecord, rowsOf, spanEncoder } from "../support/archive-rows.ts";
import { aSpan, bytes, encode, text } from "../support/archived-spans.ts";
import type { KeyValue } from "../support/otlp-proto.ts";

describe("blocks", () => {
  const records = Array.from({ length: 6 }, (_, offset) =>
    aLogRecord(encode(aSpan({ name: `span ${offset}` }), aSpan({ name: `other ${offset}` })), {
      offset,
      // A day ends between the fourth and the fifth record.
      appendMs: Date.UTC(2026, 10, 24, 23, 59, 59) + (offset < 4 ? 0 : 1_000),
    }),
  );

  it("hold at most so many rows, and rows of one day", async () => {
    const encoder = spanEncoder({ maxRows: 3 });
    const { tokens, rows } = await rowsOf(encoder, records);
    expect(tokens).toEqual(["spans/0", "spans/1", "spans/2", "spans/3", "spans/4"]);
    expect(rows.map((row) => row["source_offset"])).toEqual(
      [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5].map(BigInt),
    );
  });

  it("are the same when the same records come again", async () => {
    const encoder = spanEncoder({ maxRows: 3 });
    expect(await rowsOf(encoder, records)).toEqual(await rowsOf(encoder, records));
  });

  it("keep their boundaries and tokens when some are stored already", async () => {
    const stored = new Set(["0/0", "0/1", "1/0", "4/0", "4/1"]);
    const { tokens, rows } = await rowsOf(spanEncoder({ maxRows: 3 }), records, stored);
    expect(tokens).toEqual(["spans/1", "spans/2", "spans/3+1", "spans/4"]);
    expect(rows.map((row) => row["span_name"])).toEqual([
      "other 1",
      "span 2",
      "other 2",
      "span 3",
      "other 3",
      "span 5",
      "other 5",
    ]);
  });

  it("leave out heartbeats and records that do not decode, and name those", async () => {
    const good = encode(aSpan());
    const broken = [
      good.subarray(0, good.length - 3),
      bytes(0x0a, 0x7f),
      bytes(0x07),
      bytes(0x08, 1),
    ];
    const mixed = [good, ...broken, bytes(), good].map((value, offset) =>
      aLogRecord(value, { offset }),
    );
    const { rows, rejections } = await rowsOf(spanEncoder(), mixed);
    expect(rows.map((row) => row["source_offset"])).toEqual([0n, 6n]);
    expect(rejections).toMatchObject(
      [1, 2, 3, 4].map((offset) => ({ offset, code: "record_invalid" })),
    );
  });

  it("refuse values that are nested without end", async () => {
    let value: KeyValue["value"] = { stringValue: "x" };
    for (let depth = 0; depth < 80; depth++) value = { arrayValue: { values: [value ?? {}] } };
    const deep = encode(aSpan({ attributes: [{ key: "deep", value: value ?? {} }] }));
    const { rejections } = await rowsOf(spanEncoder(), [aLogRecord(deep)]);
    expect(rejections).toMatchObject([
      { reason: expect.stringContaining("deeper than 64 levels") },
    ]);
  });

  it("come out right when more names are seen than are remembered", async () => {
    const many = Array.from({ length: 12_000 }, (_, i) =>
      aSpan({
        name: `span ${i}`,
        attributes: [text(`key ${i}`, "v"), text("gen_ai.request.model", `m ${i}`)],
      }),
    );
    const { rows } = await rowsOf(spanEncoder(), [aLogRecord(encode(...many))]);
    expect(
      rows.map((row) => [row["span_name"], row["attributes"], row["gen_ai_request_model"]]),
    ).toEqual(many.map((_, i) => [`span ${i}`, { [`key ${i}`]: "v" }, `m ${i}`]));
  });
});
