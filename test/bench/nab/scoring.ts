/**
 * The Numenta Anomaly Benchmark's scoring, v1.1: each window of an anomaly counts once, the earlier the better; each alert outside
 * costs, the more the further behind a window. Source: Lavin & Ahmad 2015 and the benchmark's published profiles.
 */

export interface Profile {
  readonly truePositive: number;
  readonly falseNegative: number;
  readonly falsePositive: number;
}

export const profiles = {
  standard: { truePositive: 1, falseNegative: 1, falsePositive: 0.11 },
  low_fp: { truePositive: 1, falseNegative: 1, falsePositive: 0.22 },
  low_fn: { truePositive: 1, falseNegative: 2, falsePositive: 0.11 },
} as const satisfies Record<string, Profile>;

export interface LabelledSeries {
  /** `category/name.csv`. */
  readonly name: string;
  readonly category: string;
  readonly timestamps: readonly string[];
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
  /** Rows at the start that are not scored. */
  readonly probationRows: number;
  readonly windows: number;
  /** By row: what an alert there is worth before weighting, and its window's number or −1. */
  readonly worth: Float64Array;
  readonly windowOf: Int32Array;
}

/** First and last row of each labelled window, in order. */
export type WindowRows = readonly (readonly [number, number])[];

const probationShare = 0.15;
const largestProbation = 750;

const sigmoidWorth = (position: number): number =>
  position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1;
const largestWorth = sigmoidWorth(-1);

export const probationOf = (rows: number): number =>
  Math.min(Math.floor(probationShare * rows), largestProbation);

/** Worth of an alert by row: inside a window by how early, behind one by how near, before the first −1. */
export function worthOf(
  rows: number,
  windows: WindowRows,
): Pick<LabelledSeries, "worth" | "windowOf"> {
  const worth = new Float64Array(rows).fill(-1);
  const windowOf = new Int32Array(rows).fill(-1);
  for (const [number, [first, last]] of windows.entries()) {
    const width = last - first + 1;
    for (let row = first; row <= last; row++) {
      worth[row] = sigmoidWorth(-(last - row + 1) / width) / largestWorth;
      windowOf[row] = number;
    }
    const next = windows[number + 1]?.[0] ?? rows;
    for (let row = last + 1; row < next; row++)
      worth[row] = sigmoidWorth((row - last) / (width - 1));
  }
  return { worth, windowOf };
}

export interface Scored {
  readonly series: LabelledSeries;
  readonly scores: Float64Array;
}

/** Sum before normalising, and the number of windows. */
interface Raw {
  readonly sum: number;
  readonly windows: number;
}

export function rawAt(all: readonly Scored[], profile: Profile, threshold: number): Raw {
  let sum = 0;
  let windows = 0;
  for (const { series, scores } of all) {
    const best = new Array<number>(series.windows).fill(-profile.falseNegative);
    for (let row = series.probationRows; row < scores.length; row++) {
      if ((scores[row] as number) < threshold) continue;
      const window = series.windowOf[row] as number;
      const worth = series.worth[row] as number;
      if (window < 0) sum += worth * profile.falsePositive;
      else best[window] = Math.max(best[window] as number, worth * profile.truePositive);
    }
    windows += best.length;
    sum += best.reduce((total, each) => total + each, 0);
  }
  return { sum, windows };
}

/** 0: as good as saying nothing; 100: every window at its first row and nothing else. */
export function normalised({ sum, windows }: Raw, profile: Profile): number {
  const nothing = -profile.falseNegative * windows;
  return (100 * (sum - nothing)) / (profile.truePositive * windows - nothing);
}

/** The threshold that is best over all series together, as the benchmark has it; it sees the labels. */
export function bestThreshold(all: readonly Scored[], profile: Profile): number {
  const rows: { score: number; worth: number; window: number }[] = [];
  const best: number[] = [];
  for (const { series, scores } of all) {
    const firstWindow = best.length;
    for (let window = 0; window < series.windows; window++) best.push(-profile.falseNegative);
    for (let row = series.probationRows; row < scores.length; row++) {
      const window = series.windowOf[row] as number;
      rows.push({
        score: scores[row] as number,
        worth: series.worth[row] as number,
        window: window < 0 ? -1 : firstWindow + window,
      });
    }
  }
  rows.sort((a, b) => b.score - a.score);
  let sum = best.reduce((total, each) => total + each, 0);
  let threshold = 1.1;
  let bestSum = sum;
  let bestAt = threshold;
  const settle = () => {
    if (sum <= bestSum + 1e-12) return;
    bestSum = sum;
    bestAt = threshold;
  };
  for (const { score, worth, window } of rows) {
    if (score !== threshold) {
      settle();
      threshold = score;
    }
    if (window < 0) sum += worth * profile.falsePositive;
    else {
      const gain = worth * profile.truePositive - (best[window] as number);
      if (gain > 0) {
        sum += gain;
        best[window] = worth * profile.truePositive;
      }
    }
  }
  settle();
  return bestAt;
}

/** Each category by the threshold that is best for all others. */
export function leaveOneCategoryOut(all: readonly Scored[], profile: Profile): number {
  let sum = 0;
  let windows = 0;
  for (const category of new Set(all.map(({ series }) => series.category))) {
    const others = all.filter(({ series }) => series.category !== category);
    const own = all.filter(({ series }) => series.category === category);
    const raw = rawAt(own, profile, bestThreshold(others, profile));
    sum += raw.sum;
    windows += raw.windows;
  }
  return normalised({ sum, windows }, profile);
}
