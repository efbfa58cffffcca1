/** Mutations of how a request is written: lengths, wire types, depth, texts, order, varints. */
import {
  bounded,
  type Dice,
  leaves,
  type Mutate,
  messages,
  named,
  ofType,
  typeOf,
} from "./mutation-subject.ts";
import { bytesField, contentOf, varintBytes, writeTree } from "./mutation-tree.ts";

/** Lengths that are wrong, and contents of another length whose lengths are right. */
export const length: Mutate = ({ tree, all, dice }) => {
  const { field } = dice.pick(bounded(all));
  const size = contentOf(field).length;
  switch (dice.below(8)) {
    case 0:
      field.announced = varintBytes(BigInt(size + 1 + dice.below(40)));
      return undefined;
    case 1:
      field.announced = varintBytes(BigInt(Math.max(0, size - 1 - dice.below(8))));
      return undefined;
    case 2:
      field.announced = varintBytes(
        dice.pick([2n ** 31n, 2n ** 32n + 3n, 2n ** 63n, 2n ** 64n - 1n]),
      );
      return undefined;
    case 3: {
      const whole = writeTree(tree);
      return whole.subarray(0, dice.below(whole.length));
    }
    case 4:
      // The same number in more bytes: allowed.
      field.announced = varintBytes(BigInt(size), 2 + dice.below(8));
      return undefined;
    default: {
      const leaf = dice.pick(leaves(all)).field;
      leaf.content = dice.chance(0.5)
        ? leaf.content.subarray(0, dice.below(leaf.content.length + 1))
        : Buffer.concat([leaf.content, Buffer.alloc(dice.pick([1, 30, 127, 300, 9_000]), "x")]);
      return undefined;
    }
  }
};

/** Values that stand under a wire type that their field does not have, that nobody has, or that a field nobody knows has. */
export const wireType: Mutate = ({ all, dice }) => {
  const target = dice.pick(all);
  switch (dice.below(6)) {
    case 0: {
      const wire = dice.pick([0, 1, 2, 5].filter((other) => other !== target.field.wire));
      Object.assign(target.field, { wire, varint: 7n, fields: undefined });
      target.field.content = Buffer.alloc({ 1: 8, 5: 4 }[wire] ?? 3, 1);
      return undefined;
    }
    case 1:
      target.field.raw = varintBytes(
        (BigInt(target.field.number) << 3n) | dice.pick([3n, 4n, 6n, 7n]),
      );
      return undefined;
    default: {
      const { field } = dice.pick(messages(all));
      const wire = dice.pick([0, 1, 2, 5]);
      const unknown = bytesField(
        dice.pick([99, 1_000, 0x1fffffff]),
        Buffer.alloc({ 1: 8, 5: 4 }[wire] ?? 9),
      );
      field.fields?.splice(dice.below(field.fields.length + 1), 0, {
        ...unknown,
        wire,
        varint: 300n,
      });
      return undefined;
    }
  }
};

const deepValue = (levels: number, dice: Dice): Buffer => {
  let value = Buffer.from("0a0164", "hex");
  const wrap = (tag: number, content: Buffer) =>
    Buffer.concat([Buffer.from([tag]), varintBytes(BigInt(content.length)), content]);
  const asPairs = dice.chance(0.5);
  for (let i = 0; i < levels; i++)
    value = asPairs
      ? wrap(0x32, wrap(0x0a, Buffer.concat([Buffer.from("0a016b", "hex"), wrap(0x12, value)])))
      : wrap(0x2a, wrap(0x0a, value));
  return value;
};

/** Values within values. */
export const depth: Mutate = ({ all, dice }) => {
  const values = named(all, "value", "body").filter((placed) => typeOf(placed) === "AnyValue");
  const levels = dice.chance(0.02)
    ? 3_000
    : dice.chance(0.6)
      ? dice.below(16)
      : 24 + dice.below(50);
  const { field } = dice.pick(values);
  field.fields = undefined;
  field.content = deepValue(levels, dice);
};

const goodTexts = ["é", "日本語", "🌍🌍", "‮txet", "a\u0000b", "", "\ufeff", "e\u0301".repeat(40)];
const badTexts = ["80", "c080", "eda080", "e697", "f8888080", "ff", "61c3", "f4908080"];

/** Texts beyond ASCII, half of which are no UTF-8. */
export const utf8: Mutate = ({ all, dice }) => {
  const { field } = dice.pick(ofType(all, "string"));
  const text = dice.chance(0.5)
    ? Buffer.from(dice.pick(goodTexts))
    : Buffer.from(dice.pick(badTexts), "hex");
  const at = dice.below(field.content.length + 1);
  field.content = dice.chance(0.5)
    ? text
    : Buffer.concat([field.content.subarray(0, at), text, field.content.subarray(at)]);
};

/** Fields in another order and repeats of those that may come once: a message says the same however it was written. */
export const order: Mutate = ({ all, tree, dice }) => {
  const lists = [tree, ...messages(all).map(({ field }) => field.fields ?? [])];
  for (const fields of lists) {
    if (dice.chance(0.4)) continue;
    // Fields of one number keep their order among each other: of those the last counts.
    const numbers = [...new Set(fields.map(({ number }) => number))];
    const shuffled = numbers
      .map((number) => ({ number, at: dice.below(1_000_000) }))
      .sort((a, b) => a.at - b.at)
      .flatMap(({ number }) => fields.filter((field) => field.number === number));
    fields.splice(0, fields.length, ...shuffled);
    const once = fields.filter(
      ({ schema, fields: inner }) => schema?.repeated === false && inner === undefined,
    );
    if (once.length > 0 && dice.chance(0.3)) fields.push(dice.pick(once));
  }
};

/** Numbers of every size, in more bytes than they need, and in more than there may be. */
export const varint: Mutate = ({ all, dice }) => {
  const numbers = all.filter(({ field }) => field.wire === 0 && field.schema !== undefined);
  const { field } = dice.pick(numbers.length > 0 ? numbers : all);
  if (field.wire !== 0) return undefined;
  const tag = varintBytes(BigInt(field.number) << 3n, dice.pick([1, 1, 2, 5]));
  const value = dice.chance(0.5)
    ? varintBytes(field.varint, 1 + dice.below(10))
    : dice.chance(0.7)
      ? varintBytes(
          dice.pick([
            0n,
            127n,
            128n,
            2n ** 31n,
            2n ** 32n + 2n,
            2n ** 53n + 1n,
            2n ** 63n,
            2n ** 64n - 1n,
          ]),
        )
      : Buffer.concat([Buffer.alloc(10 + dice.below(4), 0xff), Buffer.from([1])]);
  field.raw = Buffer.concat([tag, value]);
  return undefined;
};
