/** What ratio of a cell's requests is bad as a rule, learnt over hours. */

export interface UsualRatio {
  bad: number;
  of: number;
  /** What may be the beginning of trouble: it is learnt once that is known not to be so. */
  held?: { bad: number; of: number };
}

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
