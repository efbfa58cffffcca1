/** The few requests of a cell and window that an alert links to: failures first, then the slowest. */
import { outcomeIndex, outcomes } from "../../contracts/outcomes.ts";
import type { Example } from "../../contracts/window.ts";
import { exampleLimit, pickExamples } from "../../contracts/window-merge.ts";
import { type Candidates, candidate } from "../spans/candidates.ts";
import { cell, column, type OpenSpans } from "../spans/span-rows.ts";

export interface ExampleKeeper {
  /** Where the ids of the requests that follow are looked up. */
  open: OpenSpans | undefined;
  offer(candidates: Candidates, at: number): void;
  /** The picked ones of those offered since the last call, in the order of `pickExamples`. */
  take(): Example[];
}

export function createExamples(): ExampleKeeper {
  let picked: Example[] = [];
  const keeper: ExampleKeeper = {
    open: undefined,
    offer(candidates, at) {
      const { data } = candidates;
      const outcome = data[at + candidate.outcome] as number;
      const durationUs = data[at + candidate.durationUs] as number;
      const worst = picked[exampleLimit - 1];
      if (worst !== undefined) {
        const rank = outcome === outcomeIndex.ok ? 0 : 1;
        const worstRank = worst.outcome === "ok" ? 0 : 1;
        if (rank < worstRank || (rank === worstRank && durationUs < worst.durationUs)) return;
      }
      const { open } = keeper;
      const row = data[at + candidate.row] as number;
      if (open === undefined || row < 0) return;
      picked = pickExamples([
        ...picked,
        {
          traceId: hexOf(open, row, column.trace, 4),
          spanId: hexOf(open, row, column.span, 2),
          outcome: outcomes[outcome] ?? "other",
          durationUs,
          timeToFirstTokenUs: Math.max(0, data[at + candidate.firstChunkUs] as number),
        },
      ]);
    },
    take() {
      const taken = picked;
      picked = [];
      return taken;
    },
  };
  return keeper;
}

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
