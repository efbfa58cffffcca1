/** A small line with its expected band. Zero-based; a gap is a gap; the newest value has a dot. */
import type { Point } from "../../contracts/http-api.ts";
import { s } from "./dom.ts";

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
  { width, height }: { readonly width: number; readonly height: number } = sparklineSize,
): SparklinePaths {
  const top = points.reduce((most, { seen, high }) => Math.max(most, seen ?? 0, high ?? 0), 0);
  if (points.length === 0 || top <= 0) return { band: "", line: "", dot: null };
  const first = points[0]?.atMs ?? 0;
  const span = Math.max(1, (points.at(-1)?.atMs ?? 0) - first);
  const x = (atMs: number) => round(2 + ((width - 6) * (atMs - first)) / span);
  const y = (value: number) => round(height - 2 - ((height - 5) * Math.max(0, value)) / top);

  const line = runs(points, ({ seen }) => seen !== null)
    .map((run) => `M${run.map(({ atMs, seen }) => `${x(atMs)} ${y(seen ?? 0)}`).join("L")}`)
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

export interface Sparkline {
  readonly element: SVGElement;
  update(points: readonly Point[]): void;
}

export function createSparkline(): Sparkline {
  const { width, height } = sparklineSize;
  const band = s("path", { class: "band" });
  const line = s("path", { class: "seen" });
  const dot = s("circle", { class: "dot", r: 2 });
  const element = s(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    band,
    line,
    dot,
  );
  return {
    element,
    update(points) {
      const paths = sparklinePaths(points);
      band.setAttribute("d", paths.band);
      line.setAttribute("d", paths.line);
      dot.setAttribute("visibility", paths.dot === null ? "hidden" : "visible");
      if (paths.dot !== null) {
        dot.setAttribute("cx", String(paths.dot.x));
        dot.setAttribute("cy", String(paths.dot.y));
      }
    },
  };
}
