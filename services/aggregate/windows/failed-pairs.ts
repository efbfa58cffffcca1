/**
 * Failed calls have no response id, so two instrumentations that tell of the same one side by side share only time, provider
 * and model. They are paired where one of them is nearer to the provider, lies within the other in time, comes from the
 * same sender, and both have the same parent (or, one of them or both being roots, none that says otherwise). Each call is
 * paired once at most, so whichever two are taken, the number is right.
 */
import { outcomeGroup, outcomes } from "../../contracts/outcomes.ts";
import { type Candidates, candidate, candidateKind } from "../spans/candidates.ts";
import { cell, column } from "../spans/span-rows.ts";
import { complete, type Deciding } from "./deciding.ts";

/** How far the inner call may reach out of the outer one, ms: clocks of whole milliseconds, spans closed by callbacks. */
const slackMs = 25;
/** Longest part of the outer call before and after the inner one, ms. */
const marginMs = 250;

interface Failed {
  readonly index: number;
  readonly at: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** `winners` without the calls that another failed call stands for. */
export function dropFailedPairs(deciding: Deciding, winners: readonly number[]): number[] {
  const { candidates } = deciding;
  const groups = new Map<string, Failed[]>();
  for (const index of winners) {
    const at = index * candidates.stride;
    if (!isFailedCall(candidates, at)) continue;
    const key = groupOf(candidates, at);
    const startMs = candidates.data[at + candidate.startMs] as number;
    const endMs = startMs + (candidates.data[at + candidate.durationUs] as number) / 1e3;
    const group = groups.get(key);
    const failed = { index, at, startMs, endMs };
    if (group === undefined) groups.set(key, [failed]);
    else group.push(failed);
  }
  const dropped = new Set<number>();
  for (const group of groups.values()) pairUp(deciding, group, dropped);
  return dropped.size === 0 ? [...winners] : winners.filter((index) => !dropped.has(index));
}

function isFailedCall(candidates: Candidates, at: number): boolean {
  if (candidates.data[at + candidate.kind] !== candidateKind.call) return false;
  if ((candidates.data[at + candidate.row] as number) < 0) return false;
  const outcome = outcomes[candidates.data[at + candidate.outcome] as number] ?? "ok";
  return outcomeGroup[outcome] !== "ok";
}

function groupOf(candidates: Candidates, at: number): string {
  const of = (what: number) => candidates.data[at + what];
  return `${of(candidate.sender)}/${of(candidate.provider)}/${of(candidate.model)}`;
}

function pairUp(deciding: Deciding, group: Failed[], dropped: Set<number>): void {
  const { candidates } = deciding;
  const nearness = ({ at }: Failed) => candidates.data[at + candidate.nearness] as number;
  const levels = [...new Set(group.map(nearness))].sort((a, b) => b - a);
  if (levels.length < 2) return;
  const byLevel = new Map(levels.map((level) => [level, [] as Failed[]]));
  const byStart = [...group].sort((a, b) => a.startMs - b.startMs || a.index - b.index);
  for (const failed of byStart) byLevel.get(nearness(failed))?.push(failed);
  for (const level of levels) {
    for (const inner of byLevel.get(level) ?? []) {
      if (dropped.has(inner.index)) continue;
      for (const lower of levels) {
        if (lower >= level) continue;
        const outer = findOuter(deciding, { inner, others: byLevel.get(lower) ?? [], dropped });
        if (outer === undefined) continue;
        dropped.add(outer.index);
        complete(candidates, inner.at, candidates, outer.at);
      }
    }
  }
}

/** The earliest of `others` (by start) that encloses the inner call. */
function findOuter(
  deciding: Deciding,
  search: {
    readonly inner: Failed;
    readonly others: readonly Failed[];
    readonly dropped: ReadonlySet<number>;
  },
): Failed | undefined {
  const { inner, others, dropped } = search;
  let low = 0;
  let high = others.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((others[middle] as Failed).startMs < inner.startMs - marginMs) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < others.length; i++) {
    const other = others[i] as Failed;
    if (other.startMs > inner.startMs + slackMs) return undefined;
    const fits =
      !dropped.has(other.index) &&
      encloses(other, inner) &&
      areBeside(deciding, other.at, inner.at);
    if (fits) return other;
  }
  return undefined;
}

function encloses(outer: Failed, inner: Failed): boolean {
  const before = inner.startMs - outer.startMs;
  const after = outer.endMs - inner.endMs;
  return before >= -slackMs && before <= marginMs && after >= -slackMs && after <= marginMs;
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
