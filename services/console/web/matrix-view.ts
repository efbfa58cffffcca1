/** Draws the matrix; keeps its elements while the cells stay the same and changes only what is new. */
import type { CellView } from "../../contracts/http-api.ts";
import { h, setText } from "./dom.ts";
import { formatExpected, formatValue } from "./format.ts";
import { glyph } from "./glyph.ts";
import { isRoute, matches, matrixOf, shownValue } from "./matrix-model.ts";
import { createSparkline } from "./sparkline.ts";

export interface MatrixView {
  readonly element: HTMLElement;
  update(cells: readonly CellView[], query: string): void;
}

interface Entry {
  readonly element: HTMLElement;
  update(cell: CellView): void;
}

export function createMatrixView(): MatrixView {
  const element = h("div", { class: "matrix-scroll" });
  let entries = new Map<string, Entry>();
  let shape = "";
  return {
    element,
    update(cells, query) {
      const shown = query === "" ? cells : cells.filter((cell) => matches(cell, query));
      const nextShape = shown.map(({ cell }) => cell).join("\n");
      if (nextShape !== shape || entries.size === 0) {
        shape = nextShape;
        entries = new Map();
        element.replaceChildren(draw(shown, entries));
      }
      for (const cell of shown) entries.get(cell.cell)?.update(cell);
    },
  };
}

function draw(cells: readonly CellView[], entries: Map<string, Entry>): HTMLElement {
  if (cells.length === 0) return h("p", { class: "muted" }, "No cell fits what you look for.");
  const { regions, rows } = matrixOf(cells);
  return h(
    "table",
    { class: "matrix" },
    h(
      "caption",
      { class: "hidden" },
      "Models and routes by region: state, main signal and its last 15 minutes",
    ),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "Model or route"),
        ...regions.map((region) => h("th", { scope: "col" }, region)),
      ),
    ),
    h(
      "tbody",
      {},
      ...rows.map((row) =>
        h(
          "tr",
          {},
          h(
            "th",
            { scope: "row" },
            h("span", { class: "name" }, row.title),
            h("span", { class: "muted" }, row.subtitle),
          ),
          ...row.columns.map((column, index) =>
            h(
              "td",
              { "data-region": regions[index] ?? "", class: column.length === 0 ? "vacant" : "" },
              ...column.map((cell) => {
                const entry = createEntry(cell);
                entries.set(cell.cell, entry);
                return entry.element;
              }),
            ),
          ),
        ),
      ),
    ),
  );
}

function createEntry(cell: CellView): Entry {
  const sign = h("span", { class: "sign" });
  const value = h("span", { class: "value" });
  const what = h("span", { class: "what" });
  const spark = createSparkline();
  const element = h(
    "button",
    { type: "button", class: "cell", "data-nav": `cell:${cell.cell}`, "data-cell": cell.cell },
    sign,
    ...(isRoute(cell) ? [] : [h("span", { class: "operation" }, cell.operation || "–")]),
    spark.element,
    value,
    what,
  );
  let state = "";
  const base = isRoute(cell) ? "cell route" : "cell";
  return {
    element,
    update(now) {
      if (now.state !== state) {
        state = now.state;
        sign.replaceChildren(glyph(now.state, true));
        element.className = `${base} ${now.state}`;
      }
      const shown = shownValue(now);
      setText(value, formatValue(shown.value, now.main?.unit ?? ""));
      value.classList.toggle("earlier", !shown.isNewest);
      setText(what, whatOf(now));
      spark.update(now.points, now.main?.unit);
      element.setAttribute("aria-label", describe(now));
      element.title = describe(now);
    },
  };
}

/** What the value is of, and what was expected of it. */
function whatOf({ main }: CellView): string {
  if (main === null) return "";
  const expected = formatExpected(main.low, main.high, main.unit);
  return expected === "" ? main.words : `${main.words}, expected ${expected}`;
}

/** A cell in one sentence, for tooltips and screen readers. */
export function describe(cell: CellView): string {
  const name = [cell.model || cell.provider, cell.operation, cell.region]
    .filter((part) => part !== "")
    .join(" ");
  const { main } = cell;
  if (main === null) return `${name}: ${cell.state}`;
  const expected = formatExpected(main.low, main.high, main.unit);
  return `${name}: ${cell.state}; ${main.words} ${formatValue(main.seen, main.unit)}${expected === "" ? "" : `, expected ${expected}`}; ${formatValue(cell.requestsPerSecond, "requests/s")}`;
}
