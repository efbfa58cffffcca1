/**
 * Spans of the last windows, by (trace id, span id): for telling repeats, and which calls lie inside which. One row of 16
 * integers a span in one typed array (a cache line), chained from a hash; rows of a window are freed together.
 *
 * Parents usually end, and come, after their children. A span that has a call beneath it leaves a placeholder for its
 * missing parent; the parent finds it on arrival and hands the news on upwards. So each arrival costs a look-up or two.
 *
 * What is remembered of other windows counts only within `horizonWindows`, so that a task that begins again some windows
 * back decides the same.
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
const stride = 16;

export const rowFlag = {
  placeholder: 1,
  call: 2,
  error: 4,
  /** Bits above: number of the instrumentation scope. */
  scopeShift: 8,
} as const;

export interface OpenSpans {
  data: Int32Array;
  heads: Int32Array;
  /** By window and hash of a response id: the first of its calls, chained through `nextResponse`. */
  readonly responses: Map<number, Map<number, number>>;
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

export interface Arrival {
  readonly window: number;
  readonly flags: number;
  readonly candidate: number;
  readonly responseHash: number;
}

/** How far up the spans above a call are followed. */
export const ancestorLimit = 64;

export function createOpenSpans(horizonWindows: number): OpenSpans {
  return {
    data: new Int32Array(1024 * stride),
    heads: new Int32Array(1024).fill(-1),
    responses: new Map(),
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

function setCell(open: OpenSpans, row: number, at: number, value: number): void {
  open.data[row * stride + at] = value;
}

export const hasIdentity = (span: SpanIdentity): boolean =>
  (span.trace0 | span.trace1 | span.trace2 | span.trace3) !== 0 && (span.span0 | span.span1) !== 0;

const hasFlag = (open: OpenSpans, row: number, flag: number): boolean =>
  (cell(open, row, column.flags) & flag) !== 0;

export const isCall = (open: OpenSpans, row: number): boolean => hasFlag(open, row, rowFlag.call);
export const isError = (open: OpenSpans, row: number): boolean => hasFlag(open, row, rowFlag.error);

/** Number of the instrumentation scope. */
export const scopeOf = (open: OpenSpans, row: number): number =>
  cell(open, row, column.flags) >>> rowFlag.scopeShift;

/** Whether an earlier copy of the span is known within the horizon. */
export function isRepeat(open: OpenSpans, span: SpanIdentity, window: number): boolean {
  const row = findSpan(open, span);
  if (row < 0 || hasFlag(open, row, rowFlag.placeholder)) return false;
  return Math.abs(window - cell(open, row, column.window)) <= open.horizonWindows;
}

/** Takes in a span that is no repeat, tells the spans above it of calls at or beneath it, and gives its row. */
export function addSpan(open: OpenSpans, span: SpanIdentity, arrival: Arrival): number {
  const isLinked = hasIdentity(span);
  const known = isLinked ? findSpan(open, span) : -1;
  let below = -1;
  if (known >= 0 && hasFlag(open, known, rowFlag.placeholder)) {
    below = cell(open, known, column.callBelow);
    dropFromHash(open, known);
  }
  const row = takeRow(open, arrival.window);
  const { data } = open;
  const at = row * stride;
  data[at] = span.trace0;
  data[at + 1] = span.trace1;
  data[at + 2] = span.trace2;
  data[at + 3] = span.trace3;
  data[at + 4] = span.span0;
  data[at + 5] = span.span1;
  data[at + 6] = span.parent0;
  data[at + 7] = span.parent1;
  data[at + column.candidate] = arrival.candidate;
  data[at + column.flags] = arrival.flags;
  data[at + column.responseHash] = arrival.responseHash;
  data[at + column.callBelow] = below;
  if (!isLinked) return row;
  addToHash(open, row);
  if (arrival.responseHash !== 0) addToResponses(open, row, arrival.responseHash);
  if ((arrival.flags & rowFlag.call) !== 0) tellAncestors(open, row, arrival.window);
  if (below >= 0 && arrival.window >= below - open.horizonWindows) tellAncestors(open, row, below);
  return row;
}

/** Hands the window of a call up to the spans above `row`, as far as they have come; a missing parent gets a placeholder. */
function tellAncestors(open: OpenSpans, row: number, callWindow: number): void {
  let current = row;
  for (let depth = 0; depth < ancestorLimit && hasParent(open, current); depth++) {
    const parent = findParent(open, current);
    // What is too old for the call might as well be forgotten already: as if it were missing.
    if (parent < 0 || isTooOld(open, parent, callWindow)) {
      addPlaceholder(open, current, callWindow);
      return;
    }
    if (parent === row || cell(open, parent, column.callBelow) >= callWindow) return;
    if (!isCounted(open, parent)) setCell(open, parent, column.callBelow, callWindow);
    if (hasFlag(open, parent, rowFlag.placeholder)) return;
    current = parent;
  }
}

/** A call whose window has closed without knowing of one beneath it was counted, and stays so whatever comes later. */
function isCounted(open: OpenSpans, row: number): boolean {
  const hasClosed = cell(open, row, column.window) < open.firstOpen;
  return hasClosed && isCall(open, row) && !isOuter(open, row);
}

function isTooOld(open: OpenSpans, row: number, window: number): boolean {
  if (hasFlag(open, row, rowFlag.placeholder)) return false;
  return cell(open, row, column.window) < window - open.horizonWindows;
}

/** Next span above that has come and is recent enough to count for something in `window`, or −1. */
export function ancestorOf(open: OpenSpans, row: number, window: number): number {
  if (!hasParent(open, row)) return -1;
  const parent = findParent(open, row);
  if (parent < 0 || parent === row || hasFlag(open, parent, rowFlag.placeholder)) return -1;
  return isTooOld(open, parent, window) ? -1 : parent;
}

/** Whether a call beneath the row was known before its window closed: then it is not the row that counts. */
export function isOuter(open: OpenSpans, row: number): boolean {
  const below = cell(open, row, column.callBelow);
  return below >= 0 && below >= cell(open, row, column.window) - open.horizonWindows;
}

/**
 * Rows of calls whose response ids hash alike, in windows that count for something in `window`: at most `responseLimit` a
 * window, because an id that comes more often than that is none.
 */
export function responsesLike(open: OpenSpans, hash: number, window: number): number[] {
  const rows: number[] = [];
  for (const [other, byHash] of open.responses) {
    if (other < window - open.horizonWindows) continue;
    for (let row = byHash.get(hash) ?? -1; row >= 0; row = cell(open, row, column.nextResponse))
      rows.push(row);
  }
  return rows;
}

const responseLimit = 8;

/** Forgets the spans of a window. A placeholder that a later call has asked for stays with that call's window. */
export function freeWindow(open: OpenSpans, window: number): void {
  let row = open.lists.get(window) ?? -1;
  open.lists.delete(window);
  open.responses.delete(window);
  while (row >= 0) {
    const next = cell(open, row, column.nextInWindow);
    const below = cell(open, row, column.callBelow);
    if (hasFlag(open, row, rowFlag.placeholder) && below > window && isInHash(open, row)) {
      addToList(open, row, below);
    } else {
      dropFromHash(open, row);
      setCell(open, row, column.nextInWindow, open.free);
      open.free = row;
      open.live--;
    }
    row = next;
  }
}

function hasParent(open: OpenSpans, row: number): boolean {
  return (cell(open, row, column.parent) | cell(open, row, column.parent + 1)) !== 0;
}

const hashOf = (trace0: number, trace3: number, span0: number, span1: number): number =>
  mixBits(trace0 ^ Math.imul(trace3, 31) ^ Math.imul(span0, 0x9e3779b1) ^ span1);

function findSpan(open: OpenSpans, span: SpanIdentity): number {
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

const wanted = {
  trace0: 0,
  trace1: 0,
  trace2: 0,
  trace3: 0,
  span0: 0,
  span1: 0,
  parent0: 0,
  parent1: 0,
};

function findParent(open: OpenSpans, row: number): number {
  const at = row * stride;
  wanted.trace0 = open.data[at] as number;
  wanted.trace1 = open.data[at + 1] as number;
  wanted.trace2 = open.data[at + 2] as number;
  wanted.trace3 = open.data[at + 3] as number;
  wanted.span0 = open.data[at + 6] as number;
  wanted.span1 = open.data[at + 7] as number;
  return findSpan(open, wanted);
}

function addPlaceholder(open: OpenSpans, child: number, callWindow: number): void {
  const row = takeRow(open, callWindow);
  const { data } = open;
  const from = child * stride;
  const at = row * stride;
  for (let i = 0; i < 4; i++) data[at + i] = data[from + i] as number;
  data[at + 4] = data[from + 6] as number;
  data[at + 5] = data[from + 7] as number;
  data[at + 6] = 0;
  data[at + 7] = 0;
  data[at + column.candidate] = -1;
  data[at + column.flags] = rowFlag.placeholder;
  data[at + column.responseHash] = 0;
  data[at + column.callBelow] = callWindow;
  addToHash(open, row);
}

function takeRow(open: OpenSpans, window: number): number {
  let row = open.free;
  if (row >= 0) open.free = cell(open, row, column.nextInWindow);
  else {
    row = open.rows++;
    if (open.rows * stride > open.data.length) {
      const grown = new Int32Array(open.data.length * 2);
      grown.set(open.data);
      open.data = grown;
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

function addToList(open: OpenSpans, row: number, window: number): void {
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

function addToHash(open: OpenSpans, row: number): void {
  const bucket = bucketOf(open, row);
  setCell(open, row, column.nextInHash, open.heads[bucket] as number);
  open.heads[bucket] = row;
}

function isInHash(open: OpenSpans, wantedRow: number): boolean {
  let row = open.heads[bucketOf(open, wantedRow)] as number;
  while (row >= 0 && row !== wantedRow) row = cell(open, row, column.nextInHash);
  return row >= 0;
}

function addToResponses(open: OpenSpans, row: number, hash: number): void {
  const window = cell(open, row, column.window);
  let byHash = open.responses.get(window);
  if (byHash === undefined) {
    byHash = new Map();
    open.responses.set(window, byHash);
  }
  const first = byHash.get(hash) ?? -1;
  let length = 0;
  for (let at = first; at >= 0; at = cell(open, at, column.nextResponse)) length++;
  if (length >= responseLimit) return;
  setCell(open, row, column.nextResponse, first);
  byHash.set(hash, row);
}

/** Does nothing for a row that is not in the hash. */
function dropFromHash(open: OpenSpans, row: number): void {
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

/** Twice the buckets. Chains keep their order, newest first. */
function growHash(open: OpenSpans): void {
  const old = open.heads;
  open.heads = new Int32Array(old.length * 2).fill(-1);
  for (const head of old) {
    const chain: number[] = [];
    for (let row = head; row >= 0; row = cell(open, row, column.nextInHash)) chain.push(row);
    for (const row of chain.reverse()) addToHash(open, row);
  }
}
