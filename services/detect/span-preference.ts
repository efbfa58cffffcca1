/**
 * THE RULE for requests that both spans and metrics tell of: spans count. What metrics say of requests, times and tokens stands in
 * where a cell has no spans, and had none for ten minutes; it is never added to them. Gauges are metrics' own: they always count.
 *
 * A metric may leave out what its spans say: the region, which is an attribute of each call (Bedrock), and the version of the model,
 * where it names only the one that answered (OpenLLMetry). So it stands for spans of any region where it names none, and for those
 * of any version of a model that it names without.
 *
 * Spans say more (each request, how it ended, which version served it), and a metric covers what its spans covered, an export
 * interval later: by then the cell is known to have spans.
 */
import { type CellKey, cellKey, parseCellKey } from "../contracts/cell.ts";
import { counterSlots } from "../contracts/measures.ts";
import { bareModel } from "../contracts/model-names.ts";
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
  const isHeld = (at: number | undefined) => at !== undefined && names.window - at < held;
  let vague: ReadonlySet<CellKey> | undefined;
  const isToldElsewhere = (cell: CellKey) => {
    vague ??= new Set([
      ...cells.spans.flatMap((span) => vagueNames(span.cell)),
      ...[...names.cells].flatMap(([key, { spansAt }]) => (isHeld(spansAt) ? vagueNames(key) : [])),
    ]);
    return vague.has(cell);
  };
  for (const metric of cells.metrics) {
    const span = merged.get(metric.cell);
    const isTold =
      span !== undefined ||
      isHeld(names.cells.get(metric.cell)?.spansAt) ||
      isToldElsewhere(metric.cell);
    const told = isTold ? gaugesOnly(metric, span) : metric;
    if (span === undefined && isTold && Object.keys(told.gauges).length === 0) continue;
    merged.set(metric.cell, span === undefined ? told : mergeCells(span, told));
  }
  return [...merged.values()].sort((a, b) => (a.cell < b.cell ? -1 : 1));
}

/** The names that metrics may have for a cell of spans, with less in them. */
function vagueNames(key: CellKey): CellKey[] {
  const cell = parseCellKey(key);
  const bare = { ...cell, model: bareModel(cell.model) };
  return [{ ...cell, region: "" }, bare, { ...bare, region: "" }].map(cellKey);
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
