/**
 * Randomness of the simulation: every draw is a pure function of the seed and a name, so that adding a fault
 * does not shift the noise of anything else (runs with and without a fault are paired).
 */
export interface RandomSource {
  /** Uniform in (0, 1). */
  unit(): number;
  /** Standard normal. */
  normal(): number;
}

/** Finalizer of MurmurHash3, 32 bits: each input bit changes each output bit with probability ~ 1/2. */
export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units, then mixed: a 32-bit key for a name. */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  return mix32(h);
}

/** Key of entity `index` within the family `key`. */
export function childKey(key: number, index: number): number {
  return mix32(Math.imul(key ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(index + 1, 0xc2b2ae35));
}

/** The `slot`-th uniform of a key, in (0, 1): slots are independent of the order in which they are asked. */
export function unitAt(key: number, slot: number): number {
  return (mix32(key + Math.imul(slot + 1, 0x9e3779b9)) + 0.5) / 4294967296;
}

/** The `slot`-th word of a key, 32 bits. */
export function wordAt(key: number, slot: number): number {
  return mix32(key + Math.imul(slot + 1, 0x9e3779b9));
}

/** The `slot`-th standard normal of a key. */
export function normalAt(key: number, slot: number): number {
  return inverseNormal(unitAt(key, slot));
}

/**
 * Quantile of the standard normal; relative error below 1.2e-9.
 * Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003.
 */
function inverseNormal(p: number): number {
  if (p < 0.02425) return tail(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return -tail(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  const numerator =
    ((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r +
      138.357751867269) *
      r -
      30.66479806614716) *
      r +
    2.506628277459239;
  const denominator =
    ((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r +
      66.80131188771972) *
      r -
      13.28068155288572) *
      r +
    1;
  return (q * numerator) / denominator;
}

function tail(q: number): number {
  const numerator =
    ((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q -
      2.549732539343734) *
      q +
      4.374664141464968) *
      q +
    2.938163982698783;
  const denominator =
    (((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q +
      3.754408661907416) *
      q +
    1;
  return numerator / denominator;
}

/** Distribution function of the standard normal; absolute error below 7.5e-8 (Abramowitz & Stegun 26.2.17). */
export function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = 0.3989422804014327 * Math.exp((-x * x) / 2) * poly;
  return x >= 0 ? 1 - upper : upper;
}

/** A sequential stream named `name` under `seed`. */
export function namedRandom(seed: number, name: string): RandomSource {
  const key = childKey(mix32(seed), hashText(name));
  let slot = 0;
  const unit = (): number => {
    slot = (slot + 1) | 0;
    return unitAt(key, slot);
  };
  return { unit, normal: () => inverseNormal(unit()) };
}

/** Gamma of mean 1 and shape `shape`; Marsaglia and Tsang 2000, with their power step for shapes below 1. */
export function gammaMean1(random: RandomSource, shape: number): number {
  if (shape < 1) {
    const boosted = gammaMean1(random, shape + 1) * (shape + 1);
    return (boosted * random.unit() ** (1 / shape)) / shape;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(random.unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape;
  }
}

/** Index drawn in proportion to `cumulative` (ascending sums; the last is the total). */
export function pickIndex(cumulative: Float64Array, unit: number): number {
  const target = unit * (cumulative[cumulative.length - 1] ?? 0);
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function cumulativeOf(weights: readonly number[]): Float64Array {
  const sums = new Float64Array(weights.length);
  let total = 0;
  weights.forEach((weight, index) => {
    total += weight;
    sums[index] = total;
  });
  return sums;
}
