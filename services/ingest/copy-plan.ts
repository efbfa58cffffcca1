import { type Edits, varintBytes } from "./edits.ts";

/**
 * What a record will consist of: stretches of the request's bytes and varints between them, kept as pairs of numbers
 * so that each byte is copied once, when everything is known.
 */
export interface CopyPlan {
  /** `[start, end]` of the request, or `[varint, value]`. */
  readonly steps: number[];
  sizeBytes: number;
}

const varint = -1;

export function createPlan(): CopyPlan {
  return { steps: [], sizeBytes: 0 };
}

export function planCopy(plan: CopyPlan, start: number, end: number): void {
  if (end <= start) return;
  const { steps } = plan;
  const last = steps.length - 1;
  // Neighbours become one stretch; the end of a varint step never equals a position that is copied next to it.
  if (last > 0 && steps[last] === start && steps[last - 1] !== varint) steps[last] = end;
  else steps.push(start, end);
  plan.sizeBytes += end - start;
}

/** Returns the step's place, for `setVarint`. */
export function planVarint(plan: CopyPlan, value: number): number {
  plan.steps.push(varint, value);
  plan.sizeBytes += varintBytes(value);
  return plan.steps.length - 1;
}

export function setVarint(plan: CopyPlan, place: number, value: number): void {
  plan.sizeBytes += varintBytes(value) - varintBytes(plan.steps[place] as number);
  plan.steps[place] = value;
}

/** `[start, end)` of the request with the edits, which lie within it, carried out. */
export function planEdited(plan: CopyPlan, edits: Edits, start: number, end: number): void {
  let at = start;
  for (let i = 0; i < edits.count; i++) {
    planCopy(plan, at, edits.starts[i] as number);
    const value = edits.values[i] as number;
    if (value >= 0) planVarint(plan, value);
    at = edits.ends[i] as number;
  }
  planCopy(plan, at, end);
}

/** Appends another plan over the same bytes. */
export function planAll(plan: CopyPlan, other: CopyPlan): void {
  for (let i = 0; i < other.steps.length; i += 2) {
    const first = other.steps[i] as number;
    const second = other.steps[i + 1] as number;
    if (first === varint) planVarint(plan, second);
    else planCopy(plan, first, second);
  }
}

export function carryOut(plan: CopyPlan, bytes: Buffer): Uint8Array {
  const out = Buffer.allocUnsafeSlow(plan.sizeBytes);
  const { steps } = plan;
  let at = 0;
  for (let i = 0; i < steps.length; i += 2) {
    const start = steps[i] as number;
    const end = steps[i + 1] as number;
    if (start !== varint) {
      bytes.copy(out, at, start, end);
      at += end - start;
      continue;
    }
    let rest = end;
    while (rest >= 0x80) {
      out[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    out[at++] = rest;
  }
  return out;
}
