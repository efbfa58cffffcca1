import type { LowCardinalityColumn } from "../../history/native-text.ts";
import { type Cursor, textAt } from "./wire.ts";

/**
 * Short texts that come again and again (attribute names, models, span names), by their bytes: the same bytes give the
 * same small number, without making a string. Numbers hold until `makeRoom` forgets them all; 0 is the empty text.
 */
export interface Names {
  /** Number of the text at [start, end); −1 when it is too long to be kept, or there is no room. */
  find(cursor: Cursor, start: number, end: number): number;
  /** Whether the text at [start, end) is that of a number; −1 is none. */
  isText(name: number, cursor: Cursor, start: number, end: number): boolean;
  text(name: number): string;
  /** To be called between spans: forgets all when little room is left. */
  makeRoom(): void;
  /** `forget` is called when numbers lose their meaning. */
  onForgotten(forget: () => void): void;
}

export const nameCapacity = 8_192;
/** Names that one span may need. */
const spare = 1_024;
const slots = nameCapacity * 2;
const arenaBytes = 1024 * 1024;
const longestBytes = 256;

export function createNames(): Names {
  const places = new Int32Array(slots).fill(-1);
  const hashes = new Int32Array(nameCapacity);
  const starts = new Int32Array(nameCapacity);
  const lengths = new Int32Array(nameCapacity);
  const texts: string[] = [""];
  const arena = new Uint8Array(arenaBytes);
  const arenaView = new DataView(arena.buffer);
  const listeners: (() => void)[] = [];
  let count = 1;
  let arenaUsed = 0;

  function isText(name: number, { bytes, view }: Cursor, start: number, end: number): boolean {
    const length = end - start;
    if (name < 0 || lengths[name] !== length) return false;
    const known = starts[name] as number;
    let i = 0;
    for (; i + 4 <= length; i += 4)
      if (arenaView.getInt32(known + i, true) !== view.getInt32(start + i, true)) return false;
    for (; i < length; i++) if (arena[known + i] !== bytes[start + i]) return false;
    return true;
  }

  function remember(
    slot: number,
    hash: number,
    cursor: Cursor,
    start: number,
    end: number,
  ): number {
    const length = end - start;
    if (count === nameCapacity || arenaUsed + length > arenaBytes) return -1;
    const name = count++;
    hashes[name] = hash;
    starts[name] = arenaUsed;
    lengths[name] = length;
    arena.set(cursor.bytes.subarray(start, end), arenaUsed);
    arenaUsed += length;
    texts.push(textAt(cursor, start, end));
    places[slot] = name;
    return name;
  }

  return {
    isText,
    find(cursor, start, end) {
      if (start === end) return 0;
      if (end - start > longestBytes) return -1;
      const hash = hashText(cursor, start, end);
      let slot = hash & (slots - 1);
      for (;;) {
        const name = places[slot] as number;
        if (name < 0) return remember(slot, hash, cursor, start, end);
        if (hashes[name] === hash && isText(name, cursor, start, end)) return name;
        slot = (slot + 1) & (slots - 1);
      }
    },
    text: (name) => texts[name] ?? "",
    makeRoom() {
      if (count + spare <= nameCapacity && arenaUsed + spare * 64 <= arenaBytes) return;
      places.fill(-1);
      count = 1;
      texts.length = 1;
      arenaUsed = 0;
      for (const forget of listeners) forget();
    },
    onForgotten: (forget) => {
      listeners.push(forget);
    },
  };
}

/** Any function will do that spreads texts over the table; nothing depends on its values. */
function hashText({ bytes, view }: Cursor, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 13);
}

/** A low-cardinality column that takes names by number. */
export interface NameColumn {
  push(name: number): void;
  /** The text at [start, end), kept as a name or not. */
  pushText(cursor: Cursor, start: number, end: number): void;
  /** To be called when the column was cleared. */
  forget(): void;
}

export function nameColumn(column: LowCardinalityColumn, names: Names): NameColumn {
  const positions = new Int32Array(nameCapacity).fill(-1);
  const forget = () => {
    positions.fill(-1);
  };
  names.onForgotten(forget);
  function push(name: number): void {
    let position = positions[name] as number;
    if (position < 0) {
      position = column.position(names.text(name));
      positions[name] = position;
    }
    column.pushPosition(position);
  }
  return {
    push,
    forget,
    pushText(cursor, start, end) {
      const name = names.find(cursor, start, end);
      if (name >= 0) push(name);
      else column.push(textAt(cursor, start, end));
    },
  };
}
