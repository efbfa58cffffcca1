/**
 * Made-up production telemetry with labelled trouble, as a second opinion: six kinds of series (seasonal traffic, latency, CPU, a rare count,
 * a sawtooth, bursts) with spikes, dips, level shifts, ramps and drop-outs. It is generated here, so it proves less than data of others.
 */
import { namedRandom } from "../../../services/chatbot/random.ts";

export interface TroubledSeries {
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
  /** First and last row of each trouble. */
  readonly troubles: readonly (readonly [number, number])[];
}

const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 0, 5);
const kinds = ["traffic", "latency", "cpu", "count", "sawtooth", "bursts"] as const;

export function makeTelemetry(seed: number, count: number): TroubledSeries[] {
  return Array.from({ length: count }, (_, index) =>
    makeSeries(seed, index, kinds[index % kinds.length] as (typeof kinds)[number]),
  );
}

function makeSeries(seed: number, index: number, kind: (typeof kinds)[number]): TroubledSeries {
  const source = namedRandom(seed, `telemetry/${index}`);
  const unit = () => source.unit();
  const normal = () => Math.sqrt(-2 * Math.log(unit() + 1e-12)) * Math.cos(2 * Math.PI * unit());
  const stepMs = index % 2 === 0 ? 300_000 : 60_000;
  const rows = index % 2 === 0 ? 6_048 : 10_080;
  const next = healthy(kind, { unit, normal });
  const timesMs = Array.from({ length: rows }, (_, row) => startMs + row * stepMs);
  const values = timesMs.map(next);
  const spread = deviationOf(values);
  const troubles: [number, number][] = [];
  const wanted = 3 + Math.floor(3 * unit());
  for (let trouble = 0; trouble < wanted; trouble++) {
    const first = Math.floor(rows * (0.2 + (0.75 * (trouble + 0.8 * unit())) / wanted));
    const rowsLong = disturb(values, first, (2.5 + 4 * unit()) * spread, unit);
    troubles.push([first, Math.min(rows, first + rowsLong) - 1]);
  }
  return { timesMs, values, troubles };
}

interface Noise {
  readonly unit: () => number;
  readonly normal: () => number;
}

function healthy(
  kind: (typeof kinds)[number],
  { unit, normal }: Noise,
): (timeMs: number) => number {
  const amplitude = 0.3 + 0.5 * unit();
  const noise = 0.02 + 0.1 * unit();
  const base = 10 ** (1 + 2 * unit());
  let slow = 0;
  let fill = 0.3;
  let burst = 0;
  return (timeMs) => {
    const day = Math.sin(2 * Math.PI * (timeMs / dayMs + 0.1));
    const weekend = Math.floor(timeMs / dayMs + 3) % 7 >= 5 ? 0.7 : 1;
    slow = 0.9 * slow + normal() * Math.sqrt(0.19);
    switch (kind) {
      case "traffic":
        return base * (1 + amplitude * day) * weekend * Math.exp(noise * (slow + 0.5 * normal()));
      case "latency":
        return base * (1 + 0.2 * day) * Math.exp(0.15 * slow + 0.1 * Math.abs(normal()) * normal());
      case "cpu":
        return Math.max(0, Math.min(100, 40 + 15 * day + 6 * slow + 4 * normal()));
      case "count":
        return poisson(2 + 1.5 * day, unit);
      case "sawtooth":
        fill = fill > 0.8 + 0.1 * unit() ? 0.3 : fill + 0.001 + 0.001 * unit();
        return base * (fill + 0.01 * normal());
      case "bursts":
        burst = 0.8 * burst + (unit() < 0.01 ? 2 * unit() : 0);
        return base * (0.2 + burst + 0.05 * Math.abs(normal()) + 0.05 * slow);
    }
  };
}

function poisson(mean: number, unit: () => number): number {
  let count = 0;
  let probability = Math.exp(-mean);
  let sum = probability;
  const wanted = unit();
  while (wanted > sum && count < 60) {
    count++;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}

/** Changes the values in place; gives how many rows long. */
function disturb(values: number[], first: number, size: number, unit: () => number): number {
  const shape = Math.floor(5 * unit());
  const long = [
    2 + 4 * unit(),
    3 + 6 * unit(),
    30 + 60 * unit(),
    20 + 50 * unit(),
    6 + 20 * unit(),
  ];
  const rows = Math.floor(long[shape] as number);
  for (let row = first; row < Math.min(values.length, first + rows); row++) {
    const value = values[row] as number;
    const changed = [
      value + 1.2 * size,
      Math.max(0, value - size),
      value + 0.8 * size,
      value + (size * (row - first)) / rows,
      0,
    ];
    values[row] = changed[shape] as number;
  }
  return rows;
}

function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

export interface EventCounts {
  readonly f1: number;
  readonly found: number;
  readonly missed: number;
  readonly falseAlerts: number;
  readonly falseAlertsPerSeriesWeek: number;
}

/** Trouble is found by an alert from one row before it to three behind it; false alerts within 12 rows are one. */
export function countEvents(
  all: readonly { readonly series: TroubledSeries; readonly isAlert: (row: number) => boolean }[],
): EventCounts {
  let found = 0;
  let missed = 0;
  let falseAlerts = 0;
  let weeks = 0;
  for (const { series, isAlert } of all) {
    const { troubles, timesMs } = series;
    weeks += ((timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0)) / (7 * dayMs);
    const hit = new Set<number>();
    let lastFalse = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < timesMs.length; row++) {
      if (!isAlert(row)) continue;
      const trouble = troubles.findIndex(([first, last]) => row >= first - 1 && row <= last + 3);
      if (trouble >= 0) hit.add(trouble);
      else {
        if (row - lastFalse > 12) falseAlerts++;
        lastFalse = row;
      }
    }
    found += hit.size;
    missed += troubles.length - hit.size;
  }
  return {
    f1: (2 * found) / Math.max(1, 2 * found + missed + falseAlerts),
    found,
    missed,
    falseAlerts,
    falseAlertsPerSeriesWeek: falseAlerts / weeks,
  };
}
