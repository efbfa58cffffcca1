/**
 * The attributes of one span that have columns of their own. A value is taken only if its column gives back exactly what came;
 * all else goes among the other attributes.
 */
import type { BlockColumns } from "../../history/native-block.ts";
import { spanAttributeColumns, type spansTable } from "../../history/tables.ts";
import { type Names, nameColumn } from "./names.ts";
import { emptyValue, readValue, type Value, valueKind } from "./value.ts";
import { type Cursor, readLength, readSize } from "./wire.ts";

export interface TypedSlots {
  /** Slot of an attribute; −1: none. */
  slotOf(attribute: string): number;
  /** Writes the value of a row, counted within the block. False: it does not fit, or the span has the attribute already. */
  take(slot: number, value: Value, row: number): boolean;
  /** To be called when the columns were cleared. */
  forget(): void;
}

type Columns = BlockColumns<typeof spansTable>;

/** One column, which is sparse: rows that have no value cost nothing here. */
interface Slot {
  take(value: Value, row: number): boolean;
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
    if ("pushPosition" in column) add(attribute, nameSlot(cursor, names, column));
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
    take: (slot, value, row) => (slots[slot] as Slot).take(value, row),
    forget() {
      for (const slot of slots) slot.forget?.();
    },
  };
}

/** Texts with few values. Empty ones and long ones stay among the other attributes. */
function nameSlot(cursor: Cursor, names: Names, column: Columns["server_address"]): Slot {
  const { push, forget } = nameColumn(column, names);
  return {
    take(value, row) {
      if (value.kind !== valueKind.text || value.start === value.end || column.length > row)
        return false;
      const name = names.find(cursor, value.start, value.end);
      if (name < 0) return false;
      column.padTo(row);
      push(name);
      return true;
    },
    forget,
  };
}

function textSlot(cursor: Cursor, column: Columns["gen_ai_response_id"]): Slot {
  return {
    take(value, row) {
      if (value.kind !== valueKind.text || value.start === value.end || column.length > row)
        return false;
      column.padTo(row);
      column.pushBytes(cursor.bytes, value.start, value.end);
      return true;
    },
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
    take(value, row) {
      const { kind, start, end } = value;
      if (kind !== valueKind.list || start === end || column.length > row) return false;
      if (!eachText(start, end, nothing)) return false;
      column.padTo(row);
      eachText(start, end, push);
      column.endRow();
      return true;
    },
    forget: elements.forget,
  };
}

/** −1 stands for absent, so it is never stored here itself. */
function integerSlot(column: Columns["server_port"]): Slot {
  return {
    take({ kind, low, high }, row) {
      const isAbsent = low === 0xffff_ffff && high === 0xffff_ffff;
      if (kind !== valueKind.integer || isAbsent || column.length > row) return false;
      column.padTo(row);
      column.pushHalves(low, high);
      return true;
    },
  };
}

/** Doubles, and whole numbers that read the same as a double: SDKs send `1` for a temperature of 1. */
function floatSlot(column: Columns["gen_ai_request_temperature"]): Slot {
  return {
    take({ kind, number, low, high }, row) {
      if (column.length > row) return false;
      let held = Number.NaN;
      if (kind === valueKind.double) held = number;
      else if (kind === valueKind.integer && high === 0 && low < 2 ** 31) held = low;
      if (Number.isNaN(held)) return false;
      column.padTo(row);
      column.push(held);
      return true;
    },
  };
}
