/** Attribute values as text, as the Collector's exporters write them: scalars plain, bytes in base64, lists and pairs as JSON. */
import type { ContentRules } from "./content-rules.ts";
import { emptyPair, emptyValue, readPair, readValue, type Value, valueKind } from "./value.ts";
import {
  type Cursor,
  fieldBits,
  invalid,
  readLength,
  readSize,
  skipOther,
  textAt,
} from "./wire.ts";

/** Values may be nested this deep; ingest refuses half of it. */
const maxDepth = 64;

/** Throws `record_invalid` where a list is malformed or nested too deep. */
export function textOfValue(cursor: Cursor, value: Value, rules: ContentRules): string {
  switch (value.kind) {
    case valueKind.none:
      return "";
    case valueKind.text:
      return textAt(cursor, value.start, value.end);
    case valueKind.double:
      return textOfDouble(value.number);
    case valueKind.bytes:
      return cursor.bytes.toString("base64", value.start, value.end);
    default:
      return jsonOfValue(cursor, value, rules, 0);
  }
}

export function textOfInteger(low: number, high: number): string {
  if (high === 0) return String(low);
  return String(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
}

function textOfDouble(number: number): string {
  if (number === Number.POSITIVE_INFINITY) return "+Inf";
  return number === Number.NEGATIVE_INFINITY ? "-Inf" : String(number);
}

function jsonOfValue(cursor: Cursor, value: Value, rules: ContentRules, depth: number): string {
  switch (value.kind) {
    case valueKind.none:
      return "null";
    case valueKind.flag:
      return value.low === 0 && value.high === 0 ? "false" : "true";
    case valueKind.integer:
      return textOfInteger(value.low, value.high);
    case valueKind.double:
      return Number.isFinite(value.number)
        ? String(value.number)
        : JSON.stringify(textOfDouble(value.number));
    case valueKind.list:
      return jsonOfList(cursor, value, rules, depth);
    case valueKind.pairs:
      return jsonOfPairs(cursor, value, rules, depth);
    default:
      return JSON.stringify(textOfValue(cursor, value, rules));
  }
}

const elementFields = fieldBits(1);

function jsonOfList(cursor: Cursor, list: Value, rules: ContentRules, depth: number): string {
  if (depth >= maxDepth) invalid(list.start, `is nested deeper than ${maxDepth} levels`);
  const { end } = list;
  const element = emptyValue();
  const parts: string[] = [];
  for (cursor.at = list.start; cursor.at < end; ) {
    const tag = readSize(cursor, end);
    if (tag !== 0x0a) {
      skipOther(cursor, tag, end, elementFields);
      continue;
    }
    const elementEnd = readLength(cursor, end);
    readValue(cursor, cursor.at, elementEnd, element);
    parts.push(jsonOfValue(cursor, element, rules, depth + 1));
    cursor.at = elementEnd;
  }
  return `[${parts.join(",")}]`;
}

function jsonOfPairs(cursor: Cursor, pairs: Value, rules: ContentRules, depth: number): string {
  if (depth >= maxDepth) invalid(pairs.start, `is nested deeper than ${maxDepth} levels`);
  const { end } = pairs;
  const pair = emptyPair();
  const value = emptyValue();
  const parts: string[] = [];
  for (cursor.at = pairs.start; cursor.at < end; ) {
    const tag = readSize(cursor, end);
    if (tag !== 0x0a) {
      skipOther(cursor, tag, end, elementFields);
      continue;
    }
    const pairEnd = readLength(cursor, end);
    readPair(cursor, cursor.at, pairEnd, pair);
    const key = textAt(cursor, pair.keyStart, pair.keyEnd);
    readValue(cursor, pair.valueStart, pair.valueEnd, value);
    const kept = rules.apply(cursor, rules.ruleOf(key), value);
    if (kept !== undefined)
      parts.push(
        `${JSON.stringify(key)}:${typeof kept === "string" ? JSON.stringify(kept) : jsonOfValue(cursor, value, rules, depth + 1)}`,
      );
    cursor.at = pairEnd;
  }
  return `{${parts.join(",")}}`;
}
