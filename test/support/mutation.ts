/**
 * Structure-aware mutations of OTLP requests: each takes a request apart, changes what its class is about and puts it
 * together again, so that most of them are still requests and the damage lies where it is meant to.
 */

import type { RandomSource } from "../../services/chatbot/random.ts";
import type { Signal } from "../../services/contracts/topics.ts";
import { sceneStartMs } from "./aggregate-harness.ts";
import {
  allFields,
  bytesField,
  contentOf,
  noFindings,
  type Placed,
  readTree,
  varintBytes,
  type WireField,
  writeTree,
} from "./mutation-tree.ts";
import {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
} from "./otlp-proto.ts";

export const requestTypes = {
  traces: ExportTraceServiceRequest.type,
  metrics: ExportMetricsServiceRequest.type,
  logs: ExportLogsServiceRequest.type,
} as const satisfies Record<Signal, unknown>;

export interface Dice {
  /** A whole number below `limit`. */
  below(limit: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function diceOf(random: RandomSource): Dice {
  const below = (limit: number) => Math.min(limit - 1, Math.floor(random.unit() * limit));
  return {
    below,
    chance: (share) => random.unit() < share,
    pick(list) {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
  };
}

/** A request apart: changed in place, then written. */
interface Subject {
  readonly tree: WireField[];
  readonly all: readonly Placed[];
  readonly dice: Dice;
}

/** Gives other bytes than those of the tree where the damage is to the whole. */
type Mutate = (subject: Subject) => Buffer | undefined;

const nameOf = ({ field }: Placed) => field.schema?.name ?? "";
const typeOf = ({ field }: Placed) => field.schema?.type ?? "";
const ofType = (all: readonly Placed[], ...types: string[]) =>
  all.filter((placed) => types.includes(typeOf(placed)));
const named = (all: readonly Placed[], ...names: string[]) =>
  all.filter((placed) => names.includes(nameOf(placed)));
const bounded = (all: readonly Placed[]) => all.filter(({ field }) => field.wire === 2);
const leaves = (all: readonly Placed[]) => bounded(all).filter(({ field }) => !field.fields);
const messages = (all: readonly Placed[]) => all.filter(({ field }) => field.fields !== undefined);

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

/** Lengths that are wrong, and contents of another length whose lengths are right. */
const length: Mutate = ({ tree, all, dice }) => {
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
const wireType: Mutate = ({ all, dice }) => {
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
const depth: Mutate = ({ all, dice }) => {
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
const utf8: Mutate = ({ all, dice }) => {
  const { field } = dice.pick(ofType(all, "string"));
  const text = dice.chance(0.5)
    ? Buffer.from(dice.pick(goodTexts))
    : Buffer.from(dice.pick(badTexts), "hex");
  const at = dice.below(field.content.length + 1);
  field.content = dice.chance(0.5)
    ? text
    : Buffer.concat([field.content.subarray(0, at), text, field.content.subarray(at)]);
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
const nan: Mutate = ({ all, dice }) => {
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
const timestamps: Mutate = ({ all, dice }) => {
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
const duplicateIds: Mutate = ({ tree, all, dice }) => {
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
const ids: Mutate = ({ all, dice }) => {
  const found = all.filter((placed) => typeOf(placed) === "bytes" && /Id$/.test(nameOf(placed)));
  if (found.length === 0) return duplicateIds({ tree: [], all, dice });
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

/** Fields in another order and repeats of those that may come once: a message says the same however it was written. */
const order: Mutate = ({ all, tree, dice }) => {
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
const varint: Mutate = ({ all, dice }) => {
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

/** By class, in the order of the table. */
export const mutationClasses = {
  length,
  "wire type": wireType,
  depth,
  "UTF-8": utf8,
  "NaN, infinity": nan,
  timestamps,
  "duplicate ids": duplicateIds,
  "odd ids": ids,
  "order, repeats": order,
  varints: varint,
} as const satisfies Record<string, Mutate>;
export type MutationClass = keyof typeof mutationClasses;

/** A mutation of the request; the same dice give the same one. */
export function mutate(
  kind: MutationClass,
  signal: Signal,
  request: Uint8Array,
  dice: Dice,
): Buffer {
  const tree = readTree(Buffer.from(request), requestTypes[signal], noFindings());
  if (tree === undefined) throw new TypeError("only requests in order can be mutated");
  const subject = { tree, all: allFields(tree), dice };
  return mutationClasses[kind](subject) ?? writeTree(tree);
}
