import { isUtf8 } from "node:buffer";
import { type AttributeRule, attributeClassifier } from "../contracts/content-attributes.ts";
import type { Cursor } from "./cursor.ts";

/** Finds the rule of an attribute by the bytes of its name; names seen before are not decoded again. */
export interface AttributeRules {
  /** `[start, end)` of the cursor's bytes is the name; undefined when it is not UTF-8. */
  find(cursor: Cursor, start: number, end: number): AttributeRule | undefined;
  readonly isGenAiEvent: boolean;
}

const slots = 4096;
const maxNames = slots / 2;
const arenaBytes = 128 * 1024;
const maxCachedNameBytes = 256;

/**
 * A hash table over the names' bytes with a bound; when it is full, it starts anew. `extra` are further names of
 * content; undefined keeps all content.
 */
export function createAttributeRules(
  extra: readonly string[] | undefined,
  isGenAiEvent: boolean,
): AttributeRules {
  const classify = extra === undefined ? () => "keep" as const : attributeClassifier(extra);
  const places = new Int32Array(slots).fill(-1);
  const hashes = new Int32Array(maxNames);
  const starts = new Int32Array(maxNames);
  const lengths = new Int32Array(maxNames);
  const rules: AttributeRule[] = [];
  const arena = new Uint8Array(arenaBytes);
  const arenaView = new DataView(arena.buffer);
  let arenaUsed = 0;
  /** Names come in much the same order in every span: which one came behind each, as a first guess. */
  const following = new Int32Array(maxNames).fill(-1);
  let last = 0;

  function isSame(entry: number, { bytes, view }: Cursor, start: number, length: number): boolean {
    if (lengths[entry] !== length) return false;
    const known = starts[entry] as number;
    let i = 0;
    for (; i + 4 <= length; i += 4)
      if (arenaView.getInt32(known + i, true) !== view.getInt32(start + i, true)) return false;
    for (; i < length; i++) if (arena[known + i] !== bytes[start + i]) return false;
    return true;
  }

  function remember(slot: number, hash: number, name: Buffer, rule: AttributeRule): void {
    let place = slot;
    if (rules.length === maxNames || arenaUsed + name.length > arenaBytes) {
      places.fill(-1);
      following.fill(-1);
      last = 0;
      rules.length = 0;
      arenaUsed = 0;
      place = hash & (slots - 1);
    }
    const entry = rules.length;
    hashes[entry] = hash;
    starts[entry] = arenaUsed;
    lengths[entry] = name.length;
    arena.set(name, arenaUsed);
    arenaUsed += name.length;
    rules.push(rule);
    places[place] = entry;
  }

  return {
    isGenAiEvent,
    find(cursor, start, end) {
      const guess = following[last] as number;
      if (guess >= 0 && isSame(guess, cursor, start, end - start)) {
        last = guess;
        return rules[guess];
      }
      const hash = hashName(cursor, start, end);
      let slot = hash & (slots - 1);
      for (;;) {
        const entry = places[slot] as number;
        if (entry < 0) break;
        if (hashes[entry] === hash && isSame(entry, cursor, start, end - start)) {
          following[last] = entry;
          last = entry;
          return rules[entry];
        }
        slot = (slot + 1) & (slots - 1);
      }
      const name = cursor.bytes.subarray(start, end);
      if (!isUtf8(name)) return undefined;
      const rule = classify(name.toString("utf8"), isGenAiEvent);
      if (name.length <= maxCachedNameBytes) remember(slot, hash, name, rule);
      return rule;
    },
  };
}

/** Any function will do that spreads names over the table; nothing depends on its values. */
function hashName({ bytes, view }: Cursor, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 13);
}
