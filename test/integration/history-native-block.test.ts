import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNativeBlock, type TableColumns } from "../../services/history/native-block.ts";
import {
  dateTime64,
  enum8,
  float64,
  int8,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from "../../services/history/native-column.ts";
import { array, attributeMap } from "../../services/history/native-nested.ts";
import { fixedString, lowCardinality, string } from "../../services/history/native-text.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

const table = {
  u8: uint8,
  u16: uint16,
  u32: uint32,
  u64: uint64,
  i8: int8,
  i32: int32,
  i64: int64,
  f64: float64,
  kind: enum8(["None", "One", "Two"]),
  ms: dateTime64(3),
  ns: dateTime64(9),
  text: string,
  bytes: string,
  name: lowCardinality,
  id: fixedString(16),
  attributes: attributeMap,
  names: array(lowCardinality),
  counts: array(uint64),
  maps: array(attributeMap),
} as const satisfies TableColumns;

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 200 }),
  fc.constantFrom(
    "",
    "\0",
    "'",
    "\\N",
    "a\tb\n",
    "😀",
    "ünïcode",
    "x".repeat(127),
    "y".repeat(128),
  ),
);
const dictionary = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });
const unsigned64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const row = fc.record({
  u8: fc.integer({ min: 0, max: 255 }),
  u16: fc.integer({ min: 0, max: 65_535 }),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  u64: unsigned64,
  i8: fc.integer({ min: -128, max: 127 }),
  i32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  i64: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, -(2 ** 32), -(2 ** 53 - 1))),
  f64: fc.oneof(
    fc.double(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 5e-324),
  ),
  kind: fc.integer({ min: 0, max: 2 }),
  ms: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  ns: fc.bigInt({ min: 0n, max: 4_102_444_800_000_000_000n }),
  text,
  bytes: fc.uint8Array({ maxLength: 300 }),
  name: text,
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  attributes: dictionary,
  names: fc.array(text, { maxLength: 4 }),
  counts: fc.array(unsigned64, { maxLength: 4 }),
  maps: fc.array(dictionary, { maxLength: 3 }),
});
type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

const block = createNativeBlock(table);

function pushMap(
  column: {
    keys: { push(text: string): void };
    values: { push(text: string): void };
    endRow(): void;
  },
  map: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(map)) {
    column.keys.push(key);
    column.values.push(value);
  }
  column.endRow();
}

function encode(rows: readonly Row[]): Uint8Array {
  block.clear();
  const { columns } = block;
  for (const value of rows) {
    columns.u8.push(value.u8);
    columns.u16.push(value.u16);
    columns.u32.push(value.u32);
    columns.u64.pushBigInt(value.u64);
    columns.i8.push(value.i8);
    columns.i32.push(value.i32);
    columns.i64.push(value.i64);
    columns.f64.push(value.f64);
    columns.kind.push(value.kind);
    columns.ms.push(value.ms);
    columns.ns.pushHalves(Number(value.ns & 0xffff_ffffn), Number(value.ns >> 32n));
    columns.text.push(value.text);
    columns.bytes.pushBytes(value.bytes);
    columns.name.push(value.name);
    columns.id.push(value.id);
    pushMap(columns.attributes, value.attributes);
    for (const name of value.names) columns.names.elements.push(name);
    columns.names.endRow();
    for (const count of value.counts) columns.counts.elements.pushBigInt(count);
    columns.counts.endRow();
    for (const map of value.maps) pushMap(columns.maps.elements, map);
    columns.maps.endRow();
  }
  return block.encode();
}

const hex = (bytes: Uint8Array | string) =>
  Buffer.from(bytes as string)
    .toString("hex")
    .toUpperCase();
const hexMap = (map: Readonly<Record<string, string>>) =>
  Object.entries(map).map(([key, value]) => `${hex(key)}=${hex(value)}`);
const bits = (value: number) => {
  const words = new BigUint64Array(new Float64Array([value]).buffer);
  return String(words[0]);
};

/** Every value as text that neither JSON nor a format's escaping can touch. */
const select = `SELECT
  u8, u16, u32, toString(u64) AS u64, i8, i32, toString(i64) AS i64,
  toString(reinterpretAsUInt64(f64)) AS f64, CAST(kind, 'Int8') AS kind,
  toString(toUnixTimestamp64Milli(ms)) AS ms, toString(toUnixTimestamp64Nano(ns)) AS ns,
  hex(text) AS text, hex(bytes) AS bytes, hex(name) AS name, hex(id) AS id,
  arrayMap((k, v) -> concat(hex(k), '=', hex(v)), mapKeys(attributes), mapValues(attributes)) AS attributes,
  arrayMap(x -> hex(x), names) AS names, arrayMap(x -> toString(x), counts) AS counts,
  arrayMap(m -> arrayMap((k, v) -> concat(hex(k), '=', hex(v)), mapKeys(m), mapValues(m)), maps) AS maps
FROM blocks ORDER BY position`;

const expected = (value: Row) => ({
  u8: value.u8,
  u16: value.u16,
  u32: value.u32,
  u64: String(value.u64),
  i8: value.i8,
  i32: value.i32,
  i64: String(value.i64),
  f64: Number.isNaN(value.f64) ? expect.stringMatching(/^(9221120|18444492)/) : bits(value.f64),
  kind: value.kind,
  ms: String(value.ms),
  ns: String(value.ns),
  text: hex(value.text),
  bytes: hex(value.bytes),
  name: hex(value.name),
  id: hex(value.id),
  attributes: hexMap(value.attributes),
  names: value.names.map(hex),
  counts: value.counts.map(String),
  maps: value.maps.map(hexMap),
});

describe("a Native block", () => {
  let running: HistoryServer;
  beforeAll(async () => {
    running = await startHistoryServer();
    const columns = Object.entries(table).map(([name, { type }]) => `${name} ${type}`);
    await running.history.command(
      `CREATE TABLE blocks (${columns.join(", ")}, position UInt64 DEFAULT rowNumberInAllBlocks())
       ENGINE = Memory`,
    );
  });
  afterAll(() => running[Symbol.asyncDispose]());

  async function roundTrip(rows: readonly Row[]): Promise<unknown[]> {
    const { history } = running;
    await history.command("TRUNCATE TABLE blocks");
    await history.insert({ table: "blocks", block: encode(rows), token: "" });
    return history.query(select);
  }

  it("reads back as what was pushed, whatever that was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
        expect(await roundTrip(rows)).toEqual(rows.map(expected));
      }),
      { numRuns: 60, seed: 20_261_124 },
    );
  }, 120_000);

  it.each([255, 256, 257, 65_536, 65_537, 70_000])(
    "takes %i different low-cardinality texts",
    async (size) => {
      const { history } = running;
      await history.command(
        "CREATE OR REPLACE TABLE texts (t LowCardinality(String)) ENGINE = Memory",
      );
      const texts = createNativeBlock({ t: lowCardinality });
      for (let i = 0; i < size; i++) texts.columns.t.push(`text ${i}`);
      texts.columns.t.push("text 1");
      await history.insert({ table: "texts", block: texts.encode(), token: "" });
      expect(
        await history.query(
          "SELECT count() AS rows, uniqExact(t) AS texts, countIf(t = 'text 1') AS firsts FROM texts",
        ),
      ).toEqual([{ rows: `${size + 1}`, texts: `${size}`, firsts: "2" }]);
    },
  );

  it("is the same after clear as when new", () => {
    const rows = fc.sample(row, { numRuns: 20, seed: 7 });
    const first = encode(rows);
    encode(fc.sample(row, { numRuns: 50, seed: 8 }));
    expect(Buffer.from(encode(rows)).equals(first)).toBe(true);
  });

  it("names the column that has too few rows", () => {
    const uneven = createNativeBlock({ a: uint8, b: uint8 });
    uneven.columns.a.push(1);
    expect(() => uneven.encode()).toThrow("column b must have 1 rows, got 0");
  });
});
