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
import {
  addToHash,
  addToList,
  addToResponseChain,
  cell,
  column,
  dropFromHash,
  dropFromResponses,
  findParent,
  findSpan,
  hasFlag,
  hasParent,
  isInHash,
  type OpenSpans,
  responsesHead,
  rowFlag,
  type SpanIdentity,
  setCell,
  stride,
  takeRow,
} from "./span-rows.ts";

export interface Arrival {
  readonly window: number;
  readonly flags: number;
  readonly candidate: number;
  /** Two halves of the response id's hash; 0 and 0 without one. */
  readonly responseHash: number;
  readonly responseTail: number;
}

/** How far up the spans above a call are followed. */
export const ancestorLimit = 64;

export const hasIdentity = (span: SpanIdentity): boolean =>
  (span.trace0 | span.trace1 | span.trace2 | span.trace3) !== 0 && (span.span0 | span.span1) !== 0;

export const isCall = (open: OpenSpans, row: number): boolean => hasFlag(open, row, rowFlag.call);
export const isError = (open: OpenSpans, row: number): boolean => hasFlag(open, row, rowFlag.error);

/** How a failed span that is no call ended, as an index in `outcomes`; 0 where it does not tell. */
export const outcomeOf = (open: OpenSpans, row: number): number =>
  (cell(open, row, column.flags) >>> rowFlag.outcomeShift) & 15;

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
  open.responseTails[row] = arrival.responseTail;
  data[at + column.callBelow] = below;
  if (!isLinked) return row;
  addToHash(open, row);
  if (arrival.responseHash !== 0) addToResponses(open, row);
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

/** Whether there is another such row as `responsesLike` gives. */
export function hasResponseLike(open: OpenSpans, row: number, window: number): boolean {
  const earliest = window - open.horizonWindows;
  let other = responsesHead(open, row);
  while (other >= 0) {
    if (other !== row && isResponse(open, other, row, earliest)) return true;
    other = cell(open, other, column.nextResponse);
  }
  return false;
}

/**
 * Rows of calls with the same response id as `like`, itself among them, in windows that count for something in `window`: at most `responseLimit` a
 * window, because an id that comes more often than that is none.
 */
export function responsesLike(open: OpenSpans, like: number, window: number): number[] {
  const rows: number[] = [];
  const earliest = window - open.horizonWindows;
  let row = responsesHead(open, like);
  for (; row >= 0; row = cell(open, row, column.nextResponse))
    if (isResponse(open, row, like, earliest)) rows.push(row);
  return rows;
}

function isResponse(open: OpenSpans, row: number, like: number, earliest: number): boolean {
  const { responseTails } = open;
  return (
    cell(open, row, column.responseHash) === cell(open, like, column.responseHash) &&
    responseTails[row] === responseTails[like] &&
    cell(open, row, column.window) >= earliest
  );
}

const responseLimit = 8;

/** Forgets the spans of a window. A placeholder that a later call has asked for stays with that call's window. */
export function freeWindow(open: OpenSpans, window: number): void {
  let row = open.lists.get(window) ?? -1;
  open.lists.delete(window);
  while (row >= 0) {
    const next = cell(open, row, column.nextInWindow);
    const below = cell(open, row, column.callBelow);
    if (hasFlag(open, row, rowFlag.placeholder) && below > window && isInHash(open, row)) {
      addToList(open, row, below);
    } else {
      dropFromHash(open, row);
      if (cell(open, row, column.responseHash) !== 0) dropFromResponses(open, row);
      setCell(open, row, column.nextInWindow, open.free);
      open.free = row;
      open.live--;
    }
    row = next;
  }
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

function addToResponses(open: OpenSpans, row: number): void {
  const window = cell(open, row, column.window);
  let length = 0;
  let at = responsesHead(open, row);
  for (; at >= 0; at = cell(open, at, column.nextResponse))
    if (isResponse(open, at, row, window) && cell(open, at, column.window) === window) length++;
  if (length < responseLimit) addToResponseChain(open, row);
}
