/** What deciding works on, and how one span's knowledge of a call completes another's. */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { finishKind } from "../conventions/finish.ts";
import { type Candidates, candidate, candidateFlag } from "../spans/candidates.ts";
import type { OpenSpans } from "../spans/span-rows.ts";

export interface Deciding {
  readonly open: OpenSpans;
  /** Of the window that closes. */
  readonly window: number;
  readonly candidates: Candidates;
  /** Candidates of a window that has not closed. */
  candidatesOf(window: number): Candidates | undefined;
  /** Calls that ended shortly before this window, as they came; those that may have a span of the same call in it. */
  readonly before: Candidates | undefined;
  /** Unix ms. */
  startMsOf(window: number): number;
}

/** Numbers that are −1 where they are unknown, and ids that are 0. */
const knownNumbers = [
  candidate.firstChunkUs,
  candidate.inputTokens,
  candidate.outputTokens,
  candidate.cachedTokens,
  candidate.reasoningTokens,
  candidate.tenant,
];
const knownIds = [
  candidate.provider,
  candidate.model,
  candidate.region,
  candidate.responseModel,
  candidate.error,
  candidate.retries,
];

/** Fills what the call at `at` does not know from what another span of the same call says. */
export function complete(
  candidates: Candidates,
  at: number,
  others: Candidates,
  otherAt: number,
): void {
  const { data } = candidates;
  const more = others.data;
  const outcome = data[at + candidate.outcome] as number;
  const otherOutcome = more[otherAt + candidate.outcome] as number;
  const flags = data[at + candidate.flags] as number;
  const otherFlags = more[otherAt + candidate.flags] as number;
  const isGuess = (flags & (candidateFlag.weak | candidateFlag.unfinished)) !== 0;
  const knowsBetter =
    otherOutcome !== outcomeIndex.ok &&
    (otherFlags & (candidateFlag.weak | candidateFlag.unfinished)) === 0;
  if (outcome !== outcomeIndex.ok && isGuess && knowsBetter) {
    data[at + candidate.outcome] = otherOutcome;
    data[at + candidate.flags] =
      flags & ~(candidateFlag.weak | candidateFlag.unfinished | candidateFlag.askParent);
  }
  if (endedWell(candidates, at, others, otherAt)) {
    data[at + candidate.outcome] = outcomeIndex.ok;
    data[at + candidate.flags] = flags & ~(candidateFlag.unfinished | candidateFlag.askParent);
  }
  // One that saw the stream begin knows that the connection had come about.
  if (outcome === outcomeIndex.connection_error && otherOutcome === outcomeIndex.stream_error)
    data[at + candidate.outcome] = otherOutcome;
  for (const what of knownNumbers)
    if ((data[at + what] as number) < 0) data[at + what] = more[otherAt + what] as number;
  for (const what of knownIds)
    if (data[at + what] === 0) {
      const isError = what === candidate.error && data[at + candidate.outcome] === outcomeIndex.ok;
      if (!isError) data[at + what] = more[otherAt + what] as number;
    }
  if (data[at + candidate.finish] === finishKind.missing)
    data[at + candidate.finish] = more[otherAt + candidate.finish] as number;
  for (let i = candidate.dimensions; i < candidates.stride; i++)
    if (data[at + i] === 0) data[at + i] = more[otherAt + i] as number;
  const streamed = otherFlags & candidateFlag.streamed;
  data[at + candidate.flags] = (data[at + candidate.flags] as number) | streamed;
}

/** The finish reasons of answers that came to their end. */
const ends: ReadonlySet<number> = new Set([
  finishKind.stop,
  finishKind.tool,
  finishKind.truncated,
  finishKind.refused,
]);

/**
 * Whether a call that seems to have been left came to its end by what another instrumentation of the client has read of it, which
 * some do not see (raw responses). Frameworks above the client are not believed: they may make an end up.
 */
function endedWell(
  { data }: Candidates,
  at: number,
  { data: more }: Candidates,
  otherAt: number,
): boolean {
  if (((data[at + candidate.flags] as number) & candidateFlag.unfinished) === 0) return false;
  return (
    more[otherAt + candidate.outcome] === outcomeIndex.ok &&
    (more[otherAt + candidate.nearness] as number) >= 2 &&
    (more[otherAt + candidate.outputTokens] as number) > 0 &&
    ends.has(more[otherAt + candidate.finish] as number)
  );
}

/** What stays of a row that takes over another's account of the call. */
const ownColumns = [candidate.row, candidate.weight, candidate.sender];

/** The row at `at` says what the other one says, and what it knew more itself. */
export function adopt(
  candidates: Candidates,
  at: number,
  others: Candidates,
  otherAt: number,
): void {
  const { stride, data } = candidates;
  const own = { data: data.slice(at, at + stride), stride, count: 1 };
  for (let i = 0; i < stride; i++) data[at + i] = others.data[otherAt + i] as number;
  for (const what of ownColumns) data[at + what] = own.data[what] as number;
  complete(candidates, at, own, 0);
}
