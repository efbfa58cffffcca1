/** A closing window → its cells: which requests count, grouped by cell, summed one cell after the other. */
import { type CellKey, cellKey, otherCell } from "../../contracts/cell.ts";
import type { CellWindow } from "../../contracts/window.ts";
import { type Texts, textOf } from "../decode/texts.ts";
import { type Candidates, candidate, candidateKind } from "../spans/candidates.ts";
import type { OpenSpans } from "../spans/open-spans.ts";
import { addRequest, type CellAccumulator, takeCell } from "./cell-accumulator.ts";
import type { OpenWindow } from "./open-windows.ts";

/** Cells told apart in a window, as a bound on memory; the rest is summed in `otherCell`. */
export const cellLimit = 20_000;

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
  const order = groupBySlot(slots, keys.length);
  const cells: CellWindow[] = [];
  for (let slot = 0; slot < keys.length; slot++) {
    const end = order.ends[slot] as number;
    for (let i = slot === 0 ? 0 : (order.ends[slot - 1] as number); i < end; i++) {
      const winner = winners[order.rows[i] as number] as number;
      addRequest(accumulator, candidates, winner * candidates.stride);
    }
    cells.push(takeCell(accumulator, keys[slot] as CellKey, (id) => textOf(texts, id)));
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

/** Counting sort: rows by slot, keeping their order; `ends[slot]` is where a slot's rows end. */
export function groupBySlot(
  slots: Int32Array,
  slotCount: number,
): { readonly rows: Int32Array; readonly ends: Int32Array } {
  const next = new Int32Array(slotCount + 1);
  for (let i = 0; i < slots.length; i++) {
    const slot = (slots[i] as number) + 1;
    next[slot] = (next[slot] as number) + 1;
  }
  for (let slot = 1; slot <= slotCount; slot++)
    next[slot] = (next[slot] as number) + (next[slot - 1] as number);
  const rows = new Int32Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const place = next[slot] as number;
    rows[place] = i;
    next[slot] = place + 1;
  }
  return { rows, ends: next };
}
