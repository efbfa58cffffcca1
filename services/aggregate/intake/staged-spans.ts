/** Spans of one record between reading and putting: plain columns, used again for every record. */
import type { SpanReading } from "../decode/span-reader.ts";
import type { SpanIdentity } from "../spans/span-rows.ts";

export interface StagedSpans {
  count: number;
  /** Eight words a span: trace id, span id, parent id. */
  ids: Int32Array;
  times: Float64Array;
  flags: Int32Array;
  responses: Int32Array;
  responseTails: Int32Array;
  senders: Int32Array;
  /** Number of its staged candidate, or −1. */
  candidates: Int32Array;
}

interface StagedFacts {
  readonly timeMs: number;
  readonly flags: number;
  readonly responseHash: number;
  readonly responseTail: number;
  readonly sender: number;
  readonly candidate: number;
}

export function createStagedSpans(): StagedSpans {
  return { count: 0, ...columns(1024) };
}

export function stageSpan(staged: StagedSpans, span: SpanReading, facts: StagedFacts): void {
  const item = staged.count++;
  if (item >= staged.times.length) grow(staged);
  const { ids } = staged;
  const at = item * 8;
  ids[at] = span.trace0;
  ids[at + 1] = span.trace1;
  ids[at + 2] = span.trace2;
  ids[at + 3] = span.trace3;
  ids[at + 4] = span.span0;
  ids[at + 5] = span.span1;
  ids[at + 6] = span.parent0;
  ids[at + 7] = span.parent1;
  staged.times[item] = facts.timeMs;
  staged.flags[item] = facts.flags;
  staged.responses[item] = facts.responseHash;
  staged.responseTails[item] = facts.responseTail;
  staged.senders[item] = facts.sender;
  staged.candidates[item] = facts.candidate;
}

export function readIdentity(
  staged: StagedSpans,
  item: number,
  into: { -readonly [K in keyof SpanIdentity]: number },
): void {
  const { ids } = staged;
  const at = item * 8;
  into.trace0 = ids[at] as number;
  into.trace1 = ids[at + 1] as number;
  into.trace2 = ids[at + 2] as number;
  into.trace3 = ids[at + 3] as number;
  into.span0 = ids[at + 4] as number;
  into.span1 = ids[at + 5] as number;
  into.parent0 = ids[at + 6] as number;
  into.parent1 = ids[at + 7] as number;
}

function columns(size: number) {
  return {
    ids: new Int32Array(size * 8),
    times: new Float64Array(size),
    flags: new Int32Array(size),
    responses: new Int32Array(size),
    responseTails: new Int32Array(size),
    senders: new Int32Array(size),
    candidates: new Int32Array(size),
  };
}

function grow(staged: StagedSpans): void {
  const grown = columns(staged.times.length * 2);
  for (const [name, column] of Object.entries(grown) as [keyof typeof grown, Float64Array][])
    column.set(staged[name]);
  Object.assign(staged, grown);
}
