/**
 * Storage of open spans: one row of 16 integers a span in one typed array (a cache line), chained from a hash of its ids and,
 * for forgetting a window at once, from its window.
 */
import { mixBits } from "../decode/texts.ts";

export const column = {
  trace: 0,
  span: 4,
  parent: 6,
  window: 8,
  nextInHash: 9,
  nextInWindow: 10,
  /** Row of the call in its window's candidates, or −1. */
  candidate: 11,
  flags: 12,
  responseHash: 13,
  nextResponse: 14,
  /** Latest window of a call beneath this span, or −1. */
  callBelow: 15,
} as const;

export const stride = 16;

export const rowFlag = {
  placeholder: 1,
  call: 2,
  error: 4,
  /** Four bits: how a failed span that is no call ended, as an index in `outcomes`; 0 where it does not tell. */
  outcomeShift: 3,
  /** Bits above: number of the instrumentation scope. */
  scopeShift: 8,
} as const;

export interface OpenSpans {
  data: Int32Array;
  /** Second halves of the hashes of response ids, by row: 32 bits alike are chance once there are some 100,000 calls. */
  responseTails: Int32Array;
  heads: Int32Array;
  /** By hash of a response id: its latest call, chained through `nextResponse` to earlier ones of any window. */
  responseHeads: Int32Array;
  /** First row of each window's list, chained through `nextInWindow`. */
  readonly lists: Map<number, number>;
  /** First freed row, chained likewise; −1 where there is none. */
  free: number;
  /** Rows ever used, and those in use. */
  rows: number;
  live: number;
  /** Oldest window that has not closed. */
  firstOpen: number;
  readonly horizonWindows: number;
}

export interface SpanIdentity {
  readonly trace0: number;
  readonly trace1: number;
  readonly trace2: number;
  readonly trace3: number;
  readonly span0: number;
  readonly span1: number;
  readonly parent0: number;
  readonly parent1: number;
}

export function createOpenSpans(horizonWindows: number): OpenSpans {
  return {
    data: new Int32Array(1024 * stride),
    responseTails: new Int32Array(1024),
    heads: new Int32Array(1024).fill(-1),
    responseHeads: new Int32Array(1024).fill(-1),
    lists: new Map(),
    free: -1,
    rows: 0,
    live: 0,
    firstOpen: Number.NEGATIVE_INFINITY,
    horizonWindows,
  };
}

export const cell = (open: OpenSpans, row: number, at: number): number =>
  open.data[row * stride + at] as number;

export function setCell(open: OpenSpans, row: number, at: number, value: number): void {
  open.data[row * stride + at] = value;
}

export const hasFlag = (open: OpenSpans, row: number, flag: number): boolean =>
  (cell(open, row, column.flags) & flag) !== 0;

export function hasParent(open: OpenSpans, row: number): boolean {
  return (cell(open, row, column.parent) | cell(open, row, column.parent + 1)) !== 0;
}

const hashOf = (trace0: number, trace3: number, span0: number, span1: number): number =>
  mixBits(trace0 ^ Math.imul(trace3, 31) ^ Math.imul(span0, 0x9e3779b1) ^ span1);

export function findSpan(open: OpenSpans, span: SpanIdentity): number {
  const { data } = open;
  const span0 = span.span0 | 0;
  const span1 = span.span1 | 0;
  const trace0 = span.trace0 | 0;
  const trace1 = span.trace1 | 0;
  const trace2 = span.trace2 | 0;
  const trace3 = span.trace3 | 0;
  const hash = hashOf(trace0, trace3, span0, span1);
  let row = open.heads[hash & (open.heads.length - 1)] as number;
  while (row >= 0) {
    const at = row * stride;
    if (
      data[at + 4] === span0 &&
      data[at + 5] === span1 &&
      data[at] === trace0 &&
      data[at + 1] === trace1 &&
      data[at + 2] === trace2 &&
      data[at + 3] === trace3
    )
      return row;
    row = data[at + column.nextInHash] as number;
  }
  return -1;
}

/** One to be filled, again and again. */
export function createIdentity(): { -readonly [K in keyof SpanIdentity]: number } {
  return {
    trace0: 0,
    trace1: 0,
    trace2: 0,
    trace3: 0,
    span0: 0,
    span1: 0,
    parent0: 0,
    parent1: 0,
  };
}

const wanted = createIdentity();

export function findParent(open: OpenSpans, row: number): number {
  const at = row * stride;
  wanted.trace0 = open.data[at] as number;
  wanted.trace1 = open.data[at + 1] as number;
  wanted.trace2 = open.data[at + 2] as number;
  wanted.trace3 = open.data[at + 3] as number;
  wanted.span0 = open.data[at + 6] as number;
  wanted.span1 = open.data[at + 7] as number;
  return findSpan(open, wanted);
}

export function takeRow(open: OpenSpans, window: number): number {
  let row = open.free;
  if (row >= 0) open.free = cell(open, row, column.nextInWindow);
  else {
    row = open.rows++;
    if (open.rows * stride > open.data.length) {
      const grown = new Int32Array(open.data.length * 2);
      grown.set(open.data);
      open.data = grown;
      const tails = new Int32Array(open.responseTails.length * 2);
      tails.set(open.responseTails);
      open.responseTails = tails;
    }
  }
  open.live++;
  setCell(open, row, column.window, window);
  setCell(open, row, column.nextInHash, -1);
  setCell(open, row, column.nextResponse, -1);
  addToList(open, row, window);
  if (open.live > open.heads.length) growHash(open);
  return row;
}

export function addToList(open: OpenSpans, row: number, window: number): void {
  setCell(open, row, column.nextInWindow, open.lists.get(window) ?? -1);
  open.lists.set(window, row);
}

function bucketOf(open: OpenSpans, row: number): number {
  const at = row * stride;
  const { data } = open;
  return (
    hashOf(
      data[at] as number,
      data[at + 3] as number,
      data[at + 4] as number,
      data[at + 5] as number,
    ) &
    (open.heads.length - 1)
  );
}

export function addToHash(open: OpenSpans, row: number): void {
  const bucket = bucketOf(open, row);
  setCell(open, row, column.nextInHash, open.heads[bucket] as number);
  open.heads[bucket] = row;
}

export function isInHash(open: OpenSpans, wantedRow: number): boolean {
  let row = open.heads[bucketOf(open, wantedRow)] as number;
  while (row >= 0 && row !== wantedRow) row = cell(open, row, column.nextInHash);
  return row >= 0;
}

/** Does nothing for a row that is not in the hash. */
export function dropFromHash(open: OpenSpans, row: number): void {
  const bucket = bucketOf(open, row);
  let before = -1;
  let at = open.heads[bucket] as number;
  while (at >= 0 && at !== row) {
    before = at;
    at = cell(open, at, column.nextInHash);
  }
  if (at < 0) return;
  const next = cell(open, row, column.nextInHash);
  if (before < 0) open.heads[bucket] = next;
  else setCell(open, before, column.nextInHash, next);
}

/** First row of the chain that rows with the response id of `row` are in; others may be in it, too. */
export function responsesHead(open: OpenSpans, row: number): number {
  const hash = cell(open, row, column.responseHash);
  return open.responseHeads[hash & (open.responseHeads.length - 1)] as number;
}

export function addToResponseChain(open: OpenSpans, row: number): void {
  const bucket = cell(open, row, column.responseHash) & (open.responseHeads.length - 1);
  setCell(open, row, column.nextResponse, open.responseHeads[bucket] as number);
  open.responseHeads[bucket] = row;
}

/** Does nothing for a row that is not in its chain. */
export function dropFromResponses(open: OpenSpans, row: number): void {
  const bucket = cell(open, row, column.responseHash) & (open.responseHeads.length - 1);
  let before = -1;
  let at = open.responseHeads[bucket] as number;
  while (at >= 0 && at !== row) {
    before = at;
    at = cell(open, at, column.nextResponse);
  }
  if (at < 0) return;
  const next = cell(open, row, column.nextResponse);
  if (before < 0) open.responseHeads[bucket] = next;
  else setCell(open, before, column.nextResponse, next);
}

/** Twice the buckets. Chains keep their order, newest first. */
function growHash(open: OpenSpans): void {
  const { heads, responseHeads } = open;
  open.heads = new Int32Array(heads.length * 2).fill(-1);
  open.responseHeads = new Int32Array(responseHeads.length * 2).fill(-1);
  addChainsAnew(open, heads, column.nextInHash, addToHash);
  addChainsAnew(open, responseHeads, column.nextResponse, addToResponseChain);
}

function addChainsAnew(
  open: OpenSpans,
  heads: Int32Array,
  next: number,
  add: (open: OpenSpans, row: number) => void,
): void {
  const chain: number[] = [];
  for (let bucket = 0; bucket < heads.length; bucket++) {
    let length = 0;
    for (let row = heads[bucket] as number; row >= 0; row = cell(open, row, next))
      chain[length++] = row;
    while (length > 0) add(open, chain[--length] as number);
  }
}
