/**
 * Names come again in every record: cells, dimensions, detectors. The same bytes give the same string, so that a name is decoded once,
 * and maps that are asked for it know its hash. A cache of a pure function, of bounded size.
 */

const slots = 8_192;
/** Longer texts are no names. */
const longest = 256;
const bytesBySlot: (Uint8Array | undefined)[] = new Array(slots).fill(undefined);
const textBySlot: string[] = new Array(slots).fill("");
const decoder = new TextDecoder();

/** The text (UTF-8) at [start, end). */
export function knownText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > longest) return decoder.decode(bytes.subarray(start, end));
  let hash = length;
  // FNV-1a.
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  const slot = (hash ^ (hash >>> 15)) & (slots - 1);
  const known = bytesBySlot[slot];
  if (known !== undefined && isSame(known, bytes, start, length)) return textBySlot[slot] as string;
  const own = Uint8Array.from(bytes.subarray(start, end));
  const text = decoder.decode(own);
  bytesBySlot[slot] = own;
  textBySlot[slot] = text;
  return text;
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at++) if (known[at] !== bytes[start + at]) return false;
  return true;
}
