/** States by shape and colour: ● normal ◐ watching ▲ ticket ■ page ○ silent ◌ learning. */
import type { CellState } from "../../contracts/http-api.ts";
import { s } from "./dom.ts";

/** Drawn, not typed: fonts disagree about the size of these signs. */
export function glyph(state: CellState, isDecorative = false): SVGElement {
  const label = isDecorative ? { "aria-hidden": "true" } : { role: "img", "aria-label": state };
  return s("svg", { class: `glyph ${state}`, viewBox: "0 0 12 12", ...label }, ...shapes[state]());
}

const shapes: Readonly<Record<CellState, () => readonly SVGElement[]>> = {
  normal: () => [s("circle", { class: "solid", cx: 6, cy: 6, r: 3.6 })],
  watching: () => [
    s("circle", { class: "outline", cx: 6, cy: 6, r: 4.4 }),
    s("path", { class: "solid", d: "M6 1.6a4.4 4.4 0 0 0 0 8.8z" }),
  ],
  ticket: () => [s("path", { class: "solid", d: "M6 0.8 11.6 11H0.4z" })],
  page: () => [s("rect", { class: "solid", x: 0.8, y: 0.8, width: 10.4, height: 10.4, rx: 1 })],
  silent: () => [s("circle", { class: "outline", cx: 6, cy: 6, r: 4.4 })],
  learning: () => [s("circle", { class: "outline dashed", cx: 6, cy: 6, r: 4.4 })],
};
