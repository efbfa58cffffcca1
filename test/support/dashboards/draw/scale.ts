/** Axes: round steps, linear from 0 or by decades. */
export interface Scale {
  /** Share of the axis' length from its low end, 0 … 1. */
  place(value: number): number;
  readonly ticks: readonly number[];
}

export function linearScale(low: number, high: number, count = 4): Scale {
  const span = high - low > 0 ? high - low : 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9) * step;
  const last = Math.ceil((low + span) / step - 1e-9) * step;
  const ticks: number[] = [];
  for (let tick = first; tick <= last + step / 2; tick += step)
    ticks.push(Number(tick.toPrecision(12)));
  return { ticks, place: (value) => (value - first) / (last - first) };
}

export function logScale(low: number, high: number): Scale {
  const first = Math.floor(Math.log10(low));
  const last = Math.max(first + 1, Math.ceil(Math.log10(high)));
  const decades = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return { ticks: decades, place: (value) => (Math.log10(value) - first) / (last - first) };
}
