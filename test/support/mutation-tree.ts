/**
 * Protobuf messages as trees of their fields, so that a test can change one thing and leave the rest in order. Read by
 * the schema of the oracle; written again byte for byte when nothing was changed.
 */
import { isUtf8 } from "node:buffer";
import type protobuf from "protobufjs";

/** A field as it lies on the wire. To be changed by mutations. */
export interface WireField {
  number: number;
  /** 0 varint, 1 eight bytes, 2 with a length, 5 four bytes; 3, 4, 6, 7 where a mutation wants them. */
  wire: number;
  /** Value of a varint. */
  varint: bigint;
  /** Content of the other wire types, unless it is a message that could be read. */
  content: Buffer;
  /** Fields of a message; undefined for everything else. */
  fields: WireField[] | undefined;
  /** What the schema says of the field in its message; undefined for one it does not know. */
  schema: protobuf.Field | undefined;
  /** Stands for the whole field, tag and all. */
  raw?: Buffer;
  /** Stands for the length that the content has. */
  announced?: Buffer;
}

/** What is wrong with a message; `texts` and `depth` are no matter of structure. */
export interface Findings {
  readonly structure: string[];
  texts: number;
  /** Deepest nesting of values within values; they are not looked at beyond `depthRead`. */
  depth: number;
  /** Tags, lengths and 32-bit values in 6 to 9 bytes. They are allowed, but protobufjs steps over 10 bytes then. */
  overlong: number;
}

export const noFindings = (): Findings => ({
  structure: [],
  texts: 0,
  depth: 0,
  overlong: 0,
});

const depthRead = 100;

class Truncated extends Error {}

const varintTypes = ["int32", "uint32", "sint32", "int64", "uint64", "sint64", "bool"];
const fixed64Types = ["fixed64", "sfixed64", "double"];
const fixed32Types = ["fixed32", "sfixed32", "float"];

/** Wire type of one value of the field. */
export function wireOf(field: protobuf.Field): number {
  if (varintTypes.includes(field.type)) return 0;
  if (fixed64Types.includes(field.type)) return 1;
  return fixed32Types.includes(field.type) ? 5 : 2;
}

export function messageOf(field: protobuf.Field | undefined): protobuf.Type | undefined {
  const resolved = field?.resolve().resolvedType;
  return resolved !== null && resolved !== undefined && "fieldsById" in resolved
    ? resolved
    : undefined;
}

/** Fields of a message; undefined where it ends inside a field. Messages within it that do so stay as their bytes. */
export function readTree(
  bytes: Buffer,
  type: protobuf.Type,
  findings: Findings,
  depth = 0,
): WireField[] | undefined {
  const fields: WireField[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const field = readField(bytes, at, type, findings);
      fields.push(field.field);
      at = field.end;
    }
  } catch (error) {
    if (!(error instanceof Truncated)) throw error;
    findings.structure.push(`${type.name}: ${error.message}`);
    return undefined;
  }
  const inside = type.name === "AnyValue" ? depth + 1 : depth;
  findings.depth = Math.max(findings.depth, inside);
  for (const field of fields) checkField(field, type, findings, inside);
  return fields;
}

function checkField(
  field: WireField,
  type: protobuf.Type,
  findings: Findings,
  depth: number,
): void {
  if (field.number < 1 || field.number > 0x1fffffff)
    findings.structure.push(`${type.name}: field number ${field.number}`);
  const { schema } = field;
  if (schema === undefined) return;
  const expected = wireOf(schema);
  const isPacked = schema.repeated && expected !== 2 && field.wire === 2;
  if (field.wire !== expected && !isPacked) {
    findings.structure.push(`${type.name}.${schema.name}: wire type ${field.wire}`);
    field.schema = undefined;
    return;
  }
  const message = messageOf(schema);
  if (message !== undefined && depth > depthRead) return;
  if (message !== undefined) field.fields = readTree(field.content, message, findings, depth);
  else if (schema.type === "string" && !isUtf8(field.content)) findings.texts++;
  else if (isPacked && !isPackedWell(field.content, expected))
    findings.structure.push(`${type.name}.${schema.name}: packed values end inside one`);
}

function isPackedWell(content: Buffer, wire: number): boolean {
  if (wire !== 0) return content.length % (wire === 1 ? 8 : 4) === 0;
  try {
    for (let at = 0; at < content.length; ) at = readVarint(content, at).end;
    return true;
  } catch {
    return false;
  }
}

function readField(bytes: Buffer, start: number, type: protobuf.Type, findings: Findings) {
  const tag = readVarint(bytes, start);
  noteSize(tag.end - start, findings);
  const wire = Number(tag.value & 7n);
  const number = Number(tag.value >> 3n);
  const field: WireField = {
    number,
    wire,
    varint: 0n,
    content: Buffer.alloc(0),
    fields: undefined,
    schema: type.fieldsById[number],
  };
  let end = tag.end;
  if (wire === 0) {
    const value = readVarint(bytes, tag.end);
    field.varint = value.value;
    if (!/64$/.test(field.schema?.type ?? "int64")) noteSize(value.end - tag.end, findings);
    end = value.end;
  } else {
    let size = { 1: 8, 5: 4 }[wire];
    if (wire === 2) {
      const length = readVarint(bytes, tag.end);
      size = Number(length.value);
      noteSize(length.end - tag.end, findings);
      end = length.end;
    }
    if (size === undefined) throw new Truncated(`wire type ${wire}`);
    if (end + size > bytes.length) throw new Truncated("ends inside a field");
    field.content = bytes.subarray(end, end + size);
    end += size;
  }
  return { field, end };
}

function noteSize(bytes: number, findings: Findings): void {
  if (bytes > 5 && bytes < 10) findings.overlong++;
}

function readVarint(bytes: Buffer, start: number): { value: bigint; end: number } {
  const first = bytes[start];
  if (first !== undefined && first < 128) return { value: BigInt(first), end: start + 1 };
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Truncated("ends inside a varint");
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: start + i + 1 };
  }
  throw new Truncated("varint longer than 10 bytes");
}

/** `least`: at least so many bytes, the last ones without a value. */
export function varintBytes(value: bigint, least = 1): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < least);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 127;
  return Buffer.from(bytes);
}

export function writeTree(fields: readonly WireField[]): Buffer {
  return Buffer.concat(fields.map(writeField));
}

function writeField(field: WireField): Buffer {
  if (field.raw !== undefined) return field.raw;
  const tag = varintBytes((BigInt(field.number) << 3n) | BigInt(field.wire));
  if (field.wire === 0) return Buffer.concat([tag, varintBytes(field.varint)]);
  const content = contentOf(field);
  if (field.wire !== 2) return Buffer.concat([tag, content]);
  return Buffer.concat([tag, field.announced ?? varintBytes(BigInt(content.length)), content]);
}

export const contentOf = (field: WireField): Buffer =>
  field.fields === undefined ? field.content : writeTree(field.fields);

/** A field and the list that it stands in. */
export interface Placed {
  readonly field: WireField;
  readonly among: WireField[];
}

/** Every field of a tree, outer ones first. */
export function allFields(fields: WireField[]): Placed[] {
  return fields.flatMap((field) => [
    { field, among: fields },
    ...(field.fields === undefined ? [] : allFields(field.fields)),
  ]);
}

/** A field with a length. */
export function bytesField(number: number, content: Buffer): WireField {
  return { number, wire: 2, varint: 0n, content, fields: undefined, schema: undefined };
}
