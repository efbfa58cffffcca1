/** Draws a sparkline. */
import type { Point } from "../../contracts/http-api.ts";
import { s } from "./dom.ts";
import { sparklinePaths, sparklineSize } from "./sparkline-paths.ts";

export interface Sparkline {
  readonly element: SVGElement;
  update(points: readonly Point[], unit: string | undefined): void;
}

export function createSparkline(): Sparkline {
  const { width, height } = sparklineSize;
  const band = s("path", { class: "band" });
  const line = s("path", { class: "seen" });
  // A line of no length with a round end stays round however wide the box is drawn.
  const dot = s("path", { class: "dot" });
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
    update(points, unit) {
      const paths = sparklinePaths(points, unit !== "µs");
      band.setAttribute("d", paths.band);
      line.setAttribute("d", paths.line);
      dot.setAttribute("d", paths.dot === null ? "" : `M${paths.dot.x} ${paths.dot.y}h0`);
    },
  };
}
