/** Where the children of a message lie. */

/** What is noted of a child: the position of its tag, its length, its start and its end, and its field number. */
export const noteSize = 5;

/** Children of a level, `noteSize` numbers each; used again for every request. */
export interface Notes {
  numbers: Int32Array;
  length: number;
}

export const createNotes = (): Notes => ({ numbers: new Int32Array(64 * noteSize), length: 0 });

export function pushNote(
  notes: Notes,
  tagAt: number,
  lengthAt: number,
  start: number,
  end: number,
  field: number,
): void {
  const at = notes.length;
  if (at + noteSize > notes.numbers.length) {
    const grown = new Int32Array(notes.numbers.length * 2);
    grown.set(notes.numbers);
    notes.numbers = grown;
  }
  const { numbers } = notes;
  numbers[at] = tagAt;
  numbers[at + 1] = lengthAt;
  numbers[at + 2] = start;
  numbers[at + 3] = end;
  numbers[at + 4] = field;
  notes.length = at + noteSize;
}
