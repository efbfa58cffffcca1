/**
 * Tail probabilities as surprise (−log10 p, 0 … 30), exact where it matters and cheap where nothing is unusual.
 */
import { surpriseCap } from "./detector.ts";

const lanczos = [
  76.1800917294715, -86.5053203294168, 24.01409824083091, -1.231739572450155, 1.208650973866179e-3,
  -5.395239384953e-6,
];

/** ln Γ(x) for x > 0: Stirling's series from 10 up (error < 1e-12), Lanczos below (error < 2e-10). */
function logGamma(x: number): number {
  if (x >= 10) {
    const inverse = 1 / x;
    const square = inverse * inverse;
    return (
      (x - 0.5) * Math.log(x) -
      x +
      0.9189385332046727 +
      inverse * (1 / 12 - square * (1 / 360 - square / 1260))
    );
  }
  let sum = 1.000000000190015;
  for (let i = 0; i < lanczos.length; i++) sum += (lanczos[i] as number) / (x + 1 + i);
  const t = x + 5.5;
  return -t + (x + 0.5) * Math.log(t) + Math.log((2.5066282746310007 * sum) / x);
}

/** ln n!, remembered for the counts that windows have: the same number as `logGamma(n + 1)`. */
const logFactorials = new Float64Array(4096).fill(Number.NaN);

function logFactorial(n: number): number {
  if (!(Number.isInteger(n) && n < logFactorials.length)) return logGamma(n + 1);
  const known = logFactorials[n] as number;
  if (!Number.isNaN(known)) return known;
  const made = logGamma(n + 1);
  logFactorials[n] = made;
  return made;
}

/**
 * Surprise of k or more bad ones of n when the ratio has a beta distribution of mean `mean` and concentration `concentration`
 * (α = mean · concentration): X ~ BetaBinomial(n, α, β). The probability mass at k, then the ratio of neighbouring masses.
 * k at or below one standard deviation above the mean is answered with 0 without any special function.
 */
export function betaBinomialSurprise(
  k: number,
  n: number,
  mean: number,
  concentration: number,
): number {
  if (!(n > 0) || !(k > 0) || k > n) return 0;
  const alpha = mean * concentration;
  const beta = concentration - alpha;
  const variance = (n * mean * (1 - mean) * (concentration + n)) / (concentration + 1);
  if (k <= n * mean + Math.sqrt(variance)) return 0;
  const logMass =
    logFactorial(n) -
    logFactorial(k) -
    logFactorial(n - k) +
    logGamma(k + alpha) +
    logGamma(n - k + beta) -
    logGamma(n + concentration) -
    logGamma(alpha) -
    logGamma(beta) +
    logGamma(concentration);
  let term = 1;
  let sum = 1;
  for (let i = k; i < n; i++) {
    term *= ((n - i) * (alpha + i)) / ((i + 1) * (beta + n - i - 1));
    sum += term;
    if (term < sum * 1e-9) break;
  }
  return clampSurprise(-(logMass + Math.log(sum)) / Math.LN10);
}

/**
 * Surprise of a standardized value z in one direction under Student's t with 8 degrees of freedom: heavier than normal, since scales are
 * estimated and real series have outliers. P(T > z) = ½ (1 − s(1 + ½c + ⅜c² + 5⁄16 c³)), s = z/√(8+z²), c = 1 − s².
 */
export function studentSurprise(z: number): number {
  if (!(z > 1)) return 0;
  const c = 8 / (8 + z * z);
  // For large z the closed form cancels: the leading term of the series in c is used instead (5 % off at z = 9).
  if (z > 12) return clampSurprise(-Math.log10((35 / 256) * c ** 4 * (1 + 0.8 * c)));
  const s = Math.sqrt(1 - c);
  const p = 0.5 * (1 - s * (1 + 0.5 * c + 0.375 * c * c + 0.3125 * c * c * c));
  return clampSurprise(-Math.log10(p));
}

/** 0 … 30; NaN (an impossible input) is 0: no evidence. */
export function clampSurprise(surprise: number): number {
  if (!(surprise > 0)) return 0;
  return Math.min(surprise, surpriseCap);
}

/** The strongest of `tests` looks at the same series, paid for by all of them (Bonferroni). */
export function bonferroni(strongest: number, tests: number): number {
  return tests <= 1 || strongest === 0 ? strongest : clampSurprise(strongest - Math.log10(tests));
}
