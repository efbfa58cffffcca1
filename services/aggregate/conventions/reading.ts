/** How conventions look at a span: attribute values as interned texts or numbers, taken only when asked for. */
import { type AttributeSlots, firstListText, valueKind } from "../decode/attributes.ts";
import type { SpanReading } from "../decode/span-reader.ts";
import { internBytes, internText, type Texts } from "../decode/texts.ts";
import type { Scan } from "../decode/wire-scan.ts";

export interface Reading {
  bytes: Uint8Array;
  readonly scan: Scan;
  readonly span: SpanReading;
  readonly attributes: AttributeSlots;
  readonly resource: AttributeSlots;
  texts: Texts;
  /** Interned name of the instrumentation scope. */
  scope: number;
}

/**
 * Interned text of an attribute, 0 where it is absent or empty. Lists give their first text, numbers their decimal form.
 */
export function textIn(reading: Reading, slots: AttributeSlots, field: number): number {
  const kind = slots.kinds[field];
  if (kind === valueKind.none || kind === undefined) return 0;
  if (slots.idsOf[field] === slots.reading) return slots.ids[field] as number;
  const id = internValue(reading, slots, field);
  slots.ids[field] = id;
  slots.idsOf[field] = slots.reading;
  return id;
}

function internValue(reading: Reading, slots: AttributeSlots, field: number): number {
  const kind = slots.kinds[field];
  const start = slots.starts[field] as number;
  const end = slots.ends[field] as number;
  if (kind === valueKind.text) return internBytes(reading.texts, reading.scan.view, start, end);
  if (kind === valueKind.list) {
    const itemEnd = firstListText(reading.bytes, start, end, reading.scan);
    return itemEnd < 0
      ? 0
      : internBytes(reading.texts, reading.scan.view, reading.scan.position, itemEnd);
  }
  if (kind === valueKind.flag)
    return internText(reading.texts, slots.numbers[field] === 0 ? "false" : "true");
  if (kind === valueKind.other) return 0;
  return internText(reading.texts, String(slots.numbers[field]));
}

/** First of the fields that has a text, as an interned text; 0 where none has. */
export function firstText(reading: Reading, fields: readonly number[]): number {
  for (let i = 0; i < fields.length; i++) {
    const id = textIn(reading, reading.attributes, fields[i] as number);
    if (id !== 0) return id;
  }
  return 0;
}

/** The span's own attribute or else the resource's, as an interned text; 0 where neither has it. */
export function spanOrResourceText(reading: Reading, field: number): number {
  const id = textIn(reading, reading.attributes, field);
  return id !== 0 ? id : textIn(reading, reading.resource, field);
}

/** A number, also where it was written as text; NaN where there is none. */
export function numberIn(reading: Reading, field: number): number {
  const { attributes } = reading;
  switch (attributes.kinds[field]) {
    case valueKind.integer:
    case valueKind.double:
    case valueKind.flag:
      return attributes.numbers[field] as number;
    case valueKind.text: {
      const text = rawText(reading, field, 32);
      return text.trim() === "" ? Number.NaN : Number(text);
    }
    default:
      return Number.NaN;
  }
}

/** First of the fields that has a number; NaN where none has. */
export function firstNumber(reading: Reading, fields: readonly number[]): number {
  for (let i = 0; i < fields.length; i++) {
    const value = numberIn(reading, fields[i] as number);
    if (!Number.isNaN(value)) return value;
  }
  return Number.NaN;
}

/** Whether any of the fields is true. */
export function isTrue(reading: Reading, fields: readonly number[]): boolean {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as number;
    const kind = reading.attributes.kinds[field];
    if (kind === valueKind.flag || kind === valueKind.integer) {
      if (reading.attributes.numbers[field] !== 0) return true;
    } else if (kind === valueKind.text && rawText(reading, field, 8).toLowerCase() === "true")
      return true;
  }
  return false;
}

/** Whether any of the fields says no, and none yes. */
export function isFalse(reading: Reading, fields: readonly number[]): boolean {
  const { kinds, numbers } = reading.attributes;
  const saysNo = fields.some((field) => kinds[field] === valueKind.flag && numbers[field] === 0);
  return saysNo && !isTrue(reading, fields);
}

const decoder = new TextDecoder();

/** A text attribute that is not worth interning (messages, JSON), at most `limit` bytes of it; empty where absent. */
export function rawText(reading: Reading, field: number, limit: number): string {
  if (reading.attributes.kinds[field] !== valueKind.text) return "";
  const start = reading.attributes.starts[field] as number;
  const end = reading.attributes.ends[field] as number;
  return decodeText(reading.bytes, start, Math.min(end, start + limit));
}

export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return start >= end ? "" : decoder.decode(bytes.subarray(start, end));
}

/** MLflow's texts are JSON: `"gpt-4o"` with its quotes. */
export const withoutQuotes = (text: string): string => text.replace(/^"(.*)"$/, "$1");
