/** A closing window → its cells: which requests count, grouped by cell, summed one cell after the other. */
import { type CellKey, cellKey, otherCell } from "../../contracts/cell.ts";
import type { CellWindow } from "../../contracts/window.ts";
import { mixBits, type Texts, textOf } from "../decode/texts.ts";
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
  const { data, stride } = candidates;
  const slots = new Int32Array(winners.length);
  const keys: CellKey[] = [];
  // Open addressing; a cell is known by where the numbers of its first request begin.
  let firsts = new Int32Array(256).fill(-1);
  let numbers = new Int32Array(256);
  let found = 0;
  for (let i = 0; i < winners.length; i++) {
    const at = (winners[i] as number) * stride;
    let entry = entryOf(firsts, data, at);
    if (firsts[entry] === -1) {
      if (++found * 2 > firsts.length) {
        ({ firsts, numbers } = twiceAsLarge(firsts, numbers, data));
        entry = entryOf(firsts, data, at);
      }
      firsts[entry] = at;
      numbers[entry] = Math.min(keys.length, cellLimit);
      if (keys.length <= cellLimit)
        keys.push(keys.length === cellLimit ? cellKey(otherCell) : keyAt(data, at, texts));
    }
    slots[i] = numbers[entry] as number;
  }
  return { slots, keys };
}

/** Where the cell of the request at `at` is in the table, or would be put. */
function entryOf(firsts: Int32Array, data: Float64Array, at: number): number {
  const mask = firsts.length - 1;
  let hash = data[at + candidate.kind] as number;
  for (let i = 0; i < cellColumns.length; i++)
    hash = Math.imul(hash ^ (data[at + (cellColumns[i] as number)] as number), 0x9e3779b1);
  for (let entry = mixBits(hash) & mask; ; entry = (entry + 1) & mask) {
    const first = firsts[entry] as number;
    if (first === -1 || isSameCell(data, first, at)) return entry;
  }
}

const cellColumns = [
  candidate.provider,
  candidate.model,
  candidate.region,
  candidate.operation,
] as const;

function isSameCell(data: Float64Array, left: number, right: number): boolean {
  return (
    data[left + candidate.kind] === data[right + candidate.kind] &&
    data[left + candidate.provider] === data[right + candidate.provider] &&
    data[left + candidate.model] === data[right + candidate.model] &&
    data[left + candidate.region] === data[right + candidate.region] &&
    data[left + candidate.operation] === data[right + candidate.operation]
  );
}

function twiceAsLarge(firsts: Int32Array, numbers: Int32Array, data: Float64Array) {
  const grown = {
    firsts: new Int32Array(firsts.length * 2).fill(-1),
    numbers: new Int32Array(firsts.length * 2),
  };
  for (let i = 0; i < firsts.length; i++) {
    const first = firsts[i] as number;
    if (first === -1) continue;
    const entry = entryOf(grown.firsts, data, first);
    grown.firsts[entry] = first;
    grown.numbers[entry] = numbers[i] as number;
  }
  return grown;
}

function keyAt(data: Float64Array, at: number, texts: Texts): CellKey {
  const of = (what: number) => textOf(texts, data[at + what] as number);
  return cellKey({
    kind: data[at + candidate.kind] === candidateKind.http ? "http" : "genai",
    provider: of(candidate.provider),
    model: of(candidate.model),
    region: of(candidate.region),
    operation: of(candidate.operation),
  });
}

/** Rows by place: the inverse of `places`. */
function rowsInOrder({ places }: SeriesOrder): Int32Array {
  const rows = new Int32Array(places.length);
  for (let row = 0; row < places.length; row++) rows[places[row] as number] = row;
  return rows;
}
