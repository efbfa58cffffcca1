/** Two ways of doing the same, in turns, so that whatever slows the machine slows both. */
export interface Times {
  readonly ownMedianMs: number;
  readonly rivalMedianMs: number;
  /** Rival's time over ours, a round each. */
  readonly ratios: readonly number[];
}

export interface Alternation {
  readonly rounds: number;
  readonly now: () => number;
  readonly own: () => unknown;
  readonly rival: () => unknown;
}

/** Runs both once unmeasured, then in turns. */
export function alternate({ rounds, now, own, rival }: Alternation): Times {
  const timed = (work: () => unknown) => {
    const start = now();
    work();
    return now() - start;
  };
  for (let i = 0; i < 2; i++) {
    own();
    rival();
  }
  const ownTimes: number[] = [];
  const rivalTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ownTimes.push(timed(own));
    rivalTimes.push(timed(rival));
  }
  return {
    ownMedianMs: median(ownTimes),
    rivalMedianMs: median(rivalTimes),
    ratios: rivalTimes.map((time, round) => time / (ownTimes[round] as number)),
  };
}

export type RatioFigures<Name extends string> = Readonly<
  Record<Name | `${Name}_min` | `${Name}_max`, number>
>;

/** The median of the rounds' ratios under the figure's name, with the spread. */
export function ratioFigures<Name extends string>(name: Name, times: Times): RatioFigures<Name> {
  const round = (value: number) => Math.round(value * 100) / 100;
  return {
    [name]: round(median(times.ratios)),
    [`${name}_min`]: round(Math.min(...times.ratios)),
    [`${name}_max`]: round(Math.max(...times.ratios)),
  } as RatioFigures<Name>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
