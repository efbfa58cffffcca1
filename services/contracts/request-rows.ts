/** Requests as counted, summed over regions: the rows of a `--requests` file. */
import {
  emptySketch,
  mergeSketches,
  type SparseSketch,
  sketchQuantile,
  subtractSketch,
} from "../../detectors/sketch.ts";
import { parseCellKey } from "./cell.ts";
import { failedFirstTokenSketch, sketchIds, tokenCounterIds } from "./measures.ts";
import { type Outcome, outcomes } from "./outcomes.ts";
import type { CellWindow } from "./window.ts";

export interface RequestRow {
  readonly provider: string;
  readonly model: string;
  readonly operation: string;
  readonly outcome: Outcome;
  readonly count: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Median time to the first token, seconds, within the sketch's error; null where no span tells. */
  readonly ttft_p50_s: number | null;
}

interface Sum {
  readonly key: readonly [provider: string, model: string, operation: string, outcome: Outcome];
  count: number;
  inputTokens: number;
  outputTokens: number;
  firstTokens: SparseSketch;
}

/** Rows in the order of provider, model, operation and outcome. Cells of HTTP routes are left out: they are no model calls. */
export function requestRows(cells: Iterable<CellWindow>): RequestRow[] {
  const sums = new Map<string, Sum>();
  for (const window of cells) {
    const { kind, provider, model, operation } = parseCellKey(window.cell);
    if (kind !== "genai") continue;
    for (const [index, outcome] of outcomes.entries()) {
      const count = window.counters[16 + index] ?? 0;
      if (count === 0) continue;
      const key = [provider, model, operation, outcome] as const;
      const name = key.join("\u001f");
      const sum = sums.get(name) ?? {
        key,
        count: 0,
        inputTokens: 0,
        outputTokens: 0,
        firstTokens: emptySketch,
      };
      sum.count += count;
      sum.inputTokens += window.counters[tokenCounterIds.input + index] ?? 0;
      sum.outputTokens += window.counters[tokenCounterIds.output + index] ?? 0;
      sum.firstTokens = mergeSketches(sum.firstTokens, firstTokensOf(window, outcome));
      sums.set(name, sum);
    }
  }
  return [...sums.values()].sort(byKey).map(rowOf);
}

const failedOutcomes = outcomes.filter((outcome) => outcome !== "ok");

/**
 * Sketch of an outcome's calls: those that ended well have what is left of the whole. Refusals and other failures that hardly
 * ever come after a first token share one sketch in a cell.
 */
function firstTokensOf(window: CellWindow, outcome: Outcome): SparseSketch {
  const of = (id: number) => window.sketches[id] ?? emptySketch;
  if (outcome !== "ok") return of(failedFirstTokenSketch(outcome));
  let left = of(sketchIds.timeToFirstToken);
  for (const id of new Set(failedOutcomes.map(failedFirstTokenSketch)))
    left = subtractSketch(left, of(id));
  return left;
}

function byKey(a: Sum, b: Sum): number {
  for (let i = 0; i < 3; i++) {
    const left = a.key[i] as string;
    const right = b.key[i] as string;
    if (left !== right) return left < right ? -1 : 1;
  }
  return outcomes.indexOf(a.key[3]) - outcomes.indexOf(b.key[3]);
}

function rowOf(sum: Sum): RequestRow {
  const [provider, model, operation, outcome] = sum.key;
  const median = sketchQuantile(sum.firstTokens, 0.5);
  return {
    provider,
    model,
    operation,
    outcome,
    count: sum.count,
    input_tokens: sum.inputTokens,
    output_tokens: sum.outputTokens,
    ttft_p50_s: median === undefined ? null : median / 1e6,
  };
}
