/**
 * Changes to a stretch of protobuf bytes, noted while walking over it and carried out when it is copied. Each edit
 * replaces `[start, end)` by one varint, or by nothing; edits lie in order and do not overlap. The lengths of the
 * messages around a cut are edits too, noted when the message begins and filled in, or taken back, when it ends.
 */
export interface Edits {
  starts: Int32Array;
  ends: Int32Array;
  /** The varint written instead, or `nothing`. */
  values: Int32Array;
  count: number;
  /** By how many bytes the stretch gets shorter. */
  removedBytes: number;
}

const nothing = -1;

export function createEdits(): Edits {
  return {
    starts: new Int32Array(64),
    ends: new Int32Array(64),
    values: new Int32Array(64),
    count: 0,
    removedBytes: 0,
  };
}

export function clearEdits(edits: Edits): void {
  edits.count = 0;
  edits.removedBytes = 0;
}

export function remove(edits: Edits, start: number, end: number): void {
  if (end <= start) return;
  push(edits, start, end, nothing);
  edits.removedBytes += end - start;
}

/** A varint (or one ASCII character) in place of `[start, end)`, which may be empty. */
export function replace(edits: Edits, start: number, end: number, value: number): void {
  push(edits, start, end, value);
  edits.removedBytes += end - start - varintBytes(value);
}

/**
 * Begins a message whose length varint is `[lengthStart, contentStart)`. Returns what `endMessage` wants; the caller
 * keeps `edits.removedBytes` from before the call.
 */
export function beginMessage(edits: Edits, lengthStart: number, contentStart: number): number {
  push(edits, lengthStart, contentStart, nothing);
  return edits.count - 1;
}

export function endMessage(edits: Edits, begun: number, end: number, removedBefore: number): void {
  if (edits.count === begun + 1) {
    edits.count = begun;
    return;
  }
  const contentStart = edits.ends[begun] as number;
  const size = end - contentStart - (edits.removedBytes - removedBefore);
  edits.values[begun] = size;
  edits.removedBytes += contentStart - (edits.starts[begun] as number) - varintBytes(size);
}

function push(edits: Edits, start: number, end: number, value: number): void {
  if (edits.count === edits.starts.length) grow(edits);
  edits.starts[edits.count] = start;
  edits.ends[edits.count] = end;
  edits.values[edits.count] = value;
  edits.count++;
}

function grow(edits: Edits): void {
  for (const name of ["starts", "ends", "values"] as const) {
    const grown = new Int32Array(edits[name].length * 2);
    grown.set(edits[name]);
    edits[name] = grown;
  }
}

export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
