/** OTLP/JSON to protobuf, by the table of messages. The result goes the same way as requests in protobuf. */
import { isUtf8 } from "node:buffer";
import { ForeshockError } from "../contracts/errors.ts";
import type { Signal } from "../contracts/topics.ts";
import { WireWriter } from "../contracts/wire.ts";
import { requestMessages } from "./admission.ts";
import { isPacked, writePacked, writeScalar } from "./json-scalars.ts";
import type { OtlpField, OtlpMessage } from "./otlp-schema.ts";
import { maxValueDepth } from "./walk-state.ts";

/** Deeper than any valid request: the levels around an attribute, and twice two levels for each nested value. */
const maxDepth = 16 + 4 * maxValueDepth;

/**
 * Rules of OTLP/JSON: ids in hexadecimal, other bytes in base64, 64-bit integers as numbers or decimal strings, enums
 * as numbers (names are tolerated), field names in lowerCamelCase (or as in protobuf), unknown names ignored, null as absent.
 * Throws `payload_invalid` naming the place.
 */
export function transcodeJson(signal: Signal, body: Buffer): Uint8Array {
  if (!isUtf8(body)) throw new ForeshockError("payload_invalid", "body is not valid UTF-8");
  const text = body.toString("utf8");
  const writer = new WireWriter();
  const root = requestMessages[signal];
  writeMessage(writer, root, parse(text), { path: "", depth: 0 });
  return writer.finish();
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

/** Integers beyond 2^53 stay as they were written, which costs several times as much: only where there may be some. */
const longInteger = /[:[,]\s*-?\d{16}/;

function parse(text: string): unknown {
  try {
    return longInteger.test(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text);
  } catch (cause) {
    throw new ForeshockError(
      "payload_invalid",
      `body is not valid JSON: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

function exactIntegers(
  this: unknown,
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}

function writeMessage(
  writer: WireWriter,
  message: OtlpMessage,
  value: unknown,
  place: Place,
): void {
  if (place.depth > maxDepth) invalid(place, `is nested deeper than ${maxDepth} levels`);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    invalid(place, `must be an object, got ${describe(value)}`);
  for (const [name, each] of Object.entries(value as Record<string, unknown>)) {
    const field = message.byJsonName.get(name);
    if (field === undefined || each === null || each === undefined) continue;
    const inner = {
      path: place.path === "" ? name : `${place.path}.${name}`,
      depth: place.depth + 1,
    };
    if (!field.isRepeated) writeField(writer, field, each, inner);
    else if (!Array.isArray(each)) invalid(inner, `must be an array, got ${describe(each)}`);
    else writeElements(writer, field, each, inner);
  }
}

function writeElements(
  writer: WireWriter,
  field: OtlpField,
  elements: readonly unknown[],
  place: Place,
): void {
  if (field.scalar !== undefined && isPacked(field.scalar)) {
    const problem = writePacked(writer, { number: field.number, scalar: field.scalar }, elements);
    if (problem !== undefined) invalid(place, `must hold ${problem} only`);
    return;
  }
  elements.forEach((element, index) => {
    writeField(writer, field, element, { ...place, path: `${place.path}[${index}]` });
  });
}

function writeField(writer: WireWriter, field: OtlpField, value: unknown, place: Place): void {
  const { message, scalar } = field;
  if (message !== undefined)
    writer.message(field.number, () => writeMessage(writer, message, value, place));
  else if (scalar !== undefined) {
    const problem = writeScalar(writer, { number: field.number, scalar }, value);
    if (problem !== undefined) invalid(place, `must be ${problem}, got ${describe(value)}`);
  }
}

function invalid(place: Place, reason: string): never {
  throw new ForeshockError(
    "payload_invalid",
    `${place.path === "" ? "body" : place.path} ${reason}`,
  );
}

/** Short, and without the text itself, which may be content. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return `a string of ${value.length} characters`;
  return typeof value === "object" ? "an object" : `${typeof value} ${String(value)}`;
}
