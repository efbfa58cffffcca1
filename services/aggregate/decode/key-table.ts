/**
 * Attribute names as bytes → small integers, without making a string for any of them: a hash of a few bytes finds the
 * slot, and all bytes are compared only there. Names that are not in the table mostly end at an empty slot.
 */
export interface KeyTable {
  readonly mask: number;
  /** Number of the name, or −1. */
  readonly slots: Int32Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly bytes: Uint8Array;
}

/** `names[i]` gets the number i. */
export function createKeyTable(names: readonly string[]): KeyTable {
  const encoded = names.map((name) => new TextEncoder().encode(name));
  let size = 64;
  while (size < names.length * 8) size *= 2;
  const slots = new Int32Array(size).fill(-1);
  const starts = new Int32Array(names.length);
  const lengths = new Int32Array(names.length);
  const bytes = new Uint8Array(encoded.reduce((sum, name) => sum + name.length, 0));
  const table: KeyTable = { mask: size - 1, slots, starts, lengths, bytes };
  let start = 0;
  for (const [id, name] of encoded.entries()) {
    starts[id] = start;
    lengths[id] = name.length;
    bytes.set(name, start);
    start += name.length;
    let slot = hashOf(name, 0, name.length) & table.mask;
    while (slots[slot] !== -1) slot = (slot + 1) & table.mask;
    slots[slot] = id;
  }
  return table;
}

/** Number of the name that lies at [start, end) of `bytes`, or −1. */
export function findKey(table: KeyTable, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let slot = hashOf(bytes, start, end) & table.mask;
  for (;;) {
    const id = table.slots[slot] as number;
    if (id === -1) return -1;
    if (table.lengths[id] === length) {
      const known = table.starts[id] as number;
      let at = length - 1;
      while (at >= 0 && table.bytes[known + at] === bytes[start + at]) at--;
      if (at < 0) return id;
    }
    slot = (slot + 1) & table.mask;
  }
}

/** Length and four bytes: names of attributes differ in their ends and middles. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 4) return length === 0 ? 0 : (bytes[start] as number);
  const mixed =
    (bytes[end - 1] as number) |
    ((bytes[end - 4] as number) << 8) |
    ((bytes[start + (length >> 1)] as number) << 16) |
    ((bytes[start + (length >> 2)] as number) << 24);
  const hash = Math.imul(mixed ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
