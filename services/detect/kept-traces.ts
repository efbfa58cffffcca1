/**
 * Whether a tail sampler keeps traces with errors alone. Then every request that is seen has failed, however few do: what share that is
 * cannot be known, and ratios say so ("sampled", unknown) instead of alarming.
 */

/** Traces seen whole, and those without any error; decayed. */
export interface KeptTraces {
  all: number;
  clean: number;
}

export const noTraces = (): KeptTraces => ({ all: 0, clean: 0 });

/** Half-life: an outage of everything would have to last for days to be taken for sampling. */
const halfLifeMs = 24 * 3_600_000;
const leastTraces = 50;
/** Errors that a span does not show as such leave a few traces clean. */
const cleanRatio = 0.05;

/** Takes a window's traces in. Changes `kept`. */
export function keepTraces(
  kept: KeptTraces,
  window: { readonly traces: number; readonly cleanTraces: number; readonly windowMs: number },
): void {
  if (window.traces === 0) return;
  const decay = 0.5 ** (window.windowMs / halfLifeMs);
  kept.all = kept.all * decay + window.traces;
  kept.clean = kept.clean * decay + window.cleanTraces;
}

export function areErrorsOnly({ all, clean }: KeptTraces): boolean {
  return all >= leastTraces && clean <= cleanRatio * all;
}
