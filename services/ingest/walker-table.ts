import { type OtlpField, type OtlpMessage, otlpMessages, type ScalarType } from "./otlp-schema.ts";

/** What the walker does with a field; small numbers, since they are looked up for every field of every span. */
export const fieldKind = {
  unknown: 0,
  varint: 1,
  fixed64: 2,
  fixed32: 3,
  string: 4,
  errorText: 5,
  bytes: 6,
  packedVarint: 7,
  packedFixed64: 8,
  attribute: 9,
  value: 10,
  message: 11,
} as const;

/** Field numbers of OTLP are below this; higher ones are unknown. */
export const fieldsPerMessage = 32;

const messages = Object.values(otlpMessages);

/** By `message.index * fieldsPerMessage + field number`. */
export const kinds = new Uint8Array(messages.length * fieldsPerMessage);
/** Index of the nested message, in the same order. */
export const nestedIndex = new Uint8Array(messages.length * fieldsPerMessage);
/** Number of `dropped_attributes_count` by message index; 0 where there is none. */
export const droppedCountField = new Uint8Array(messages.length);

const scalarKinds: Readonly<Record<ScalarType, number>> = {
  string: fieldKind.string,
  text: fieldKind.errorText,
  bytes: fieldKind.bytes,
  id: fieldKind.bytes,
  bool: fieldKind.varint,
  int64: fieldKind.varint,
  uint32: fieldKind.varint,
  uint64: fieldKind.varint,
  enum: fieldKind.varint,
  sint32: fieldKind.varint,
  double: fieldKind.fixed64,
  fixed64: fieldKind.fixed64,
  sfixed64: fieldKind.fixed64,
  fixed32: fieldKind.fixed32,
};

for (const message of messages) for (const field of message.fields) enter(message, field);

function enter(message: OtlpMessage, field: OtlpField): void {
  const place = message.index * fieldsPerMessage + field.number;
  kinds[place] = kindOf(field);
  nestedIndex[place] = field.message?.index ?? 0;
  if (field.name === "dropped_attributes_count") droppedCountField[message.index] = field.number;
}

function kindOf(field: OtlpField): number {
  if (field.message === otlpMessages.KeyValue) return fieldKind.attribute;
  if (field.message === otlpMessages.AnyValue) return fieldKind.value;
  if (field.message !== undefined) return fieldKind.message;
  const kind = scalarKinds[field.scalar as ScalarType];
  if (!field.isRepeated) return kind;
  if (kind === fieldKind.varint) return fieldKind.packedVarint;
  return kind === fieldKind.fixed64 ? fieldKind.packedFixed64 : kind;
}
