import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyState } from "../../../services/detect/cell-state.ts";
import { createStateCodec } from "../../../services/detect/state-codec.ts";

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, 191, 192, 2 ** 53, null, true, false),
    fc.string(),
    fc.array(fc.oneof(fc.constant(0), tie("value"))),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      tie("value"),
      {
        noNullPrototype: true,
      },
    ),
  ),
})).value;

describe("the codec of states", () => {
  it("gives back what it was given, bit for bit", () =>
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 5 }), (values) => {
        const codec = createStateCodec();
        const written = values.map((value) => codec.encode(value));
        // Read by another one, as after a restart, which knows the shapes alone.
        const reader = createStateCodec(JSON.parse(JSON.stringify(codec.shapes)));
        expect(written.map((bytes) => reader.decode(bytes))).toStrictEqual(values);
      }),
      { numRuns: 300 },
    ));

  it("refuses bytes that are cut, longer than a value, or of shapes it does not know", () => {
    const codec = createStateCodec();
    const bytes = codec.encode({ mean: 1 / 3, counts: [0, 0, 0, 0, 7] });
    const refused = expect.objectContaining({ code: "checkpoint_invalid" });
    for (let length = 0; length < bytes.length; length++)
      expect(() => codec.decode(bytes.subarray(0, length))).toThrow(refused);
    expect(() => codec.decode(Uint8Array.of(...bytes, 1))).toThrow(refused);
    expect(() => createStateCodec().decode(bytes)).toThrow(refused);
  });
});

describe("a copy of a state", () => {
  it("is equal, bit for bit, and shares nothing", () =>
    fc.assert(
      fc.property(plain, (state) => {
        const copy = copyState(state);
        expect(copy).toStrictEqual(state);
        expect(sharesAny(copy, state)).toBe(false);
      }),
      { numRuns: 100 },
    ));
});

function sharesAny(left: unknown, right: unknown): boolean {
  if (left === null || typeof left !== "object") return false;
  if (left === right) return true;
  const before = right as Record<string, unknown>;
  return Object.entries(left).some(([key, value]) => sharesAny(value, before[key]));
}
