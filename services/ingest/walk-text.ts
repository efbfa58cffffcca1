import { knownErrorTextBytes } from "../contracts/error-text.ts";
import { findModel } from "../contracts/model-parameter.ts";
import type { Cursor } from "./cursor.ts";
import { remove, replace } from "./edits.ts";
import { checkText } from "./text-check.ts";
import type { WalkState } from "./walk-state.ts";

/** A field with a length: where the length stands, and the content `[start, end)`. */
export interface Stretch {
  readonly lengthAt: number;
  readonly start: number;
  readonly end: number;
}

const modelStart = Buffer.from('{"model":');
const closingBrace = 0x7d;

/** Leaves the first `keptBytes`. */
export function cutStretch({ edits }: WalkState, text: Stretch, keptBytes: number): void {
  replace(edits, text.lengthAt, text.start, keptBytes);
  remove(edits, text.start + keptBytes, text.end);
}

/** Checks a text and cuts it where it is longer than attributes may be, between characters. */
export function walkLimitedText(state: WalkState, text: Stretch): void {
  const { cursor, limits } = state;
  checkText(cursor, text.start, text.end);
  if (text.end - text.start <= limits.maxAttributeBytes) return;
  cutStretch(state, text, fittingBytes(cursor, text.start, limits.maxAttributeBytes));
  state.cuts.tooLong++;
}

function fittingBytes({ bytes }: Cursor, start: number, limit: number): number {
  let end = start + limit;
  while (end > start && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return end - start;
}

/** Leaves what an error text says in known words. */
export function walkErrorText(state: WalkState, text: Stretch): void {
  const { cursor, limits, cuts } = state;
  checkText(cursor, text.start, text.end);
  if (limits.keepContent) return;
  const kept = knownErrorTextBytes(cursor.bytes, text.start, text.end);
  if (kept === text.end - text.start) return;
  cutStretch(state, text, kept);
  cuts.content++;
}

/** Leaves `{"model":"…"}` of JSON; false where it names no model. */
export function keepModelOnly({ cursor, edits, cuts }: WalkState, text: Stretch): boolean {
  const model = findModel(cursor.bytes, text.start, text.end);
  if (model === undefined) return false;
  replace(edits, text.lengthAt, text.start, modelStart.length + model.end - model.start + 1);
  for (let i = 0; i < modelStart.length; i++) {
    const isLast = i === modelStart.length - 1;
    replace(edits, text.start, isLast ? model.start : text.start, modelStart[i] as number);
  }
  replace(edits, model.end, text.end, closingBrace);
  cuts.content++;
  return true;
}
