/** Interned texts only grow; now and then those that open windows still use are taken over into a new table. */
import { createTexts, internText, type Texts, textOf } from "../decode/texts.ts";
import { type Candidates, candidate } from "../spans/candidates.ts";
import type { OpenWindows } from "../windows/open-windows.ts";

/** Texts held before they are looked through. */
export const textsLimit = 200_000;

const textColumns = [
  candidate.provider,
  candidate.model,
  candidate.region,
  candidate.operation,
  candidate.responseModel,
  candidate.error,
  candidate.sender,
];

/** A table with the texts of open windows alone; their rows are changed to its ids. */
export function compactTexts(
  texts: Texts,
  windows: OpenWindows,
  others: readonly Candidates[],
): Texts {
  const compact = createTexts();
  const renumber = (id: number) => internText(compact, textOf(texts, id));
  for (const window of windows.byIndex.values()) {
    renumberCandidates(window.candidates, renumber);
    const senders = [...window.senders];
    window.senders.clear();
    for (const [sender, tally] of senders) window.senders.set(renumber(sender), tally);
  }
  for (const candidates of others) renumberCandidates(candidates, renumber);
  return compact;
}

function renumberCandidates(candidates: Candidates, renumber: (id: number) => number): void {
  const { data, stride, count } = candidates;
  for (let at = 0; at < count * stride; at += stride) {
    for (const column of textColumns) data[at + column] = renumber(data[at + column] as number);
    for (let i = candidate.dimensions; i < stride; i++)
      data[at + i] = renumber(data[at + i] as number);
  }
}
