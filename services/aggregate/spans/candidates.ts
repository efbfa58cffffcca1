/**
 * What counts, perhaps: one row of numbers a model call or HTTP request, kept until its window closes, because only then is
 * it known whether another span describes the same call better. Interned ids are of the task's texts.
 */
export const candidate = {
  /** 1 model call, 2 HTTP request. */
  kind: 0,
  /** Row in the open spans. */
  row: 1,
  provider: 2,
  model: 3,
  region: 4,
  operation: 5,
  outcome: 6,
  flags: 7,
  /** A `finishKind`. */
  finish: 8,
  weight: 9,
  durationUs: 10,
  /** These six: −1 where the telemetry does not tell. */
  firstChunkUs: 11,
  inputTokens: 12,
  outputTokens: 13,
  cachedTokens: 14,
  reasoningTokens: 15,
  /** Hash of the tenant. */
  tenant: 16,
  retries: 17,
  responseModel: 18,
  error: 19,
  sender: 20,
  /** Start in ms with fractions, for telling which calls ran at the same time. */
  startMs: 21,
  /** Of the library: see `libraries.ts`. */
  nearness: 22,
  /** From here on, an interned id a configured dimension. */
  dimensions: 23,
} as const;

export const candidateKind = { call: 1, http: 2 } as const;

export const candidateFlag = {
  streamed: 1,
  /** Neither an error nor an end: given up by the caller… */
  unfinished: 2,
  /** …unless the span above failed. */
  askParent: 4,
  /** The outcome is a guess that an outer span may better. */
  weak: 8,
  substituted: 16,
  embeddings: 32,
  /** It failed and does not say how: a failed span above may, unless the answer had begun. */
  askAbove: 64,
} as const;

export interface Candidates {
  data: Float64Array;
  readonly stride: number;
  count: number;
}

export function createCandidates(dimensionCount: number): Candidates {
  const stride = candidate.dimensions + dimensionCount;
  return { data: new Float64Array(stride * 64), stride, count: 0 };
}

/** Room for one more; gives where its numbers begin. The count is raised by the caller when the row is filled. */
export function reserveCandidate(candidates: Candidates): number {
  const at = candidates.count * candidates.stride;
  if (at + candidates.stride > candidates.data.length) {
    const grown = new Float64Array(candidates.data.length * 2);
    grown.set(candidates.data);
    candidates.data = grown;
  }
  return at;
}

/** Copies the row at `at` of `from` behind the rows of `to`; gives its number. */
export function appendCandidate(to: Candidates, from: Candidates, at: number): number {
  const target = reserveCandidate(to);
  for (let i = 0; i < from.stride; i++) to.data[target + i] = from.data[at + i] as number;
  return to.count++;
}
