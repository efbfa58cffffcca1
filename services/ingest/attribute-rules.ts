import { isUtf8 } from "node:buffer";
import { type AttributeRule, attributeClassifier } from "./content-attributes.ts";

/** Finds the rule of an attribute by the bytes of its name; names seen before are not decoded again. */
export interface AttributeRules {
  /** `bytes[start, end)` is the name; undefined when it is not UTF-8. */
  find(bytes: Buffer, start: number, end: number): AttributeRule | undefined;
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
  let arenaUsed = 0;

  function isSame(entry: number, bytes: Buffer, start: number, length: number): boolean {
    if (lengths[entry] !== length) return false;
    const at = starts[entry] as number;
    for (let i = 0; i < length; i++) if (arena[at + i] !== bytes[start + i]) return false;
    return true;
  }

  function remember(slot: number, hash: number, name: Buffer, rule: AttributeRule): void {
    let place = slot;
    if (rules.length === maxNames || arenaUsed + name.length > arenaBytes) {
      places.fill(-1);
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
    find(bytes, start, end) {
      const hash = hashName(bytes, start, end);
      let slot = hash & (slots - 1);
      for (;;) {
        const entry = places[slot] as number;
        if (entry < 0) break;
        if (hashes[entry] === hash && isSame(entry, bytes, start, end - start))
          return rules[entry] as AttributeRule;
        slot = (slot + 1) & (slots - 1);
      }
      const name = bytes.subarray(start, end);
      if (!isUtf8(name)) return undefined;
      const rule = classify(name.toString("utf8"), isGenAiEvent);
      if (name.length <= maxCachedNameBytes) remember(slot, hash, name, rule);
      return rule;
    },
  };
}

function hashName(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (const stop = end - 3; at < stop; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 13);
}
