import type { WireWriter } from "../contracts/wire.ts";
import type { ScalarType } from "./otlp-schema.ts";

/** Numbers of the enums' names, which some senders write; a name that is not here becomes 0. */
const enumNumbers: ReadonlyMap<string, number> = new Map([
  ["SPAN_KIND_UNSPECIFIED", 0],
  ["SPAN_KIND_INTERNAL", 1],
  ["SPAN_KIND_SERVER", 2],
  ["SPAN_KIND_CLIENT", 3],
  ["SPAN_KIND_PRODUCER", 4],
  ["SPAN_KIND_CONSUMER", 5],
  ["STATUS_CODE_UNSET", 0],
  ["STATUS_CODE_OK", 1],
  ["STATUS_CODE_ERROR", 2],
  ["AGGREGATION_TEMPORALITY_UNSPECIFIED", 0],
  ["AGGREGATION_TEMPORALITY_DELTA", 1],
  ["AGGREGATION_TEMPORALITY_CUMULATIVE", 2],
  ...severityNames(),
]);

function severityNames(): [string, number][] {
  return ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name, index) =>
    [1, 2, 3, 4].map((step): [string, number] => [
      `SEVERITY_NUMBER_${name}${step === 1 ? "" : step}`,
      index * 4 + step,
    ]),
  );
}

const ranges = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  enum: [-(2n ** 31n), 2n ** 31n - 1n],
} as const;

/** Writes the field, or returns what the value must be. */
export function writeScalar(
  writer: WireWriter,
  field: { readonly number: number; readonly scalar: ScalarType },
  value: unknown,
): string | undefined {
  const { number, scalar } = field;
  switch (scalar) {
    case "string":
    case "text":
      if (typeof value !== "string") return "a string";
      writer.string(number, value);
      return undefined;
    case "id":
      return writeBytes(writer, number, decodeHex(value), "an even number of hexadecimal digits");
    case "bytes":
      return writeBytes(writer, number, decodeBase64(value), "base64");
    case "bool":
      if (typeof value !== "boolean") return "true or false";
      writer.uint(number, value ? 1 : 0);
      return undefined;
    case "double": {
      const parsed = toDouble(value);
      if (parsed === undefined) return "a number";
      writer.double(number, parsed);
      return undefined;
    }
    default:
      return writeInteger(writer, { number, scalar }, value);
  }
}

/** The types that OTLP has lists of, which senders write packed. */
const packedTypes = ["double", "fixed64", "uint64"] as const;
type PackedType = (typeof packedTypes)[number];

export function isPacked(scalar: ScalarType): scalar is PackedType {
  return (packedTypes as readonly string[]).includes(scalar);
}

/** Writes the list, or returns what its values must be. */
export function writePacked(
  writer: WireWriter,
  { number, scalar }: { readonly number: number; readonly scalar: PackedType },
  values: readonly unknown[],
): string | undefined {
  if (scalar === "double") {
    const numbers = values.map(toDouble);
    if (numbers.includes(undefined)) return "numbers";
    writer.bytes(number, new Uint8Array(Float64Array.from(numbers as number[]).buffer));
    return undefined;
  }
  const [least, most] = ranges[scalar];
  const integers = values.map(toInteger);
  if (integers.some((each) => each === undefined || each < least || each > most))
    return `integers from ${least} to ${most}`;
  if (scalar === "uint64") writer.packed(number, integers.map(Number));
  else writer.bytes(number, new Uint8Array(BigUint64Array.from(integers as bigint[]).buffer));
  return undefined;
}

function writeInteger(
  writer: WireWriter,
  { number, scalar }: { readonly number: number; readonly scalar: keyof typeof ranges },
  value: unknown,
): string | undefined {
  const [least, most] = ranges[scalar];
  const parsed =
    scalar === "enum" && typeof value === "string" && !/^-?\d+$/.test(value)
      ? BigInt(enumNumbers.get(value) ?? 0)
      : toInteger(value);
  if (parsed === undefined || parsed < least || parsed > most)
    return `an integer from ${least} to ${most}`;
  if (scalar === "fixed32") writer.fixed32(number, Number(parsed));
  else if (scalar === "fixed64" || scalar === "sfixed64") writer.fixed64(number, parsed);
  else if (scalar === "sint32") writer.signed(number, Number(parsed));
  else writer.int64(number, parsed);
  return undefined;
}

function writeBytes(
  writer: WireWriter,
  number: number,
  bytes: Uint8Array | undefined,
  expected: string,
): string | undefined {
  if (bytes === undefined) return expected;
  writer.bytes(number, bytes);
  return undefined;
}

function toInteger(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function toDouble(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const parsed = Number(value);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function decodeHex(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string" || !/^(?:[0-9a-fA-F]{2})*$/.test(value)) return undefined;
  return Buffer.from(value, "hex");
}

function decodeBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) return undefined;
  return Buffer.from(value, "base64");
}
