/** Exponentially weighted mean that starts as a plain one: `half life` in rows. */
export interface Average {
  mean: number;
  seen: number;
}

export const emptyAverage = (): Average => ({ mean: 0, seen: 0 });

/** Weight of the newest row for a half life in rows. */
export const weightOf = (halfLifeRows: number): number => 1 - 0.5 ** (1 / halfLifeRows);

export function addTo(average: Average, value: number, weight: number): void {
  average.seen++;
  average.mean += Math.max(weight, 1 / average.seen) * (value - average.mean);
}
