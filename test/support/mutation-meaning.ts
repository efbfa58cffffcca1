/** Mutations of what a request says, in bytes that are in order: numbers, times, ids. */
import { sceneStartMs } from "./aggregate-harness.ts";
import { type Mutate, messages, named, nameOf, ofType, typeOf } from "./mutation-subject.ts";
import { bytesField, writeTree } from "./mutation-tree.ts";

const fixed64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};

const oddNumbers = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  5e-324,
  1.797e308,
  -1,
  1e21,
];

/** Doubles that are no numbers, and numbers at the ends of what there is, where measures are expected. */
export const nan: Mutate = ({ all, dice }) => {
  const doubles = ofType(all, "double");
  if (doubles.length > 0 && dice.chance(0.4)) {
    for (const { field } of doubles)
      if (field.wire === 1) field.content = double(dice.pick(oddNumbers));
    return undefined;
  }
  const numbers = messages(all).filter(
    (placed) =>
      typeOf(placed) === "AnyValue" &&
      placed.field.fields?.some(({ schema }) =>
        ["intValue", "doubleValue"].includes(schema?.name ?? ""),
      ),
  );
  for (const { field } of numbers) {
    if (dice.chance(0.3)) continue;
    const whole = { ...bytesField(3, Buffer.alloc(0)), wire: 0 };
    field.fields = [
      dice.chance(0.6)
        ? { ...bytesField(4, double(dice.pick(oddNumbers))), wire: 1 }
        : { ...whole, varint: dice.pick([2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n, 0n]) },
    ];
  }
  if (numbers.length === 0)
    for (const { field } of doubles) field.content = double(dice.pick(oddNumbers));
};

const sceneNanos = (ms: number) => BigInt(sceneStartMs + ms) * 1_000_000n;
/** The ends of what fits, and other windows than the one that the samples end in. */
const oddTimes = [
  0n,
  2n ** 64n - 1n,
  0n,
  2n ** 64n - 1n,
  2n ** 63n,
  999_999n,
  sceneNanos(-6_000),
  sceneNanos(-500),
  sceneNanos(2_900),
  sceneNanos(3_100),
];

/** Times at both ends of what fits, start and end swapped, times left out. */
export const timestamps: Mutate = ({ all, dice }) => {
  const times = all.filter(
    (placed) => /UnixNano$/.test(nameOf(placed)) && placed.field.content.length === 8,
  );
  for (const { field, among } of times) {
    if (dice.chance(0.4)) continue;
    const other = times.find((each) => each.among === among && each.field !== field)?.field;
    if (other !== undefined && dice.chance(0.3)) {
      const { content } = field;
      field.content = other.content;
      other.content = content;
    } else if (dice.chance(0.1)) among.splice(among.indexOf(field), 1);
    else field.content = fixed64(dice.pick(oddTimes));
  }
};

const itemNames = ["spans", "dataPoints", "logRecords"];
const groupNames = [
  "resourceSpans",
  "scopeSpans",
  "resourceMetrics",
  "scopeMetrics",
  "resourceLogs",
  "scopeLogs",
];

/** The same thing twice: next to itself, in another scope or resource, with the same ids and other contents, or all of it. */
export const duplicateIds: Mutate = ({ tree, all, dice }) => {
  const items = named(all, ...itemNames);
  const { field, among } = dice.pick(items);
  switch (dice.below(4)) {
    case 0:
      among.splice(dice.below(among.length + 1), 0, field);
      return undefined;
    case 1: {
      const group = dice.pick(named(all, ...groupNames));
      group.among.push(group.field);
      return undefined;
    }
    case 2: {
      const whole = writeTree(tree);
      return Buffer.concat([whole, whole]);
    }
    default: {
      // Ids of one on all others, what they say left as it is.
      const kept = (field.fields ?? []).filter(({ schema }) =>
        ["traceId", "spanId"].includes(schema?.name ?? ""),
      );
      for (const other of items) {
        if (other.field === field || dice.chance(0.3)) continue;
        const rest = (other.field.fields ?? []).filter(
          ({ schema }) => !["traceId", "spanId"].includes(schema?.name ?? ""),
        );
        other.field.fields = [...kept, ...rest];
      }
      return undefined;
    }
  }
};

/** Ids of other lengths, of zeros, and a span that is its own parent. */
export const ids: Mutate = ({ tree, all, dice }) => {
  const found = all.filter((placed) => typeOf(placed) === "bytes" && /Id$/.test(nameOf(placed)));
  if (found.length === 0) return duplicateIds({ tree, all, dice });
  for (const placed of found) {
    if (dice.chance(0.6)) continue;
    const { field, among } = placed;
    const size = field.content.length;
    const change = dice.below(5);
    if (change === 0) field.content = Buffer.alloc(size);
    else if (change === 1) field.content = Buffer.alloc(dice.pick([0, 1, 7, 8, 15, 16, 17, 40]), 3);
    else if (change === 2) among.splice(among.indexOf(field), 1);
    else if (change === 3 && nameOf(placed) === "parentSpanId")
      field.content =
        among.find(({ schema }) => schema?.name === "spanId")?.content ?? field.content;
    else field.content = Buffer.from(field.content.map((byte) => byte ^ 0x10));
  }
  return undefined;
};
