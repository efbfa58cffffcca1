/**
 * Many series for `bench:scale`: cells of 17 signals each (all but the two that only metrics of servers give), every one of them with
 * detectors of its own, because each cell once had a request that was bad in each signal's sense. Traffic is drawn once and dealt out to the cells in turn.
 */
import { cellKey } from "../../services/contracts/cell.ts";
import { type CounterName, counterIds, sketchIds } from "../../services/contracts/measures.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";
import {
  healthyTraffic,
  normal,
  seeded,
  sketchOf,
  trafficWindow,
} from "../support/detect-traffic.ts";
import { aCell, aWindow } from "../support/records.ts";

/** Signals of a cell. */
export const seriesPerCell = 17;
export const scaleWindowMs = 1_000;
const startMs = 1_800_000_000_000;
const drawn = 64;

const badOnes: readonly CounterName[] = [
  "rate_limit",
  "auth",
  "client_cancelled",
  "invalid_request",
  "server_error",
  "retries",
  "empty",
  "truncated",
  "refused",
  "finishMissing",
  "substituted",
];

export interface ScaleTraffic {
  /** Window `index` with traffic in every `every`-th cell, the cells taking turns; `withBad`: a bad request of each kind. */
  windowAt(
    index: number,
    options: { readonly every: number; readonly withBad?: boolean },
  ): WindowRecord;
}

export function scaleTraffic(cells: number, seed: number): ScaleTraffic {
  const random = seeded(seed);
  const keys = Array.from({ length: cells }, (_, index) =>
    cellKey(aCell({ model: `model-${index % 100}`, region: `region-${Math.floor(index / 100)}` })),
  ).sort();
  const deal = Array.from({ length: drawn }, (): CellWindow => {
    const made = trafficWindow(cellKey(aCell()), random, { ...healthyTraffic, burstShape: 20 });
    const requests = made.counters[counterIds.requests] as number;
    const perToken = Array.from(
      { length: requests },
      () => 15_000 * Math.exp(0.2 * normal(random)),
    );
    return {
      ...made,
      sketches: { ...made.sketches, [sketchIds.timePerOutputToken]: sketchOf(perToken) },
      gauges: { in_flight: 1_000 * requests },
    };
  }).filter(({ counters }) => (counters[counterIds.ok] as number) > 0);

  return {
    windowAt(index, { every, withBad = false }) {
      const some: CellWindow[] = [];
      for (let cell = index % every; cell < cells; cell += every) {
        const from = deal[(cell * 7 + index) % deal.length] as CellWindow;
        const cellWindow = { ...from, cell: keys[cell] as CellWindow["cell"] };
        some.push(withBad ? spoil(cellWindow) : cellWindow);
      }
      const windowStartMs = startMs + index * scaleWindowMs;
      return aWindow({
        windowStartMs,
        windowMs: scaleWindowMs,
        appendMs: windowStartMs + scaleWindowMs + 11_000,
        cells: some,
      });
    },
  };
}

/** One more request for each way of being bad. */
function spoil(window: CellWindow): CellWindow {
  const counters = [...window.counters];
  const raise = (name: CounterName, by: number) => {
    counters[counterIds[name]] = (counters[counterIds[name]] ?? 0) + by;
  };
  raise("requests", 5);
  for (const name of badOnes) raise(name, 1);
  return { ...window, counters };
}
