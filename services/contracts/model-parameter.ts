/**
 * Finds the value of the top-level key `"model"` in JSON text, with its quotes, without reading the rest.
 * Undefined unless it is a plain name: such parameters also carry instructions, which must not pass.
 */
export function findModel(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } | undefined {
  let depth = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    if (byte !== quote) {
      at++;
      continue;
    }
    const after = stringEnd(bytes, at, end);
    if (after === undefined) return undefined;
    if (depth === 1 && isModelKey(bytes, at, after)) {
      const colon = skipSpace(bytes, after, end);
      if (bytes[colon] === 0x3a) {
        const value = skipSpace(bytes, colon + 1, end);
        const valueEnd = bytes[value] === quote ? stringEnd(bytes, value, end) : undefined;
        if (valueEnd === undefined || !isPlainName(bytes, value + 1, valueEnd - 1))
          return undefined;
        return { start: value, end: valueEnd };
      }
    }
    at = after;
  }
  return undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const modelKey = Buffer.from('"model"');
const maxNameBytes = 96;

function stringEnd(bytes: Uint8Array, start: number, end: number): number | undefined {
  for (let at = start + 1; at < end; at++) {
    if (bytes[at] === backslash) at++;
    else if (bytes[at] === quote) return at + 1;
  }
  return undefined;
}

function isModelKey(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== modelKey.length) return false;
  for (let i = 0; i < modelKey.length; i++) if (bytes[start + i] !== modelKey[i]) return false;
  return true;
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d)) at++;
  return at;
}

function isPlainName(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || end - start > maxNameBytes) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const isLetterOrDigit =
      (byte >= 0x61 && byte <= 0x7a) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x30 && byte <= 0x39);
    // . : / @ - _
    if (!isLetterOrDigit && ![0x2e, 0x3a, 0x2f, 0x40, 0x2d, 0x5f].includes(byte)) return false;
  }
  return true;
}
