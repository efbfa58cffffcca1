/** What ratio of a cell's requests is bad as a rule, learnt over hours. */
import { learnedRatio, type RatioPrior } from "../../detectors/learned-ratio.ts";
import type { VisibleSignal } from "../contracts/visible-signals.ts";

export interface UsualRatio {
  bad: number;
  of: number;
  /** What may be the beginning of trouble: it is learnt once that is known not to be so. */
  held?: { bad: number; of: number };
}

/** Usual ratio of visible failures by kind, over all cells of a class. */
export type ClassUsual = Readonly<Partial<Record<VisibleSignal, number>>>;

/** Digits from which what is seen is likelier trouble than not. */
const doubtDigits = 2;
/** How much slower it passes for usual while it may be trouble. */
const doubtPace = 1 / 8;

/**
 * Takes a window in, in place. `digits` is what a CUSUM (see `ratio-cusum.ts`) holds of trouble: above 0, there may be some, so that most of
 * what comes is held back until it is at 0 again. Five bad requests of a thin cell would otherwise have raised what is usual before
 * they are proven to be five too many. `keep` is the factor by which the usual fades a window.
 */
export function learnUsual(
  usual: UsualRatio,
  seen: { readonly bad: number; readonly of: number },
  how: { readonly learns: boolean; readonly digits: number; readonly keep: number },
): void {
  const { learns, digits, keep } = how;
  if (!learns) {
    // It was trouble.
    delete usual.held;
    return;
  }
  const pace = digits > 0 ? doubtPace : 1;
  fadeIn(usual, 1 - pace * (1 - keep), { bad: pace * seen.bad, of: pace * seen.of });
  if (digits === 0) {
    if (usual.held !== undefined) fadeIn(usual, 1, usual.held);
    delete usual.held;
  } else if (digits < doubtDigits) {
    usual.held ??= { bad: 0, of: 0 };
    fadeIn(usual.held, 1, { bad: (1 - pace) * seen.bad, of: (1 - pace) * seen.of });
  }
}

function fadeIn(
  counts: { bad: number; of: number },
  keep: number,
  more: { readonly bad: number; readonly of: number },
): void {
  counts.bad = counts.bad * keep + more.bad;
  counts.of = counts.of * keep + more.of;
}

/** Standard deviations by which a cell's own requests must contradict its class. */
const contradiction = 2;

/**
 * A cell's usual ratio, drawn towards that of its class where that is above the prior's; but never above what the cell's own requests
 * allow: where one model always fails, the others do not become insensitive.
 */
export function usualRatioOf(
  { bad, of }: { readonly bad: number; readonly of: number },
  prior: RatioPrior,
  ofClass: number,
): number {
  const own = learnedRatio(bad, of, prior);
  if (ofClass <= prior.ratio) return own;
  const allowed = of > 0 ? (bad + contradiction * Math.sqrt(bad + 1)) / of : 1;
  return Math.max(own, Math.min(allowed, learnedRatio(bad, of, { ratio: ofClass, of: prior.of })));
}
