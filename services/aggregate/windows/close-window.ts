/** A closing window → its cells: which requests count, grouped by cell, summed one cell after the other. */
import { type CellKey, cellKey, otherCell } from "../../contracts/cell.ts";
import type { CellWindow } from "../../contracts/window.ts";
import { type Texts, textOf } from "../decode/texts.ts";
import { type Candidates, candidate, candidateKind } from "../spans/candidates.ts";
import type { OpenSpans } from "../spans/span-rows.ts";
import { addRequest, type CellAccumulator, takeCell } from "./cell-accumulator.ts";
import type { OpenWindow } from "./open-windows.ts";
import { valuesOf } from "./request-values.ts";
import { orderBySeries, type SeriesOrder, sketchesOf } from "./series-sketches.ts";

/** Cells told apart in a window, as a bound on memory; the rest is summed in `otherCell`. */
const cellLimit = 20_000;

export interface Closing {
  readonly window: OpenWindow;
  /** Numbers of the candidates that count. */
  readonly winners: readonly number[];
  readonly texts: Texts;
  readonly open: OpenSpans;
  readonly accumulator: CellAccumulator;
}

/** Cells with requests, in key order. */
export function cellsOf(closing: Closing): CellWindow[] {
  const { window, winners, texts, accumulator } = closing;
  const { candidates } = window;
  accumulator.examples.open = closing.open;
  const { slots, keys } = slotsOf(candidates, winners, texts);
  const order = orderBySeries(slots, keys.length);
  const { columns, weights } = valuesOf(candidates, winners);
  const sketches = sketchesOf({ series: slots, seriesCount: keys.length, columns, weights }, order);
  const rows = rowsInOrder(order);
  const cells: CellWindow[] = [];
  let next = 0;
  for (let slot = 0; slot < keys.length; slot++) {
    for (const end = order.ends[slot] as number; next < end; next++) {
      const winner = winners[rows[next] as number] as number;
      addRequest(accumulator, candidates, winner * candidates.stride);
    }
    cells.push(
      takeCell(accumulator, keys[slot] as CellKey, {
        sketches: sketches[slot] ?? [],
        textOf: (id) => textOf(texts, id),
      }),
    );
  }
  return cells.sort((a, b) => (a.cell < b.cell ? -1 : 1));
}

/** Number of each winner's cell, in order of first appearance, and the cells' keys. */
function slotsOf(
  candidates: Candidates,
  winners: readonly number[],
  texts: Texts,
): { readonly slots: Int32Array; readonly keys: CellKey[] } {
  const slots = new Int32Array(winners.length);
  const keys: CellKey[] = [];
  const known = new Map<number, Map<number, number>>();
  for (let i = 0; i < winners.length; i++) {
    const at = (winners[i] as number) * candidates.stride;
    const of = (what: number) => candidates.data[at + what] as number;
    const kind = of(candidate.kind);
    const first = of(candidate.provider) * idRange + of(candidate.model);
    const second = (of(candidate.region) * idRange + of(candidate.operation)) * 2 + (kind - 1);
    let inner = known.get(first);
    if (inner === undefined) {
      inner = new Map();
      known.set(first, inner);
    }
    let slot = inner.get(second);
    if (slot === undefined) {
      slot = Math.min(keys.length, cellLimit);
      inner.set(second, slot);
      if (keys.length <= cellLimit) {
        keys.push(
          cellKey(
            slot === cellLimit
              ? otherCell
              : {
                  kind: kind === candidateKind.http ? "http" : "genai",
                  provider: textOf(texts, of(candidate.provider)),
                  model: textOf(texts, of(candidate.model)),
                  region: textOf(texts, of(candidate.region)),
                  operation: textOf(texts, of(candidate.operation)),
                },
          ),
        );
      }
    }
    slots[i] = slot;
  }
  return { slots, keys };
}

/** Interned ids stay far below this. */
const idRange = 2 ** 25;

/** Rows by place: the inverse of `places`. */
function rowsInOrder({ places }: SeriesOrder): Int32Array {
  const rows = new Int32Array(places.length);
  for (let row = 0; row < places.length; row++) rows[places[row] as number] = row;
  return rows;
}
