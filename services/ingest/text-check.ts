import { isUtf8 } from "node:buffer";
import { type Cursor, fail } from "./cursor.ts";

/** From this length on, the call into native code is faster than looking at words. */
const nativeBytes = 96;

/** Fails unless `[start, end)` is UTF-8. Most texts are short and ASCII. */
export function checkText(cursor: Cursor, start: number, end: number): void {
  if (end - start < nativeBytes && isAscii(cursor, start, end)) return;
  if (!isUtf8(cursor.bytes.subarray(start, end))) fail(cursor, start, "is not valid UTF-8");
}

export function isAscii({ bytes, view }: Cursor, start: number, end: number): boolean {
  let bits = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) bits |= view.getInt32(at, true);
  for (; at < end; at++) bits |= bytes[at] as number;
  return (bits & 0x80808080) === 0;
}
