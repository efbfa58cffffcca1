/**
 * Failed calls have no response id, and some libraries never write one, so two instrumentations that tell of the same call side
 * by side may share only time and model (a client's instrumentation takes Azure for OpenAI); where both ended well, also the
 * tokens. They are paired where the one nearer to the provider (of equally near ones, either) lies within the other in time,
 * they come from the same sender, and both have the same parent (or both are roots). Each call is paired once at most with a
 * library, so whichever two are taken, the number is right.
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

interface Paired {
  readonly index: number;
  readonly at: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** `winners` without the calls that another call stands for. */
export function dropNamelessPairs(deciding: Deciding, winners: readonly number[]): number[] {
  if (!hasSeveralLibraries(deciding, winners)) return [...winners];
  const { candidates } = deciding;
  const groups = new Map<string, Paired[]>();
  for (const index of winners) {
    const at = index * candidates.stride;
    if (!canBePaired(candidates, at)) continue;
    const key = groupOf(candidates, at);
    const startMs = candidates.data[at + candidate.startMs] as number;
    const endMs = startMs + (candidates.data[at + candidate.durationUs] as number) / 1e3;
    const group = groups.get(key);
    const paired = { index, at, startMs, endMs };
    if (group === undefined) groups.set(key, [paired]);
    else group.push(paired);
  }
  const dropped = new Set<number>();
  for (const group of groups.values()) pairUp(deciding, group, dropped);
  return dropped.size === 0 ? [...winners] : winners.filter((index) => !dropped.has(index));
}

/** Where one library tells of all calls, as nearly always, there is nothing to pair. */
function hasSeveralLibraries({ candidates, open }: Deciding, winners: readonly number[]): boolean {
  let first = -1;
  for (const index of winners) {
    const at = index * candidates.stride;
    const row = candidates.data[at + candidate.row] as number;
    if (row < 0 || candidates.data[at + candidate.kind] !== candidateKind.call) continue;
    const scope = scopeOf(open, row);
    if (first < 0) first = scope;
    else if (scope !== first) return true;
  }
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

function pairUp(deciding: Deciding, group: readonly Paired[], dropped: Set<number>): void {
  const { candidates } = deciding;
  const libraries = librariesIn(deciding, group);
  for (const [i, { calls }] of libraries.entries()) {
    for (const inner of calls) {
      if (dropped.has(inner.index)) continue;
      for (const outer of libraries.slice(i + 1)) {
        const isEitherWay = outer.nearness === libraries[i]?.nearness;
        const other = findOuter(deciding, { inner, others: outer.calls, dropped, isEitherWay });
        if (other === undefined) continue;
        dropped.add(other.index);
        complete(candidates, inner.at, candidates, other.at);
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
function librariesIn({ candidates, open }: Deciding, group: readonly Paired[]): OneLibrary[] {
  const libraries = new Map<number, OneLibrary>();
  for (const call of [...group].sort((a, b) => a.startMs - b.startMs || a.index - b.index)) {
    const scope = scopeOf(open, candidates.data[call.at + candidate.row] as number);
    const nearness = candidates.data[call.at + candidate.nearness] as number;
    const known = libraries.get(scope);
    if (known === undefined) libraries.set(scope, { nearness, scope, calls: [call] });
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
  const lastStartMs = inner.startMs + (isEitherWay ? beforeMs : slackMs);
  let low = 0;
  let high = others.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((others[middle] as Paired).startMs <= lastStartMs) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && i >= low - lookLimit; i--) {
    const other = others[i] as Paired;
    if (other.startMs < inner.startMs - beforeMs) return undefined;
    const fits =
      !dropped.has(other.index) &&
      (encloses(other, inner) || (isEitherWay && encloses(inner, other))) &&
      !haveOwnNames(deciding, other.at, inner.at) &&
      areBeside(deciding, other.at, inner.at);
    if (fits) return other;
  }
  return undefined;
}

/** Two calls that ended well and have different response ids are two; the ids of failed ones are made up. */
function haveOwnNames({ open, candidates }: Deciding, leftAt: number, rightAt: number): boolean {
  const idOf = (at: number) =>
    cell(open, candidates.data[at + candidate.row] as number, column.responseHash);
  const isOk = candidates.data[leftAt + candidate.outcome] === outcomeIndex.ok;
  return isOk && idOf(leftAt) !== 0 && idOf(rightAt) !== 0;
}

function encloses(outer: Paired, inner: Paired): boolean {
  const before = inner.startMs - outer.startMs;
  const after = outer.endMs - inner.endMs;
  return before >= -slackMs && before <= beforeMs && after >= -slackMs && after <= afterMs;
}

/** Same parent in the same trace, or both roots: then the caller had no span, and each made a trace of its own. */
function areBeside(deciding: Deciding, leftAt: number, rightAt: number): boolean {
  const { open, candidates } = deciding;
  const left = candidates.data[leftAt + candidate.row] as number;
  const right = candidates.data[rightAt + candidate.row] as number;
  const same = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (cell(open, left, i) !== cell(open, right, i)) return false;
    return true;
  };
  if (!same(column.parent, column.parent + 2)) return false;
  const isRoot = cell(open, left, column.parent) === 0 && cell(open, left, column.parent + 1) === 0;
  return isRoot || same(column.trace, column.trace + 4);
}
