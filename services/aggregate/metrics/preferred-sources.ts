/**
 * Which metric a cell's measure is taken from, where several give it: the first one of the table that was heard of lately. A
 * client's and a server's durations are the same requests; only one of them counts.
 */
import type { CellKey } from "../../contracts/cell.ts";
import type { Gives } from "../conventions/metric-table.ts";
import type { MetricStream } from "./metric-point.ts";

interface Source {
  mapping: number;
  heardMs: number;
}

/** By cell and measure. */
export type PreferredSources = Map<string, Source>;

/** A better source keeps its place for so long after it was heard last, ms. */
const heldMs = 600_000;

/** A count of requests is one measure whether it comes with times or not; so are durations. */
function measuresOf(gives: Gives): readonly string[] {
  return gives === "request-times" ? ["requests", "duration"] : [gives];
}

const keyOf = (cell: CellKey, measure: string): string => `${cell}\u001e${measure}`;

/** Changes `preferred`. */
export function prefer(
  preferred: PreferredSources,
  { cell, mapping }: MetricStream,
  heard: { readonly gives: Gives; readonly timeMs: number },
): void {
  const { gives, timeMs } = heard;
  for (const measure of measuresOf(gives)) {
    const key = keyOf(cell, measure);
    const known = preferred.get(key);
    if (known === undefined) preferred.set(key, { mapping, heardMs: timeMs });
    else if (mapping === known.mapping) known.heardMs = Math.max(known.heardMs, timeMs);
    else if (mapping < known.mapping || timeMs - known.heardMs > heldMs) {
      known.mapping = mapping;
      known.heardMs = timeMs;
    }
  }
}

/** Position of the mapping that gives the stream's measure to its cell. */
export function preferredOf(
  preferred: PreferredSources,
  { cell }: MetricStream,
  gives: Gives,
): number | undefined {
  return preferred.get(keyOf(cell, measuresOf(gives)[0] as string))?.mapping;
}
