/** The signal that an incident is told by, and its size in a reader's terms. */
import type { CellKey } from "../contracts/cell.ts";
import type { SignalName } from "../contracts/frame.ts";
import type { Evidence } from "../contracts/incident.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import { failuresLately } from "./outright.ts";
import type { RecordInput } from "./record-input.ts";
import type { IncidentState } from "./state.ts";
import { excessRatio } from "./tally.ts";
import { isSlowByTokens } from "./token-speed.ts";
import type { CellTrack } from "./track.ts";

/** What users notice first: failures that matter, else latency, else the strongest of what there is. */
export function leadingSignalOf(
  { episode, view, state, opinion }: RecordInput,
  evidence: readonly Evidence[],
): SignalName {
  if (episode.family === "silence" || episode.family === "decline") return "traffic";
  if (episode.family === "client") return "client_errors";
  if (episode.family === "quota") return "rate_limited";
  if (opinion.leads === "stragglers") return "stragglers";
  const isFailing = excessRatio(view.failing) >= 0.02;
  if (opinion.leads === "outright" || isOfSlice({ view, opinion })) return "failures";
  if (
    opinion.leads === "failing" ||
    opinion.leads === "lasting" ||
    (opinion.leads === "any" && isFailing)
  ) {
    let worst: SignalName | undefined;
    let most = 0;
    for (const signal of visibleSignals) {
      let excess = 0;
      for (const cell of view.cells) {
        const tally = state.cells[cell]?.visible[signal];
        if (tally !== undefined) excess += tally.bad - tally.expected;
      }
      if (excess > most) {
        most = excess;
        worst = signal;
      }
    }
    if (worst !== undefined) return worst;
  }
  // Of a chat the first token is what users wait for; routes and embeddings have durations alone.
  const has = (name: SignalName) => evidence.some(({ signal }) => signal === name);
  if (has("time_per_output_token") && isSlowByWords(view.cells, state))
    return "time_per_output_token";
  if (has("ttft")) return "ttft";
  return has("duration") ? "duration" : (evidence[0]?.signal ?? "failures");
}

/** Whether an incident is told by what fails of a version, an instance or the like. */
export function isOfSlice({ view, opinion }: Pick<RecordInput, "view" | "opinion">): boolean {
  return opinion.leads === "slice" && view.slice !== undefined;
}

/** Whether of the model calls that stream most are slow by what comes after their first token. */
function isSlowByWords(cells: readonly CellKey[], state: IncidentState): boolean {
  let all = 0;
  let byTokens = 0;
  for (const cell of cells) {
    const track = state.cells[cell];
    if (track === undefined || track.tokenSpeed.first.of === 0 || !cell.startsWith("genai"))
      continue;
    all += track.usualRequests;
    if (isSlowByTokens(track.tokenSpeed)) byTokens += track.usualRequests;
  }
  return byTokens > 0.5 * all;
}

/** How many times slower: pooled over degraded cells, from the signal's own level where only that is unusual. */
export function slowdownOf({ view, state }: RecordInput, signal: SignalName): number {
  if (signal !== "time_per_output_token") return Math.exp(view.slowdown);
  let sum = 0;
  let of = 0;
  for (const cell of view.cells) {
    const shift = state.cells[cell]?.signals[signal]?.shift;
    sum += shift?.sum ?? 0;
    of += shift?.of ?? 0;
  }
  return of > 0 ? Math.exp(sum / of) : 1;
}

export function ratioOf(input: RecordInput, signal: SignalName): number {
  const { view, state, episode, opinion } = input;
  if (signal === "failures" && isOfSlice(input)) return view.slice?.ratio ?? 0;
  let bad = 0;
  let of = 0;
  if (signal === "failures")
    for (const cell of view.cells) {
      const lately = surelyFailingLately(state.cells[cell], opinion);
      bad += lately?.bad ?? 0;
      of += lately?.of ?? 0;
    }
  if (signal === "stragglers")
    for (const cell of view.cells) {
      const lately = state.cells[cell]?.straggling.lately;
      bad += lately?.bad ?? 0;
      of += lately?.of ?? 0;
    }
  if (of > 0) return bad / of;
  const visible = visibleSignals.find((name) => name === signal);
  for (const cell of view.cells) {
    const tally = visible === undefined ? undefined : state.cells[cell]?.visible[visible];
    if (tally === undefined) continue;
    bad += tally.bad;
    of += tally.of;
  }
  if (of > 0) return bad / of;
  for (const one of Object.values(episode.evidence)) {
    if (one.signal !== signal) continue;
    bad += one.bad;
    of += one.of;
  }
  return of > 0 ? bad / of : 0;
}

/** Of a cell whose failures the opinion rests on; undefined for others. */
function surelyFailingLately(
  track: CellTrack | undefined,
  { leads }: RecordInput["opinion"],
): { readonly bad: number; readonly of: number } | undefined {
  if (leads === "outright" && track?.outright.isSure) return failuresLately(track.outright);
  return leads === "failing" && track?.failing.isSure ? track.failing.lately : undefined;
}
