/**
 * One request counts once. When a window closes, each of its calls either counts or has another span that describes the
 * same call better:
 * - a call inside it: the innermost is nearest to the provider;
 * - a call around it that was counted in a window that has closed before (its children come too late to take its place);
 * - a call beside it (same parent, or another trace) with the same response id and at the same time, told by another
 *   instrumentation: the one nearer to the provider counts, then the shorter. Where they end in different windows, the call
 *   counts in the one that closes first, as the nearer one tells it.
 * What the other one knows more completes the one that counts.
 */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { type Candidates, candidate, candidateFlag, candidateKind } from "../spans/candidates.ts";
import {
  ancestorLimit,
  ancestorOf,
  hasResponseLike,
  isCall,
  isError,
  isOuter,
  outcomeOf,
  responsesLike,
  scopeOf,
} from "../spans/open-spans.ts";
import { cell, column } from "../spans/span-rows.ts";
import { adopt, complete, type Deciding } from "./deciding.ts";
import { dropNamelessPairs } from "./nameless-pairs.ts";

/** Numbers of the candidates that count, in the order of their arrival. */
export function decide(deciding: Deciding): readonly number[] {
  const { candidates } = deciding;
  const winners: number[] = [];
  for (let i = 0; i < candidates.count; i++) {
    const at = i * candidates.stride;
    const isHttp = candidates.data[at + candidate.kind] === candidateKind.http;
    if (isHttp || counts(deciding, at)) winners.push(i);
  }
  return dropNamelessPairs(deciding, winners);
}

function counts(deciding: Deciding, at: number): boolean {
  const { open, candidates, window } = deciding;
  const row = candidates.data[at + candidate.row] as number;
  if (row < 0) return true;
  if (isOuter(open, row)) return false;
  let failedParent = -1;
  let failedAbove = -1;
  let above = ancestorOf(open, row, window);
  for (let depth = 0; above >= 0 && depth < ancestorLimit; depth++) {
    if (failedAbove < 0 && isError(open, above)) {
      failedAbove = above;
      if (depth === 0) failedParent = above;
    }
    if (isCall(open, above)) {
      const hasClosed = cell(open, above, column.window) < window;
      if (hasClosed && !isOuter(open, above)) return false;
      if (!hasClosed) completeFrom(deciding, at, above);
    }
    above = ancestorOf(open, above, window);
  }
  if (failedParent >= 0) settleUnfinished(candidates, at, outcomeOf(open, failedParent));
  if (failedAbove >= 0) settleUnexplained(candidates, at, outcomeOf(open, failedAbove));
  return winsAmongTwins(deciding, at, row);
}

/**
 * A call without an end inside a failed span (otherwise the caller gave up): its stream broke where it had begun; where it had
 * not, it ended as the failed span says.
 */
function settleUnfinished(candidates: Candidates, at: number, parentOutcome: number): void {
  const { data } = candidates;
  if (((data[at + candidate.flags] as number) & candidateFlag.askParent) === 0) return;
  const isKnown = parentOutcome !== outcomeIndex.ok && !hasBegun(candidates, at);
  data[at + candidate.outcome] = isKnown ? parentOutcome : outcomeIndex.stream_error;
}

/** A call that only its finish reason calls failed, before it had begun, ended as the nearest failed span above says. */
function settleUnexplained(candidates: Candidates, at: number, aboveOutcome: number): void {
  const { data } = candidates;
  if (((data[at + candidate.flags] as number) & candidateFlag.askAbove) === 0) return;
  if (aboveOutcome !== outcomeIndex.ok && !hasBegun(candidates, at))
    data[at + candidate.outcome] = aboveOutcome;
}

const hasBegun = ({ data }: Candidates, at: number): boolean =>
  (data[at + candidate.firstChunkUs] as number) >= 0 ||
  (data[at + candidate.inputTokens] as number) > 0;

function winsAmongTwins(deciding: Deciding, at: number, row: number): boolean {
  const { open, candidates, window } = deciding;
  if (cell(open, row, column.responseHash) === 0 || !hasResponseLike(open, row, window))
    return true;
  const alike = responsesLike(open, row, window).filter(
    (other) => other !== row && !isOuter(open, other),
  );
  // An id that one instrumentation uses twice is none, unless caller and proxy both have it.
  if (alike.some((other) => isSameTeller(deciding, row, other))) return true;
  const startMs = candidates.data[at + candidate.startMs] as number;
  let wins = true;
  for (const twin of alike) {
    const twinWindow = cell(open, twin, column.window);
    if (twinWindow < window) {
      // The window that closes first counts the call, so this one does not, unless it began after that.
      if (startMs < deciding.startMsOf(twinWindow + 1)) return false;
      continue;
    }
    const others = deciding.candidatesOf(twinWindow);
    if (others === undefined) continue;
    const twinAt = cell(open, twin, column.candidate) * others.stride;
    if (!overlap(candidates, at, others, twinAt)) continue;
    if (isNearer(candidates, at, others, twinAt)) complete(candidates, at, others, twinAt);
    // Windows still open are left as they are: a restart that reads on from there could not know what this one had told them.
    else if (twinWindow > window) adopt(candidates, at, others, twinAt);
    else {
      complete(others, twinAt, candidates, at);
      wins = false;
    }
  }
  return wins;
}

/** Whether two calls are told by the same instrumentation of the same process, or may be: closed windows do not say. */
function isSameTeller(deciding: Deciding, row: number, other: number): boolean {
  const { open } = deciding;
  if (scopeOf(open, row) !== scopeOf(open, other)) return false;
  const sender = senderOf(deciding, row);
  const otherSender = senderOf(deciding, other);
  return sender === undefined || otherSender === undefined || sender === otherSender;
}

function senderOf({ open, candidatesOf }: Deciding, row: number): number | undefined {
  const candidates = candidatesOf(cell(open, row, column.window));
  if (candidates === undefined || candidates.count === 0) return undefined;
  const at = cell(open, row, column.candidate) * candidates.stride;
  return candidates.data[at + candidate.sender];
}

/** Whether two calls ran at the same time: a provider may repeat an id, but not while the first call runs. */
function overlap(left: Candidates, leftAt: number, right: Candidates, rightAt: number): boolean {
  const leftStart = left.data[leftAt + candidate.startMs] as number;
  const rightStart = right.data[rightAt + candidate.startMs] as number;
  const leftEnd = leftStart + (left.data[leftAt + candidate.durationUs] as number) / 1e3;
  const rightEnd = rightStart + (right.data[rightAt + candidate.durationUs] as number) / 1e3;
  return leftStart <= rightEnd && rightStart <= leftEnd;
}

/** A strict order: of two candidates exactly one is nearer, whichever is asked about. */
function isNearer(left: Candidates, leftAt: number, right: Candidates, rightAt: number): boolean {
  const of = (from: Candidates, at: number, what: number) => from.data[at + what] as number;
  const nearness = of(left, leftAt, candidate.nearness) - of(right, rightAt, candidate.nearness);
  if (nearness !== 0) return nearness > 0;
  const longer = of(left, leftAt, candidate.durationUs) - of(right, rightAt, candidate.durationUs);
  if (longer !== 0) return longer < 0;
  const later = of(left, leftAt, candidate.startMs) - of(right, rightAt, candidate.startMs);
  if (later !== 0) return later > 0;
  if (left !== right) return true;
  return leftAt < rightAt;
}

function completeFrom(deciding: Deciding, at: number, row: number): void {
  const others = deciding.candidatesOf(cell(deciding.open, row, column.window));
  if (others === undefined) return;
  const index = cell(deciding.open, row, column.candidate);
  if (index >= 0) complete(deciding.candidates, at, others, index * others.stride);
}
