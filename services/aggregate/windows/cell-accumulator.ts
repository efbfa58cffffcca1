/**
 * Sums the requests of one cell and window. One accumulator serves all cells, one after the other: requests are grouped by
 * cell first, so counters and dimension values stay in the same small arrays whatever the number of cells.
 */
import type { SparseSketch } from "../../../detectors/sketch.ts";
import type { CellKey } from "../../contracts/cell.ts";
import { breadthIds, counterIds, counterSlots, tokenCounterIds } from "../../contracts/measures.ts";
import { outcomeGroup, outcomeIndex, outcomes } from "../../contracts/outcomes.ts";
import type { CellWindow } from "../../contracts/window.ts";
import { finishKind } from "../conventions/finish.ts";
import { type Candidates, candidate, candidateFlag, candidateKind } from "../spans/candidates.ts";
import { createDimensionCounts, type DimensionAccumulator } from "./dimension-counts.ts";
import { createExamples, type ExampleKeeper } from "./examples.ts";
import { columnSketches, isEmpty } from "./request-values.ts";

/** Bits of a tenant bitmap. */
const breadthBits = 1024;

export interface CellAccumulator {
  readonly counters: Float64Array;
  readonly breadth: readonly Uint8Array[];
  readonly dimensions: DimensionAccumulator;
  readonly examples: ExampleKeeper;
}

export function createCellAccumulator(dimensions: readonly string[]): CellAccumulator {
  return {
    counters: new Float64Array(counterSlots),
    breadth: Array.from(
      { length: 1 + breadthIds.tenantsLimited },
      () => new Uint8Array(breadthBits / 8),
    ),
    dimensions: createDimensionCounts(dimensions),
    examples: createExamples(),
  };
}

/** Group of each outcome, as small integers. */
const isFailure = outcomes.map((outcome) => outcomeGroup[outcome] === "failure");
const isLimited = outcomes.map((outcome) => outcomeGroup[outcome] === "limit");

const finishCounter: Readonly<Record<number, number>> = {
  [finishKind.stop]: counterIds.finishStop,
  [finishKind.tool]: counterIds.finishTool,
  [finishKind.truncated]: counterIds.truncated,
  [finishKind.refused]: counterIds.refused,
  [finishKind.error]: counterIds.finishOther,
  [finishKind.other]: counterIds.finishOther,
  [finishKind.unknown]: counterIds.finishOther,
  [finishKind.missing]: counterIds.finishMissing,
};

/** Adds the request at `at`. */
export function addRequest(into: CellAccumulator, candidates: Candidates, at: number): void {
  const { data } = candidates;
  const { counters } = into;
  const weight = data[at + candidate.weight] as number;
  const outcome = data[at + candidate.outcome] as number;
  const durationUs = data[at + candidate.durationUs] as number;
  const firstChunkUs = data[at + candidate.firstChunkUs] as number;
  const failed = isFailure[outcome] === true;
  const limited = isLimited[outcome] === true;
  bump(counters, counterIds.requests, weight);
  bump(counters, counterIds.spans, 1);
  bump(counters, 16 + outcome, weight);
  if (data[at + candidate.kind] === candidateKind.call) addCall(into, candidates, at);
  addTenant(into, data[at + candidate.tenant] as number, { failed, limited });
  const latencyUs = firstChunkUs >= 0 ? firstChunkUs : durationUs;
  into.dimensions.add(candidates, at, { weight, failed, limited, latencyUs });
  into.examples.offer(candidates, at);
}

function addCall(into: CellAccumulator, candidates: Candidates, at: number): void {
  const { data } = candidates;
  const { counters } = into;
  const weight = data[at + candidate.weight] as number;
  const outcome = data[at + candidate.outcome] as number;
  const flags = data[at + candidate.flags] as number;
  const inputTokens = data[at + candidate.inputTokens] as number;
  const outputTokens = data[at + candidate.outputTokens] as number;
  const retries = data[at + candidate.retries] as number;
  const isOk = outcome === outcomeIndex.ok;
  if ((flags & candidateFlag.streamed) !== 0) bump(counters, counterIds.streamed, weight);
  if ((flags & candidateFlag.substituted) !== 0) bump(counters, counterIds.substituted, weight);
  if (retries > 0) bump(counters, counterIds.retries, retries * weight);
  if (inputTokens >= 0) {
    bump(counters, counterIds.inputTokens, inputTokens * weight);
    bump(counters, tokenCounterIds.input + outcome, inputTokens * weight);
  }
  if (outputTokens >= 0) {
    bump(counters, counterIds.outputTokens, outputTokens * weight);
    bump(counters, tokenCounterIds.output + outcome, outputTokens * weight);
  }
  bumpKnown(
    counters,
    counterIds.cachedInputTokens,
    data[at + candidate.cachedTokens] as number,
    weight,
  );
  bumpKnown(
    counters,
    counterIds.reasoningTokens,
    data[at + candidate.reasoningTokens] as number,
    weight,
  );
  if (!isOk || (flags & candidateFlag.embeddings) !== 0) return;
  bump(counters, finishCounter[data[at + candidate.finish] as number] as number, weight);
  if (isEmpty(inputTokens, outputTokens)) bump(counters, counterIds.empty, weight);
}

function bump(counters: Float64Array, id: number, by: number): void {
  counters[id] = (counters[id] as number) + by;
}

function bumpKnown(counters: Float64Array, id: number, value: number, weight: number): void {
  if (value > 0) bump(counters, id, value * weight);
}

function addTenant(
  into: CellAccumulator,
  tenant: number,
  ending: { readonly failed: boolean; readonly limited: boolean },
): void {
  if (tenant < 0) return;
  const bit = tenant % breadthBits;
  setBit(into.breadth[breadthIds.tenants] as Uint8Array, bit);
  if (ending.failed) setBit(into.breadth[breadthIds.tenantsFailed] as Uint8Array, bit);
  if (ending.limited) setBit(into.breadth[breadthIds.tenantsLimited] as Uint8Array, bit);
}

function setBit(bits: Uint8Array, bit: number): void {
  bits[bit >> 3] = (bits[bit >> 3] as number) | (1 << (bit & 7));
}

function isAnySet(bits: Uint8Array): boolean {
  for (let i = 0; i < bits.length; i++) if (bits[i] !== 0) return true;
  return false;
}

/** The cell's window; the accumulator is empty afterwards. `sketches` are its columns, as in `columnSketches`. */
export function takeCell(
  from: CellAccumulator,
  cell: CellKey,
  rest: { readonly sketches: readonly SparseSketch[]; readonly textOf: (id: number) => string },
): CellWindow {
  const counters = Array.from(from.counters);
  from.counters.fill(0);
  const taken: Record<number, SparseSketch> = {};
  for (const [column, sketch] of rest.sketches.entries())
    if (sketch.buckets.length > 0) taken[columnSketches[column] as number] = sketch;
  const breadth: Record<number, Uint8Array> = {};
  for (const id of Object.values(breadthIds)) {
    const bits = from.breadth[id] as Uint8Array;
    if (!isAnySet(bits)) continue;
    breadth[id] = bits.slice();
    bits.fill(0);
  }
  return {
    cell,
    counters,
    sketches: taken,
    breadth,
    dimensions: from.dimensions.take(rest.textOf),
    gauges: {},
    examples: from.examples.take(),
  };
}
