/**
 * The attributes of one span that have columns of their own. A value is taken only if its column gives back exactly what came;
 * all else goes among the other attributes.
 */
import type { BlockColumns } from "../../history/native-block.ts";
import { spanAttributeColumns, type spansTable } from "../../history/tables.ts";
import { type NameColumn, type Names, nameColumn } from "./names.ts";
import { emptyValue, readValue, type Value, valueKind } from "./value.ts";
import { type Cursor, readLength, readSize } from "./wire.ts";

export interface TypedSlots {
  /** Slot of an attribute; −1: none. */
  slotOf(attribute: string): number;
  /** False: the value does not fit, or the span has the attribute already. */
  take(slot: number, value: Value): boolean;
  /** Writes the span's row of every column, and empties the slots. */
  endRow(): void;
  /** Empties the slots of a span that was left half way. */
  clear(): void;
  /** To be called when the columns were cleared. */
  forget(): void;
}

type Columns = BlockColumns<typeof spansTable>;

/** What one column does with its slot. */
interface Slot {
  take(value: Value): boolean;
  endRow(): void;
  clear(): void;
  forget?(): void;
}

export function createTypedSlots(cursor: Cursor, names: Names, columns: Columns): TypedSlots {
  const slots: Slot[] = [];
  const byAttribute = new Map<string, number>();
  const add = (attribute: string, slot: Slot) => {
    byAttribute.set(attribute, slots.length);
    slots.push(slot);
  };
  for (const [attribute, name] of Object.entries(spanAttributeColumns.text)) {
    const column = columns[name];
    if ("pushPosition" in column)
      add(attribute, nameSlot(cursor, names, nameColumn(column, names)));
    else add(attribute, textSlot(cursor, column));
  }
  for (const [attribute, name] of Object.entries(spanAttributeColumns.texts))
    add(attribute, textsSlot(cursor, names, columns[name]));
  for (const [attribute, name] of Object.entries(spanAttributeColumns.integer))
    add(attribute, integerSlot(columns[name]));
  for (const [attribute, name] of Object.entries(spanAttributeColumns.float))
    add(attribute, floatSlot(columns[name]));

  return {
    slotOf: (attribute) => byAttribute.get(attribute) ?? -1,
    take: (slot, value) => (slots[slot] as Slot).take(value),
    endRow() {
      for (let i = 0; i < slots.length; i++) (slots[i] as Slot).endRow();
    },
    clear() {
      for (const slot of slots) slot.clear();
    },
    forget() {
      for (const slot of slots) slot.forget?.();
    },
  };
}

/** Texts with few values. Empty ones and long ones stay among the other attributes. */
function nameSlot(cursor: Cursor, names: Names, column: NameColumn): Slot {
  let held = 0;
  const clear = () => {
    held = 0;
  };
  return {
    take(value) {
      if (held !== 0 || value.kind !== valueKind.text || value.start === value.end) return false;
      const name = names.find(cursor, value.start, value.end);
      if (name < 0) return false;
      held = name;
      return true;
    },
    endRow() {
      column.push(held);
      held = 0;
    },
    clear,
    forget: column.forget,
  };
}

function textSlot(cursor: Cursor, column: Columns["gen_ai_response_id"]): Slot {
  let start = 0;
  let end = 0;
  const clear = () => {
    start = end = 0;
  };
  return {
    take(value) {
      if (end !== start || value.kind !== valueKind.text || value.start === value.end) return false;
      start = value.start;
      end = value.end;
      return true;
    },
    endRow() {
      column.pushBytes(cursor.bytes, start, end);
      start = end = 0;
    },
    clear,
  };
}

/** A list of nothing but texts, at least one. */
function textsSlot(
  cursor: Cursor,
  names: Names,
  column: Columns["gen_ai_response_finish_reasons"],
): Slot {
  const elements = nameColumn(column.elements, names);
  const element = emptyValue();
  let start = 0;
  let end = 0;
  const clear = () => {
    start = end = 0;
  };

  /** Calls `each` with the elements; false where one is no text. */
  function eachText(from: number, to: number, each: () => void): boolean {
    for (cursor.at = from; cursor.at < to; ) {
      if (readSize(cursor, to) !== 0x0a) return false;
      const elementEnd = readLength(cursor, to);
      readValue(cursor, cursor.at, elementEnd, element);
      if (element.kind !== valueKind.text) return false;
      each();
      cursor.at = elementEnd;
    }
    return true;
  }
  const nothing = () => {};
  const push = () => elements.pushText(cursor, element.start, element.end);

  return {
    take(value) {
      if (end !== start || value.kind !== valueKind.list || value.start === value.end) return false;
      if (!eachText(value.start, value.end, nothing)) return false;
      start = value.start;
      end = value.end;
      return true;
    },
    endRow() {
      if (end !== start) eachText(start, end, push);
      column.endRow();
      start = end = 0;
    },
    clear,
    forget: elements.forget,
  };
}

/** −1 stands for absent, so it is never stored here itself. */
function integerSlot(column: Columns["server_port"]): Slot {
  let low = 0xffff_ffff;
  let high = 0xffff_ffff;
  const clear = () => {
    low = high = 0xffff_ffff;
  };
  return {
    take(value) {
      const isHeld = low !== 0xffff_ffff || high !== 0xffff_ffff;
      const isAbsent = value.low === 0xffff_ffff && value.high === 0xffff_ffff;
      if (isHeld || isAbsent || value.kind !== valueKind.integer) return false;
      low = value.low;
      high = value.high;
      return true;
    },
    endRow() {
      column.pushHalves(low, high);
      low = high = 0xffff_ffff;
    },
    clear,
  };
}

/** Doubles, and whole numbers that read the same as a double: SDKs send `1` for a temperature of 1. */
function floatSlot(column: Columns["gen_ai_request_temperature"]): Slot {
  let held = Number.NaN;
  const clear = () => {
    held = Number.NaN;
  };
  return {
    take(value) {
      if (!Number.isNaN(held)) return false;
      if (value.kind === valueKind.double) held = value.number;
      else if (value.kind === valueKind.integer && value.high === 0 && value.low < 2 ** 31)
        held = value.low;
      return !Number.isNaN(held);
    },
    endRow() {
      column.push(held);
      held = Number.NaN;
    },
    clear,
  };
}
