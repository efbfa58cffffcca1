/**
 * A cell is the smallest thing that is watched on its own: provider × model × region × operation for model calls,
 * service × route × region for HTTP requests of the application.
 */
export interface Cell {
  readonly kind: "genai" | "http";
  /** `gen_ai.provider.name`; for HTTP the `service.name`. */
  readonly provider: string;
  /** `gen_ai.request.model` as asked for at the provider; empty for HTTP. */
  readonly model: string;
  /** `cloud.region`; empty when the telemetry names none. */
  readonly region: string;
  /** `gen_ai.operation.name`; for HTTP the method and `http.route`, as in `POST /login`. */
  readonly operation: string;
}

/** A cell as one string: the partition key, the merge key and the order in which cells are stepped. */
export type CellKey = string & { readonly __brand: "CellKey" };

const separator = "\u001f";

export function cellKey(cell: Cell): CellKey {
  return [cell.kind, cell.provider, cell.model, cell.region, cell.operation].join(
    separator,
  ) as CellKey;
}

export function parseCellKey(key: CellKey): Cell {
  const [kind, provider = "", model = "", region = "", operation = ""] = key.split(separator);
  return { kind: kind === "http" ? "http" : "genai", provider, model, region, operation };
}

/** The cell that takes in what has no name of its own, when more cells are alive than are watched one by one. */
export const otherCell: Cell = {
  kind: "genai",
  provider: "_other",
  model: "_other",
  region: "_other",
  operation: "_other",
};

/** Telemetry attribute names of a cell's parts, as attributions report them; parts that are empty are left out. */
export function cellAttributes(cell: Cell): Readonly<Record<string, string>> {
  const named: Record<string, string> =
    cell.kind === "genai"
      ? {
          "gen_ai.provider.name": cell.provider,
          "gen_ai.request.model": cell.model,
          "cloud.region": cell.region,
          "gen_ai.operation.name": cell.operation,
        }
      : {
          "service.name": cell.provider,
          "cloud.region": cell.region,
          // As the telemetry has it: without the method that the cell's name begins with.
          "http.route": cell.operation.replace(/^[A-Z]+ /, ""),
        };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== ""));
}

/** A cell in a reader's words: `claude-sonnet chat in eu-west-1`. */
export function cellTitle(cell: Cell): string {
  const what = cell.kind === "genai" ? `${cell.model} ${cell.operation}` : cell.operation;
  return cell.region === "" ? what : `${what} in ${cell.region}`;
}
