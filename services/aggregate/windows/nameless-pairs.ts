/**
 * Failed calls have no response id, and some libraries never write one, so two instrumentations that tell of the same call side
 * by side may share only time and model (a client's instrumentation takes Azure for OpenAI); where both ended well, also the
 * tokens. They are paired where the one nearer to the provider (of equally near ones, either) lies within the other in time,
 * they come from the same sender, and both have the same parent (or both are roots). Each call is paired once at most with a
 * library, so whichever two are taken, the number is right. Where two end in different windows, the call counts in the one that
 * closes first.
 */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { type Candidates, candidate, candidateKind } from "../spans/candidates.ts";
import { scopeOf } from "../spans/open-spans.ts";
import { cell, column } from "../spans/span-rows.ts";
import { complete, type Deciding } from "./deciding.ts";

/** How far the inner call may reach out of the outer one, ms: clocks of whole milliseconds, spans closed by callbacks. */
const slackMs = 25;
/** Longest part of the outer call before the inner one, ms: LiteLLM's first call of a process loads its clients. */
const beforeMs = 60_000;
/** Longest part of the outer call after the inner one, ms, on a busy machine. */
const afterMs = 1_000;
/** How many calls are looked at for one's partner; more are hardly ever in flight at a sender that looks the same. */
const lookLimit = 1_024;

/** A call, in the candidates of the window that closes or of the one before it. */
interface Paired {
  readonly from: Candidates;
  readonly index: number;
  readonly at: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** How long before a window's end calls are kept that may have a span of the same call in the next one, ms. */
export const boundaryMs = 2 * afterMs;

/** `winners` without the calls that another call stands for, in this window or at the end of the one before. */
export function dropNamelessPairs(
  deciding: Deciding,
  winners: readonly number[],
): readonly number[] {
  const { candidates, before } = deciding;
  const earlier = before === undefined || before.count === 0 ? [] : numbersBelow(before.count);
  if (!hasSeveralLibraries(deciding, winners, earlier)) return winners;
  const own = groupsOf(candidates, winners);
  const dropped = new Set<number>();
  if (before !== undefined && earlier.length > 0)
    for (const [key, group] of groupsOf(before, earlier)) {
      const later = own.get(key);
      if (later !== undefined) dropToldBefore(deciding, { group, later }, dropped);
    }
  for (const group of own.values()) pairUp(deciding, group, dropped);
  return dropped.size === 0 ? winners : winners.filter((index) => !dropped.has(index));
}

const numbersBelow = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function groupsOf(candidates: Candidates, numbers: readonly number[]): Map<string, Paired[]> {
  const groups = new Map<string, Paired[]>();
  for (const index of numbers) {
    const at = index * candidates.stride;
    if (!canBePaired(candidates, at)) continue;
    const key = groupOf(candidates, at);
    const startMs = candidates.data[at + candidate.startMs] as number;
    const endMs = startMs + (candidates.data[at + candidate.durationUs] as number) / 1e3;
    const group = groups.get(key);
    const paired = { from: candidates, index, at, startMs, endMs };
    if (group === undefined) groups.set(key, [paired]);
    else group.push(paired);
  }
  return groups;
}

/**
 * Calls of this window that one at the end of the window before stands for: that one was counted there. Those that have a partner
 * there already stand for nobody here.
 */
function dropToldBefore(
  deciding: Deciding,
  { group, later }: { readonly group: readonly Paired[]; readonly later: readonly Paired[] },
  dropped: Set<number>,
): void {
  const partnered = new Set<number>();
  // Each call of the window before has its partner there, or none yet.
  const settled = new Set<number>();
  pairUp(deciding, group, settled, ({ index }) => partnered.add(index));
  const libraries = librariesIn(deciding, later);
  for (const earlier of group) {
    if (settled.has(earlier.index) || partnered.has(earlier.index)) continue;
    for (const library of libraries) {
      if (library.scope === scopeAt(deciding, earlier)) continue;
      const nearer = nearnessOf(earlier) - library.nearness;
      const other = lastThat(library.calls, startsAround(earlier, nearer), (call) =>
        dropped.has(call.index) ? false : fits(deciding, earlier, call, nearer),
      );
      if (other !== undefined) dropped.add(other.index);
    }
  }
}

/** When a call may have started that is the same as this one. `nearer` > 0: this one is nearer to the provider. */
function startsAround({ startMs }: Paired, nearer: number) {
  return {
    fromMs: startMs - (nearer >= 0 ? beforeMs : slackMs),
    toMs: startMs + (nearer <= 0 ? beforeMs : slackMs),
  };
}

/** Of calls in the order of their starts the one that started last in a time and is wanted; only so many are looked at. */
function lastThat(
  calls: readonly Paired[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  isWanted: (call: Paired) => boolean,
): Paired | undefined {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((calls[middle] as Paired).startMs <= toMs) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && i >= low - lookLimit; i--) {
    const call = calls[i] as Paired;
    if (call.startMs < fromMs) return undefined;
    if (isWanted(call)) return call;
  }
  return undefined;
}

/** Whether two calls are one; `nearer` > 0: the first is nearer to the provider, so the second encloses it. */
function fits(deciding: Deciding, left: Paired, right: Paired, nearer: number): boolean {
  const encloses = nearer >= 0 && isAround(right, left);
  const isEnclosed = nearer <= 0 && isAround(left, right);
  return (
    (encloses || isEnclosed) &&
    !haveOwnNames(deciding, left, right) &&
    areBeside(deciding, left, right)
  );
}

const nearnessOf = ({ from, at }: Paired): number => from.data[at + candidate.nearness] as number;
const rowOf = ({ from, at }: Paired): number => from.data[at + candidate.row] as number;
const scopeAt = ({ open }: Deciding, call: Paired): number => scopeOf(open, rowOf(call));

/** Where one library tells of all calls, as nearly always, there is nothing to pair. */
function hasSeveralLibraries(
  { candidates, before, open }: Deciding,
  winners: readonly number[],
  earlier: readonly number[],
): boolean {
  let first = -1;
  const isOther = (from: Candidates, index: number): boolean => {
    const at = index * from.stride;
    const row = from.data[at + candidate.row] as number;
    if (row < 0 || from.data[at + candidate.kind] !== candidateKind.call) return false;
    const scope = scopeOf(open, row);
    if (first < 0) first = scope;
    return scope !== first;
  };
  for (let i = 0; i < winners.length; i++)
    if (isOther(candidates, winners[i] as number)) return true;
  if (before !== undefined)
    for (let i = 0; i < earlier.length; i++) if (isOther(before, earlier[i] as number)) return true;
  return false;
}

/** Without tokens a call that ended well has nothing to be known by. */
function canBePaired(candidates: Candidates, at: number): boolean {
  const { data } = candidates;
  if (data[at + candidate.kind] !== candidateKind.call) return false;
  if ((data[at + candidate.row] as number) < 0) return false;
  const isOk = data[at + candidate.outcome] === outcomeIndex.ok;
  return !isOk || (data[at + candidate.inputTokens] as number) > 0;
}

function groupOf(candidates: Candidates, at: number): string {
  const of = (what: number) => candidates.data[at + what] as number;
  const called = `${of(candidate.sender)}/${of(candidate.model)}`;
  if (of(candidate.outcome) !== outcomeIndex.ok) return called;
  return `${called}/${of(candidate.inputTokens)}/${Math.max(0, of(candidate.outputTokens))}`;
}

/** Drops the calls that another one of the group stands for, which is completed with what they know more. */
function pairUp(
  deciding: Deciding,
  group: readonly Paired[],
  dropped: Set<number>,
  onPair: (inner: Paired, outer: Paired) => void = (inner, outer) =>
    complete(inner.from, inner.at, outer.from, outer.at),
): void {
  const libraries = librariesIn(deciding, group);
  for (const [i, { calls }] of libraries.entries()) {
    for (const inner of calls) {
      if (dropped.has(inner.index)) continue;
      for (const outer of libraries.slice(i + 1)) {
        const isEitherWay = outer.nearness === libraries[i]?.nearness;
        const other = findOuter(deciding, { inner, others: outer.calls, dropped, isEitherWay });
        if (other === undefined) continue;
        dropped.add(other.index);
        onPair(inner, other);
      }
    }
  }
}

interface OneLibrary {
  readonly nearness: number;
  readonly scope: number;
  /** In the order of their starts. */
  readonly calls: Paired[];
}

/** A group's calls by the library that tells of them, the nearest to the provider first. */
function librariesIn(deciding: Deciding, group: readonly Paired[]): OneLibrary[] {
  const libraries = new Map<number, OneLibrary>();
  for (const call of [...group].sort((a, b) => a.startMs - b.startMs || a.index - b.index)) {
    const scope = scopeAt(deciding, call);
    const known = libraries.get(scope);
    if (known === undefined)
      libraries.set(scope, { nearness: nearnessOf(call), scope, calls: [call] });
    else known.calls.push(call);
  }
  return [...libraries.values()].sort((a, b) => b.nearness - a.nearness || a.scope - b.scope);
}

/** Of `others` the one that started last of those that enclose the inner call, or lie within it where either may. */
function findOuter(
  deciding: Deciding,
  search: {
    readonly inner: Paired;
    readonly others: readonly Paired[];
    readonly dropped: ReadonlySet<number>;
    readonly isEitherWay: boolean;
  },
): Paired | undefined {
  const { inner, others, dropped, isEitherWay } = search;
  const nearer = isEitherWay ? 0 : 1;
  return lastThat(
    others,
    startsAround(inner, nearer),
    (other) => !dropped.has(other.index) && fits(deciding, inner, other, nearer),
  );
}

/** Two calls that ended well and have different response ids are two; the ids of failed ones are made up. */
function haveOwnNames({ open }: Deciding, left: Paired, right: Paired): boolean {
  const idOf = (call: Paired) => cell(open, rowOf(call), column.responseHash);
  const isOk = left.from.data[left.at + candidate.outcome] === outcomeIndex.ok;
  return isOk && idOf(left) !== 0 && idOf(right) !== 0;
}

function isAround(outer: Paired, inner: Paired): boolean {
  const before = inner.startMs - outer.startMs;
  const after = outer.endMs - inner.endMs;
  return before >= -slackMs && before <= beforeMs && after >= -slackMs && after <= afterMs;
}

/** Same parent in the same trace, or both roots: then the caller had no span, and each made a trace of its own. */
function areBeside({ open }: Deciding, leftCall: Paired, rightCall: Paired): boolean {
  const left = rowOf(leftCall);
  const right = rowOf(rightCall);
  const same = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (cell(open, left, i) !== cell(open, right, i)) return false;
    return true;
  };
  if (!same(column.parent, column.parent + 2)) return false;
  const isRoot = cell(open, left, column.parent) === 0 && cell(open, left, column.parent + 1) === 0;
  return isRoot || same(column.trace, column.trace + 4);
}
