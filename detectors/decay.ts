/**
 * The factor by which a window lets what was known fade: ½^(windowMs / half-life). Remembered, because all cells of a task have
 * windows of one length and a power costs more than most of what is done with it.
 */
export type Decay = (windowMs: number) => number;

export function decayWithHalfLife(halfLifeMs: number): Decay {
  let forMs = 0;
  let factor = 1;
  return (windowMs) => {
    if (windowMs !== forMs) {
      forMs = windowMs;
      factor = 0.5 ** (windowMs / halfLifeMs);
    }
    return factor;
  };
}
