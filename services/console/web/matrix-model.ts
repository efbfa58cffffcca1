/** The matrix of models and regions: which rows, columns and entries there are. Pure. */
import type { CellView } from "../../contracts/http-api.ts";

export interface MatrixRow {
  readonly key: string;
  /** The model, or an HTTP route, whose service is the subtitle. */
  readonly title: string;
  readonly subtitle: string;
  /** One list a column, in the order of operations. */
  readonly columns: readonly (readonly CellView[])[];
}

export interface Matrix {
  readonly regions: readonly string[];
  readonly rows: readonly MatrixRow[];
}

const noRegion = "no region";

export function matrixOf(cells: readonly CellView[]): Matrix {
  const regions = [...new Set(cells.map(regionOf))].sort((a, b) =>
    a === noRegion ? 1 : b === noRegion ? -1 : a < b ? -1 : 1,
  );
  const rows = new Map<string, CellView[]>();
  for (const cell of cells) {
    const key = `${cell.kind}\n${cell.provider}\n${isRoute(cell) ? cell.operation : cell.model}`;
    rows.set(key, [...(rows.get(key) ?? []), cell]);
  }
  return {
    regions,
    rows: [...rows].map(([key, inRow]) => {
      const [first] = inRow;
      const isOther = first?.provider === "_other";
      const ownTitle = first !== undefined && isRoute(first) ? first.operation : first?.model;
      return {
        key,
        title: isOther ? "all others" : ownTitle || "unnamed model",
        subtitle: isOther ? "watched together" : (first?.provider ?? ""),
        columns: regions.map((region) => inRow.filter((cell) => regionOf(cell) === region)),
      };
    }),
  };
}

/** A route has a row of its own, since its name is too long for a place inside one. */
export function isRoute({ kind, provider }: CellView): boolean {
  return kind === "http" && provider !== "_other";
}

function regionOf({ region, provider }: CellView): string {
  return region === "" || provider === "_other" ? noRegion : region;
}

/** In how many ms a value is still shown when newer windows had none: cells with few requests have many such windows. */
const stillShownMs = 60_000;

/** The newest value of the main signal, and whether it is of the newest window. */
export function shownValue({ main, points, newest }: CellView): {
  readonly value: number | null;
  readonly isNewest: boolean;
} {
  if (main === null || main.seen !== null) return { value: main?.seen ?? null, isNewest: true };
  const since = (newest?.atMs ?? points.at(-1)?.atMs ?? 0) - stillShownMs;
  const last = points.findLast(({ seen, atMs }) => seen !== null && atMs >= since);
  return { value: last?.seen ?? null, isNewest: false };
}

/** Every word must be found somewhere in the cell's names or state. */
export function matches(cell: CellView, query: string): boolean {
  const text = [cell.provider, cell.model, cell.region, cell.operation, cell.state]
    .join(" ")
    .toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
