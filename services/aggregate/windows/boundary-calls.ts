/**
 * Calls that ended shortly before a window's end, kept until the next one closes: another library may tell of them in that one. They
 * are kept as they came, before anything is decided of them, so that a task that begins again before a window's end has the same.
 */
import {
  appendCandidate,
  type Candidates,
  candidate,
  candidateKind,
  createCandidates,
} from "../spans/candidates.ts";
import { boundaryMs } from "./nameless-pairs.ts";

/** Of the last window that closed, and of the one that is about to. */
export interface Boundary {
  last: { index: number; readonly calls: Candidates };
  next: { index: number; readonly calls: Candidates };
}

const none = Number.NEGATIVE_INFINITY;

export function createBoundary(dimensionCount: number): Boundary {
  const empty = () => ({ index: none, calls: createCandidates(dimensionCount) });
  return { last: empty(), next: empty() };
}

/** Takes the calls of a window that is about to close. */
export function keepBoundary(
  boundary: Boundary,
  candidates: Candidates,
  window: { readonly index: number; readonly endMs: number },
): void {
  const { last } = boundary;
  boundary.last = boundary.next;
  boundary.next = last;
  last.index = window.index;
  last.calls.count = 0;
  const { data, stride, count } = candidates;
  for (let at = 0; at < count * stride; at += stride) {
    if (data[at + candidate.kind] !== candidateKind.call) continue;
    const startMs = data[at + candidate.startMs] as number;
    const endMs = startMs + (data[at + candidate.durationUs] as number) / 1e3;
    if (endMs >= window.endMs - boundaryMs) appendCandidate(last.calls, candidates, at);
  }
}

/** The calls at the end of the window before; undefined where nothing came for that one. */
export function boundaryBefore({ last }: Boundary, index: number): Candidates | undefined {
  return last.index === index - 1 ? last.calls : undefined;
}

export function callsOf({ last, next }: Boundary): readonly Candidates[] {
  return [last.calls, next.calls];
}
