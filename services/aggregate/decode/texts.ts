/**
 * Interned texts: the same bytes give the same small integer, so that everything after decoding works on integers.
 * Ids are a cache and never leave the process. Number 0 is the empty text. What is kept is fit for a key: control
 * characters (among them the separator of cell keys) become spaces, and long texts are cut.
 */
import { viewOf } from "./wire-scan.ts";

export interface Texts {
  slots: Int32Array;
  /** Per entry (one for each distinct byte string): where its bytes lie, its hash and its id. */
  starts: Int32Array;
  lengths: Int32Array;
  hashes: Int32Array;
  ids: Int32Array;
  entries: number;
  bytes: Uint8Array;
  view: DataView;
  bytesUsed: number;
  /** By id. */
  readonly values: string[];
  readonly byValue: Map<string, number>;
  /** What was worked out of a text, by the number of the work and the text's id: see `memo.ts`. */
  readonly memos: Int32Array[];
}

/** Longest text kept, UTF-16 units. */
const textLimit = 256;

const decoder = new TextDecoder();
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
const controls = /[\u0000-\u001f\u007f]/g;

export function createTexts(): Texts {
  const bytes = new Uint8Array(16 * 1024);
  return {
    slots: new Int32Array(1024).fill(-1),
    starts: new Int32Array(512),
    lengths: new Int32Array(512),
    hashes: new Int32Array(512),
    ids: new Int32Array(512),
    entries: 0,
    bytes,
    view: viewOf(bytes),
    bytesUsed: 0,
    values: [""],
    byValue: new Map([["", 0]]),
    memos: [],
  };
}

/** Id of the bytes at [start, end) of `view`. */
export function internBytes(texts: Texts, view: DataView, start: number, end: number): number {
  if (start >= end) return 0;
  const length = end - start;
  const hash = hashWords(view, start, end);
  const { slots, hashes, lengths, starts } = texts;
  const mask = slots.length - 1;
  let slot = hash & mask;
  for (;;) {
    const entry = slots[slot] as number;
    if (entry === -1) break;
    if (
      hashes[entry] === hash &&
      lengths[entry] === length &&
      isSame(texts.view, starts[entry] as number, view, start, length)
    )
      return texts.ids[entry] as number;
    slot = (slot + 1) & mask;
  }
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length);
  const id = internText(texts, decoder.decode(bytes));
  remember(texts, slot, { bytes, hash, id });
  return id;
}

/** Four bytes at a time; the last four may overlap those before. */
function hashWords(view: DataView, start: number, end: number): number {
  let hash = end - start;
  if (hash < 4) {
    for (let at = start; at < end; at++) hash = hash * 256 + view.getUint8(at);
    return mixBits(hash);
  }
  const last = end - 4;
  for (let at = start; at < last; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ view.getInt32(last, true), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function isSame(
  left: DataView,
  leftStart: number,
  right: DataView,
  rightStart: number,
  length: number,
): boolean {
  if (length < 4) {
    for (let at = 0; at < length; at++)
      if (left.getUint8(leftStart + at) !== right.getUint8(rightStart + at)) return false;
    return true;
  }
  const last = length - 4;
  for (let at = 0; at < last; at += 4)
    if (left.getInt32(leftStart + at, true) !== right.getInt32(rightStart + at, true)) return false;
  return left.getInt32(leftStart + last, true) === right.getInt32(rightStart + last, true);
}

/** Id of a text that did not come as bytes. */
export function internText(texts: Texts, text: string): number {
  // What is held is clean, so a text that is held as it came needs no cleaning.
  const asItCame = texts.byValue.get(text);
  if (asItCame !== undefined) return asItCame;
  const clean = cleanText(text);
  const before = texts.byValue.get(clean);
  if (before !== undefined) return before;
  const id = texts.values.length;
  texts.values.push(clean);
  texts.byValue.set(clean, id);
  return id;
}

export function textOf(texts: Texts, id: number): string {
  return texts.values[id] ?? "";
}

/** Distinct byte strings and texts held: what a bound is put on. */
export function textsHeld(texts: Texts): number {
  return texts.entries + texts.values.length;
}

function cleanText(text: string): string {
  const cut = text.length > textLimit ? text.slice(0, textLimit) : text;
  return cut.replace(controls, " ").trim();
}

/** FNV-1a over all bytes, finished as in MurmurHash3. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return mixBits(hash);
}

/** Another hash, of which bytes that share the first know nothing: with a turn (FxHash), since FNV with another seed is not independent. */
export function secondHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++)
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ (bytes[at] as number), 0x27220a95);
  return mixBits(hash);
}

/** Spreads the bits of an integer (MurmurHash3's finaliser). */
export function mixBits(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function remember(
  texts: Texts,
  slot: number,
  found: { readonly bytes: Uint8Array; readonly hash: number; readonly id: number },
): void {
  const entry = texts.entries++;
  if (entry >= texts.starts.length) growEntries(texts);
  if (texts.bytesUsed + found.bytes.length > texts.bytes.length) {
    const grown = new Uint8Array(
      Math.max(texts.bytes.length * 2, texts.bytesUsed + found.bytes.length),
    );
    grown.set(texts.bytes);
    texts.bytes = grown;
    texts.view = viewOf(grown);
  }
  texts.bytes.set(found.bytes, texts.bytesUsed);
  texts.starts[entry] = texts.bytesUsed;
  texts.lengths[entry] = found.bytes.length;
  texts.hashes[entry] = found.hash;
  texts.ids[entry] = found.id;
  texts.bytesUsed += found.bytes.length;
  texts.slots[slot] = entry;
  if (texts.entries * 2 > texts.slots.length) growSlots(texts);
}

function growEntries(texts: Texts): void {
  const size = texts.starts.length * 2;
  const copy = (from: Int32Array) => {
    const grown = new Int32Array(size);
    grown.set(from);
    return grown;
  };
  texts.starts = copy(texts.starts);
  texts.lengths = copy(texts.lengths);
  texts.hashes = copy(texts.hashes);
  texts.ids = copy(texts.ids);
}

function growSlots(texts: Texts): void {
  const slots = new Int32Array(texts.slots.length * 2).fill(-1);
  const mask = slots.length - 1;
  for (let entry = 0; entry < texts.entries; entry++) {
    let slot = (texts.hashes[entry] as number) & mask;
    while (slots[slot] !== -1) slot = (slot + 1) & mask;
    slots[slot] = entry;
  }
  texts.slots = slots;
}
