/** Log records of a window by the service that wrote them: how many, and how many of them tell of an error. */
import type { CellKey } from "../../contracts/cell.ts";
import { counterSlots } from "../../contracts/measures.ts";
import type { CellWindow } from "../../contracts/window.ts";

export interface LoggedRecord {
  readonly cell: CellKey;
  readonly isError: boolean;
}

interface LogCount {
  records: number;
  errors: number;
}

export type LogCounts = Map<CellKey, LogCount>;

/** Services told apart in a window, as a bound on memory; the records of further ones are left out. */
const serviceLimit = 1_000;

export function countLog(counts: LogCounts, { cell, isError }: LoggedRecord): void {
  const known = counts.get(cell);
  if (known === undefined && counts.size >= serviceLimit) return;
  const count = known ?? { records: 0, errors: 0 };
  counts.set(cell, count);
  count.records++;
  if (isError) count.errors++;
}

/** Cells that have nothing but these counts, in key order; in thousandths, as gauges are. */
export function cellsOfLogs(counts: LogCounts): CellWindow[] {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cell, { records, errors }]) => ({
      cell,
      counters: new Array<number>(counterSlots).fill(0),
      sketches: {},
      breadth: {},
      dimensions: [],
      gauges: { log_errors: errors * 1_000, log_records: records * 1_000 },
      examples: [],
    }));
}
