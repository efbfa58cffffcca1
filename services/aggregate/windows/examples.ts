/** The few requests of a cell and window that an alert links to: failures first, then the slowest. */
import { outcomeIndex, outcomes } from "../../contracts/outcomes.ts";
import type { Example } from "../../contracts/window.ts";
import { exampleLimit } from "../../contracts/window-merge.ts";
import { type Candidates, candidate } from "../spans/candidates.ts";
import { cell, column, type OpenSpans } from "../spans/span-rows.ts";

export interface ExampleKeeper {
  /** Where the ids of the requests that follow are looked up. */
  open: OpenSpans | undefined;
  offer(candidates: Candidates, at: number): void;
  /** The picked ones of those offered since the last call, in the order of `pickExamples`. */
  take(): Example[];
}

/** An example whose ids are not written out yet: most are pushed out again by the next ones. */
interface Picked {
  readonly row: number;
  readonly outcome: number;
  readonly durationUs: number;
  readonly firstChunkUs: number;
}

export function createExamples(): ExampleKeeper {
  /** In the order of `pickExamples`. */
  let picked: Picked[] = [];

  /** Whether `offered` comes before `known` in that order. */
  function isBefore(open: OpenSpans, offered: Picked, known: Picked): boolean {
    const failed = offered.outcome === outcomeIndex.ok ? 0 : 1;
    const knownFailed = known.outcome === outcomeIndex.ok ? 0 : 1;
    if (failed !== knownFailed) return failed > knownFailed;
    if (offered.durationUs !== known.durationUs) return offered.durationUs > known.durationUs;
    return idsOf(open, offered.row) < idsOf(open, known.row);
  }

  const keeper: ExampleKeeper = {
    open: undefined,
    offer(candidates, at) {
      const { data } = candidates;
      const outcome = data[at + candidate.outcome] as number;
      const durationUs = data[at + candidate.durationUs] as number;
      const worst = picked[exampleLimit - 1];
      // What most requests are is told without an object for each.
      const isOrdinary = outcome === outcomeIndex.ok;
      if (worst !== undefined && isOrdinary)
        if (worst.outcome !== outcomeIndex.ok || durationUs < worst.durationUs) return;
      const { open } = keeper;
      const row = data[at + candidate.row] as number;
      if (open === undefined || row < 0) return;
      const firstChunkUs = data[at + candidate.firstChunkUs] as number;
      const offered = { row, outcome, durationUs, firstChunkUs };
      let place = picked.length;
      while (place > 0 && isBefore(open, offered, picked[place - 1] as Picked)) place--;
      if (place === exampleLimit) return;
      picked.splice(place, 0, offered);
      if (picked.length > exampleLimit) picked.pop();
    },
    take() {
      const { open } = keeper;
      const taken = picked;
      picked = [];
      if (open === undefined) return [];
      return taken.map(({ row, outcome, durationUs, firstChunkUs }) => ({
        traceId: hexOf(open, row, column.trace, 4),
        spanId: hexOf(open, row, column.span, 2),
        outcome: outcomes[outcome] ?? "other",
        durationUs,
        timeToFirstTokenUs: Math.max(0, firstChunkUs),
      }));
    },
  };
  return keeper;
}

const idsOf = (open: OpenSpans, row: number) =>
  hexOf(open, row, column.span, 2) + hexOf(open, row, column.trace, 4);

/** Little-endian words as the lower-case hexadecimal of their bytes. */
function hexOf(open: OpenSpans, row: number, from: number, words: number): string {
  let text = "";
  for (let i = 0; i < words; i++) {
    const word = cell(open, row, from + i);
    for (let shift = 0; shift < 32; shift += 8)
      text += ((word >>> shift) & 0xff).toString(16).padStart(2, "0");
  }
  return text;
}
