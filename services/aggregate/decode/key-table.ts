/**
 * Attribute names as bytes → small integers, without making a string for any of them: a hash of a few bytes finds the
 * slot, and all bytes are compared only there, four at a time. Names that are not in the table mostly end at an empty slot.
 */
import { viewOf } from "./wire-scan.ts";

export interface KeyTable {
  readonly mask: number;
  /** Number of the name, or −1. */
  readonly slots: Int32Array;
  readonly lengths: Int32Array;
  /** Where a name's words begin: four bytes each, the last one overlapping the one before. */
  readonly starts: Int32Array;
  readonly words: Int32Array;
  /** Names of less than four bytes, as numbers, and their ids. */
  readonly short: ReadonlyMap<number, number>;
}

/** `names[i]` gets the number i. */
export function createKeyTable(names: readonly string[]): KeyTable {
  const encoded = names.map((name) => new TextEncoder().encode(name));
  let size = 64;
  while (size < names.length * 8) size *= 2;
  const slots = new Int32Array(size).fill(-1);
  const starts = new Int32Array(names.length);
  const words: number[] = [];
  const short = new Map<number, number>();
  for (const [id, name] of encoded.entries()) {
    const view = viewOf(name);
    if (name.length < 4) {
      short.set(shortKey(view, 0, name.length), id);
      continue;
    }
    const last = name.length - 4;
    starts[id] = words.length;
    for (let at = 0; at < last; at += 4) words.push(view.getInt32(at, true));
    words.push(view.getInt32(last, true));
    let slot = hashOf(view, 0, name.length) & (size - 1);
    while (slots[slot] !== -1) slot = (slot + 1) & (size - 1);
    slots[slot] = id;
  }
  return {
    mask: size - 1,
    slots,
    starts,
    lengths: Int32Array.from(encoded, (name) => name.length),
    words: Int32Array.from(words),
    short,
  };
}

/** Number of the name that lies at [start, end) of `view`, or −1. */
export function findKey(table: KeyTable, view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length < 4) return table.short.get(shortKey(view, start, end)) ?? -1;
  const { slots, lengths, mask } = table;
  let slot = hashOf(view, start, end) & mask;
  for (;;) {
    const id = slots[slot] as number;
    if (id === -1) return -1;
    if (lengths[id] === length && isKey(table, id, view, start, end)) return id;
    slot = (slot + 1) & mask;
  }
}

/** Whether the name at [start, end) is that of `id`. */
export function isKey(
  table: KeyTable,
  id: number,
  view: DataView,
  start: number,
  end: number,
): boolean {
  const { words } = table;
  let word = table.starts[id] as number;
  const last = end - 4;
  for (let at = start; at < last; at += 4)
    if (words[word++] !== view.getInt32(at, true)) return false;
  return words[word] === view.getInt32(last, true);
}

/** Length and eight bytes: names of attributes differ in their middles and ends. */
function hashOf(view: DataView, start: number, end: number): number {
  const length = end - start;
  const middle = view.getInt32(start + ((length - 4) >> 1), true);
  const hash = Math.imul(
    view.getInt32(end - 4, true) ^ Math.imul(middle ^ length, 0x9e3779b1),
    0x85ebca6b,
  );
  return hash ^ (hash >>> 15);
}

function shortKey(view: DataView, start: number, end: number): number {
  let key = end - start;
  for (let at = start; at < end; at++) key = key * 256 + view.getUint8(at);
  return key;
}
