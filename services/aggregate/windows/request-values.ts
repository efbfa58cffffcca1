/** What of each request goes into which sketch: a column a sketch, −1 where the request has nothing for it. */
import { failedFirstTokenSketch, sketchIds } from "../../contracts/measures.ts";
import { outcomeIndex, outcomes } from "../../contracts/outcomes.ts";
import { type Candidates, candidate, candidateFlag, candidateKind } from "../spans/candidates.ts";

/** Sketch of each column. */
export const columnSketches: readonly number[] = Object.values(sketchIds);

const columnOf = (sketch: number): number => columnSketches.indexOf(sketch);
const duration = columnOf(sketchIds.duration);
const firstToken = columnOf(sketchIds.timeToFirstToken);
const perToken = columnOf(sketchIds.timePerOutputToken);
const output = columnOf(sketchIds.outputTokens);
const input = columnOf(sketchIds.inputTokens);
const failedFirstToken = outcomes.map((outcome) => columnOf(failedFirstTokenSketch(outcome)));

/** Outcomes whose duration says how fast the service is: not those that fail at once. */
const isTimed = outcomes.map((outcome) =>
  ["ok", "timeout", "client_cancelled", "stream_error"].includes(outcome),
);

export interface RequestValues {
  readonly columns: readonly Float64Array[];
  /** undefined: every request counts once. */
  readonly weights: Float64Array | undefined;
}

export function valuesOf(candidates: Candidates, winners: readonly number[]): RequestValues {
  const columns = columnSketches.map(() => new Float64Array(winners.length).fill(-1));
  const weights = new Float64Array(winners.length);
  let isWeighted = false;
  for (let i = 0; i < winners.length; i++) {
    const at = (winners[i] as number) * candidates.stride;
    fill(columns, i, candidates.data, at);
    const weight = candidates.data[at + candidate.weight] as number;
    weights[i] = weight;
    if (weight !== 1) isWeighted = true;
  }
  return { columns, weights: isWeighted ? weights : undefined };
}

function fill(columns: readonly Float64Array[], row: number, data: Float64Array, at: number): void {
  const outcome = data[at + candidate.outcome] as number;
  const durationUs = data[at + candidate.durationUs] as number;
  if (isTimed[outcome] === true) put(columns, row, duration, durationUs);
  if (data[at + candidate.kind] !== candidateKind.call) return;
  const firstChunkUs = data[at + candidate.firstChunkUs] as number;
  const inputTokens = data[at + candidate.inputTokens] as number;
  const outputTokens = data[at + candidate.outputTokens] as number;
  const isOk = outcome === outcomeIndex.ok;
  // LiteLLM writes zeros where it was told nothing.
  if (inputTokens > 0) put(columns, row, input, inputTokens);
  if (firstChunkUs >= 0) {
    put(columns, row, firstToken, firstChunkUs);
    if (!isOk) put(columns, row, failedFirstToken[outcome] as number, firstChunkUs);
  }
  const isEmbedding = ((data[at + candidate.flags] as number) & candidateFlag.embeddings) !== 0;
  if (!isOk || isEmbedding) return;
  if (outputTokens > 0 || isEmpty(inputTokens, outputTokens))
    put(columns, row, output, outputTokens);
  if (outputTokens < 2) return;
  put(
    columns,
    row,
    perToken,
    Math.max(0, durationUs - Math.max(0, firstChunkUs)) / (outputTokens - 1),
  );
}

function put(columns: readonly Float64Array[], row: number, column: number, value: number): void {
  (columns[column] as Float64Array)[row] = value;
}

/** Ended well, but said nothing. */
export function isEmpty(inputTokens: number, outputTokens: number): boolean {
  return outputTokens === 0 && inputTokens > 0;
}
