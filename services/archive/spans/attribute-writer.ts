/** Writes attributes into a map column; those of a span first try the columns that are named after them. */
import type { MapColumn } from "../../history/native-nested.ts";
import type { ContentRules, SpanContentRules } from "./content-rules.ts";
import type { SpanJudge } from "./judge.ts";
import { type NameColumn, type Names, nameCapacity, nameColumn } from "./names.ts";
import type { TypedSlots } from "./typed-slots.ts";
import { emptyPair, emptyValue, readPair, readValue, type Value, valueKind } from "./value.ts";
import { textOfInteger, textOfValue } from "./value-text.ts";
import { type Cursor, textAt } from "./wire.ts";

export interface AttributeWriter {
  /** A `KeyValue` at [start, end); `place` counts within the span. `row` is the span's, where some have columns of their own. */
  write(start: number, end: number, place: number, row: number): void;
  forget(): void;
}

/** What is known of a name; `unknown` until it is looked up. */
const nameRule = { unknown: 0, keep: 1, other: 2 } as const;
/** Attributes come in the same order span after span: the name at a place is compared before it is looked up. */
const expectedPlaces = 128;

export function createAttributeWriter(options: {
  readonly cursor: Cursor;
  readonly names: Names;
  readonly column: MapColumn;
  readonly rules: ContentRules;
  readonly typed?: TypedSlots;
  /** Hears of the attributes that it asks for. */
  readonly judge?: SpanJudge;
}): AttributeWriter {
  const { cursor, names, column, rules, typed, judge } = options;
  const keys: NameColumn = nameColumn(column.keys, names);
  const { values } = column;
  const ruleOfName = new Uint8Array(nameCapacity);
  const slotOfName = new Int8Array(nameCapacity);
  const fieldOfName = new Int16Array(nameCapacity);
  const expected = new Int32Array(expectedPlaces).fill(-1);
  const pair = emptyPair();
  const value = emptyValue();
  names.onForgotten(() => {
    ruleOfName.fill(nameRule.unknown);
    expected.fill(-1);
  });

  function nameAt(place: number): number {
    const { keyStart, keyEnd } = pair;
    if (place >= expectedPlaces) return names.find(cursor, keyStart, keyEnd);
    const guess = expected[place] as number;
    if (names.isText(guess, cursor, keyStart, keyEnd)) return guess;
    const name = names.find(cursor, keyStart, keyEnd);
    expected[place] = name;
    return name;
  }

  function learn(name: number): number {
    const text = names.text(name);
    const rule = rules.ruleOf(text) === "keep" ? nameRule.keep : nameRule.other;
    ruleOfName[name] = rule;
    slotOfName[name] = typed?.slotOf(text) ?? -1;
    fieldOfName[name] = judge?.fieldOf(text) ?? -1;
    return rule;
  }

  /** Names that are content, or too long to be known. */
  function writeByRule(name: number): void {
    const key = name >= 0 ? names.text(name) : textAt(cursor, pair.keyStart, pair.keyEnd);
    const kept = rules.apply(cursor, rules.ruleOf(key), value);
    if (kept === undefined) return;
    column.keys.push(key);
    if (kept === true) writeValue(value);
    else values.push(kept);
  }

  function writeValue(kept: Value): void {
    if (kept.kind === valueKind.text) values.pushBytes(cursor.bytes, kept.start, kept.end);
    else if (kept.kind === valueKind.integer) values.push(textOfInteger(kept.low, kept.high));
    else values.push(textOfValue(cursor, kept, rules));
  }

  return {
    write(start, end, place, row) {
      readPair(cursor, start, end, pair);
      const name = nameAt(place);
      readValue(cursor, pair.valueStart, pair.valueEnd, value);
      const known = name < 0 ? nameRule.other : (ruleOfName[name] as number);
      const rule = known === nameRule.unknown ? learn(name) : known;
      if (name >= 0 && (fieldOfName[name] as number) >= 0)
        judge?.heed(fieldOfName[name] as number, value);
      if (rule !== nameRule.keep) {
        writeByRule(name);
        return;
      }
      const slot = slotOfName[name] as number;
      if (slot >= 0 && typed?.take(slot, value, row)) return;
      keys.push(name);
      writeValue(value);
    },
    forget: keys.forget,
  };
}

/** Attributes of events and links, which have no columns of their own. */
export function createPlainWriters(
  cursor: Cursor,
  names: Names,
  column: MapColumn,
  rules: SpanContentRules,
): { readonly usual: AttributeWriter; readonly genAiEvent: AttributeWriter } {
  const make = (inner: ContentRules) =>
    createAttributeWriter({ cursor, names, column, rules: inner });
  return { usual: make(rules.usual), genAiEvent: make(rules.genAiEvent) };
}
