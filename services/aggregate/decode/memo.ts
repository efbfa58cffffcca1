/**
 * Functions of interned texts that are worked out once for each text. What is known is kept with the texts, for several tasks, each
 * with texts of its own, take turns in a process: what one function knew of the texts of one task would be lost at every turn.
 */
import { type Texts, textOf } from "./texts.ts";

/** A value that no work gives. */
const unknown = -2;
let works = 0;

/** `work` gives whole numbers of 32 bits, −2 not among them. */
export function memoized(
  work: (text: string, texts: Texts) => number,
): (texts: Texts, id: number) => number {
  const place = works++;
  return (texts, id) => {
    let known = texts.memos[place];
    if (known === undefined || id >= known.length) known = grow(texts, place, id);
    const before = known[id] as number;
    if (before !== unknown) return before;
    const value = work(textOf(texts, id), texts);
    known[id] = value;
    return value;
  };
}

function grow(texts: Texts, place: number, id: number): Int32Array {
  const { memos } = texts;
  while (memos.length <= place) memos.push(new Int32Array(0));
  const before = memos[place] as Int32Array;
  const grown = new Int32Array(Math.max(64, before.length * 2, id + 1)).fill(unknown);
  grown.set(before);
  memos[place] = grown;
  return grown;
}
