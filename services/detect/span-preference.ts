/**
 * THE RULE for requests that both spans and metrics tell of: spans count. What metrics say of requests, times and tokens stands in
 * where a cell has no spans, and had none for ten minutes; it is never added to them. Gauges are metrics' own: they always count.
 *
 * Spans say more (each request, how it ended, which version served it), and a metric covers what its spans covered, an export
 * interval later: by then the cell is known to have spans.
 */
import type { CellKey } from "../contracts/cell.ts";
import { counterSlots } from "../contracts/measures.ts";
import { type CellWindow, counter } from "../contracts/window.ts";
import { mergeCells } from "../contracts/window-merge.ts";
import type { CellNames } from "./cell-names.ts";
import { completedGauge } from "./in-flight.ts";

/** How long a cell is its spans' after the last one, ms. Longer than export intervals, so that nothing is told of late. */
const heldMs = 600_000;

const noCounters: readonly number[] = new Array<number>(counterSlots).fill(0);

/** Cells of spans (and logs) and those of metrics, each in key order → the window's cells in key order. */
export function preferSpans(
  names: CellNames,
  cells: { readonly spans: readonly CellWindow[]; readonly metrics: readonly CellWindow[] },
  windowMs: number,
): CellWindow[] {
  if (cells.metrics.length === 0) return [...cells.spans];
  const merged = new Map(cells.spans.map((cell) => [cell.cell, cell]));
  const held = Math.ceil(heldMs / windowMs);
  for (const metric of cells.metrics) {
    const span = merged.get(metric.cell);
    const at = names.cells.get(metric.cell)?.spansAt;
    const isTold = span !== undefined || (at !== undefined && names.window - at < held);
    const told = isTold ? gaugesOnly(metric, span) : metric;
    if (span === undefined && isTold && Object.keys(told.gauges).length === 0) continue;
    merged.set(metric.cell, span === undefined ? told : mergeCells(span, told));
  }
  return [...merged.values()].sort((a, b) => (a.cell < b.cell ? -1 : 1));
}

/** Beside requests in flight, what ended of them is what spans say. */
function gaugesOnly(metric: CellWindow, span: CellWindow | undefined): CellWindow {
  const hasLevels = Object.keys(metric.gauges).some((name) => name !== completedGauge);
  const ended = span === undefined ? 0 : counter(span, "requests");
  return {
    ...metric,
    counters: noCounters,
    sketches: {},
    gauges: hasLevels ? { ...metric.gauges, [completedGauge]: ended * 1_000 } : {},
  };
}

/** Call once the window's cells have their names. Changes `names`. */
export function noteSpans(names: CellNames, spans: readonly { readonly cell: CellKey }[]): void {
  for (const { cell } of spans) {
    const tracked = names.cells.get(cell);
    if (tracked !== undefined) tracked.spansAt = names.window;
  }
}
