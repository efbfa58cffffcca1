/** Runs a detector over a whole series: what benches and tests measure with. */
import type { Detector, Observation, Verdict } from "./detector.ts";

export interface EvaluateOptions {
  readonly windowMs: number;
  /** Whether the baseline is frozen in window `index`; default never. */
  readonly isFrozen?: (index: number) => boolean;
}

/** One verdict an observation, strictly in order: a verdict depends on its own and earlier observations alone. */
export function evaluate<State>(
  detector: Detector<State>,
  observations: Iterable<Observation>,
  { windowMs, isFrozen = () => false }: EvaluateOptions,
): Verdict[] {
  let state = detector.initialState(windowMs);
  let index = 0;
  const verdicts: Verdict[] = [];
  for (const observation of observations) {
    const stepped = detector.step(state, observation, { isFrozen: isFrozen(index++) });
    state = stepped.state;
    verdicts.push(stepped.verdict);
  }
  return verdicts;
}

/** Share of judged windows with a surprise of at least `threshold`: on healthy series at most 10^−threshold. */
export function alarmRate(verdicts: readonly Verdict[], threshold: number): number {
  const judged = verdicts.filter(({ state }) => state === "judging" || state === "frozen");
  if (judged.length === 0) return 0;
  return judged.filter(({ surprise }) => surprise >= threshold).length / judged.length;
}
