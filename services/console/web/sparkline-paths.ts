/** A small line with its expected band, as paths. A gap is a gap; the newest value has a dot. Pure. */
import type { Point } from "../../contracts/http-api.ts";

export const sparklineSize = { width: 120, height: 28 } as const;

export interface SparklinePaths {
  /** The band as closed shapes, the seen values as lines; empty when there is nothing to draw. */
  readonly band: string;
  readonly line: string;
  readonly dot: { readonly x: number; readonly y: number } | null;
}

/** Pure: points to paths in a box of the given size. */
export function sparklinePaths(
  points: readonly Point[],
  isZeroBased: boolean,
  { width, height }: { readonly width: number; readonly height: number } = sparklineSize,
): SparklinePaths {
  const range = rangeOf(points, isZeroBased);
  if (range === undefined) return { band: "", line: "", dot: null };
  const first = points[0]?.atMs ?? 0;
  const span = Math.max(1, (points.at(-1)?.atMs ?? 0) - first);
  const x = (atMs: number) => round(2 + ((width - 6) * (atMs - first)) / span);
  const y = (value: number) =>
    round(
      height -
        3 -
        ((height - 6) * (Math.min(value, range.top) - range.bottom)) / (range.top - range.bottom),
    );

  const line = runs(points, ({ seen }) => seen !== null)
    .map((run) => {
      const path = `M${run.map(({ atMs, seen }) => `${x(atMs)} ${y(seen ?? 0)}`).join("L")}`;
      // A window alone between gaps is a dot, drawn by the line's round end.
      return run.length === 1 ? `${path}h0` : path;
    })
    .join("");
  const band = runs(points, ({ high }) => high !== null)
    .filter((run) => run.length > 1)
    .map((run) => {
      const above = run.map(({ atMs, high }) => `${x(atMs)} ${y(high ?? 0)}`);
      const below = run.map(({ atMs, low }) => `${x(atMs)} ${y(low ?? 0)}`).reverse();
      return `M${[...above, ...below].join("L")}Z`;
    })
    .join("");
  const newest = points.at(-1);
  const dot =
    newest === undefined || newest.seen === null ? null : { x: x(newest.atMs), y: y(newest.seen) };
  return { band, line, dot };
}

/** From zero where ratios or counts are compared; else around what was seen and expected. Undefined when nothing was seen. */
function rangeOf(
  points: readonly Point[],
  isZeroBased: boolean,
): { readonly bottom: number; readonly top: number } | undefined {
  if (!points.some(({ seen }) => seen !== null)) return undefined;
  const values = points
    .flatMap(({ seen, low, high }) => [seen, low, high])
    .filter((value) => value !== null);
  const top = topOf(points);
  const least = isZeroBased ? 0 : Math.min(...values);
  if (top <= 0) return { bottom: 0, top: 1 };
  const bottom = isZeroBased ? 0 : Math.max(0, least - (top - least) * 0.5);
  return { bottom, top: top > bottom ? top : bottom + 1 };
}

/** What was expected, nearly all that was seen, and the newest in any case: lone spikes are cut off, not shown at others' cost. */
function topOf(points: readonly Point[]): number {
  const seen = points
    .map((point) => point.seen)
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
  const nearlyAll = seen[Math.ceil(seen.length * spikeQuantile) - 1] ?? 0;
  const newest = points.findLast((point) => point.seen !== null)?.seen ?? 0;
  return points.reduce((most, { high }) => Math.max(most, high ?? 0), Math.max(nearlyAll, newest));
}

const spikeQuantile = 0.97;

/** Stretches of neighbouring points that hold. */
function runs(points: readonly Point[], holds: (point: Point) => boolean): Point[][] {
  const found: Point[][] = [];
  let run: Point[] | undefined;
  for (const point of points)
    if (!holds(point)) run = undefined;
    else if (run === undefined) {
      run = [point];
      found.push(run);
    } else run.push(point);
  return found;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
