/** Closed windows of many series, as detect writes them, stored as the archive does: what a backtest reads. */
import { namedRandom } from "../../../services/chatbot/random.ts";
import { cellKey } from "../../../services/contracts/cell.ts";
import {
  type CounterName,
  counterIds,
  counterSlots,
  sketchIds,
} from "../../../services/contracts/measures.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { encodeWindow } from "../../../services/contracts/window-write.ts";
import type { History } from "../../../services/history/history.ts";
import { createNativeBlock } from "../../../services/history/native-block.ts";
import { closedTable } from "../../../services/history/tables.ts";

export interface ClosedRows {
  readonly windows: number;
  readonly cells: number;
  readonly startMs: number;
  readonly seed: number;
}

const windowMs = 5_000;
const cellsEach = 250;

export async function fillClosed(history: History, options: ClosedRows): Promise<void> {
  const random = namedRandom(options.seed, "closed windows");
  const block = createNativeBlock(closedTable);
  const keys = Array.from({ length: options.cells }, (_, i) =>
    cellKey({
      kind: "genai",
      provider: "openai",
      model: `model-${String(i % 50).padStart(2, "0")}`,
      region: `region-${String(Math.floor(i / 50)).padStart(2, "0")}`,
      operation: "chat",
    }),
  ).sort();
  const parts = Math.ceil(keys.length / cellsEach);
  for (let window = 0; window < options.windows; window++) {
    const windowStartMs = options.startMs + window * windowMs;
    for (let part = 0; part < parts; part++) {
      const record = encodeWindow({
        task: "detect/0",
        epoch: 1,
        windowStartMs,
        windowMs,
        appendMs: windowStartMs + 17_000,
        watermarkMs: 0,
        part,
        parts,
        pipeline: { lateSpans: 0, clampedSpans: 0, duplicateSpans: 0, outerSpans: 0, senders: [] },
        cells: keys
          .slice(part * cellsEach, (part + 1) * cellsEach)
          .map((cell) => aQuietCell(cell, () => random.unit(), window === 0)),
      });
      const c = block.columns;
      c.source_topic.push("foreshock.closed");
      c.source_partition.push(0);
      c.source_offset.push(window * parts + part);
      c.source_index.push(0);
      c.append_time.push(windowStartMs + 17_000);
      c.source_task.push("detect/0");
      c.source_sequence.push(window * parts + part + 1);
      c.window_start.push(windowStartMs);
      c.window_ms.push(windowMs);
      c.epoch.push(1);
      c.task.push("detect/0");
      c.part.push(part);
      c.parts.push(parts);
      c.record.pushBytes(record);
    }
    if (window % 50 !== 49 && window !== options.windows - 1) continue;
    await history.insert({ table: "closed", block: block.encode(), token: `closed/${window}` });
    block.clear();
  }
}

/** Counters of requests that are bad in some way; a signal of a cell has detectors once it saw one. */
const bad = [
  ...["rate_limit", "auth", "client_cancelled", "invalid_request", "retries", "empty"],
  ...["truncated", "refused", "finishMissing", "substituted"],
] as readonly CounterName[];

function aQuietCell(cell: CellWindow["cell"], unit: () => number, withBad: boolean): CellWindow {
  const requests = (withBad ? 20 : 2) + Math.floor(unit() * 6);
  const failed = unit() < 0.02 ? 1 : 0;
  const counters = new Array<number>(counterSlots).fill(0);
  counters[counterIds.requests] = requests;
  counters[counterIds.spans] = requests;
  counters[counterIds.streamed] = requests;
  counters[counterIds.inputTokens] = requests * 900;
  counters[counterIds.outputTokens] = requests * 220;
  counters[counterIds.finishStop] = requests - failed;
  counters[counterIds.ok] = requests - failed;
  counters[counterIds.server_error] = failed;
  if (withBad) for (const name of bad) counters[counterIds[name]] = 1;
  const sketch = (middle: number) => {
    const buckets = [
      ...new Set(Array.from({ length: requests }, () => middle + Math.floor(unit() * 90))),
    ];
    return { buckets: buckets.sort((a, b) => a - b), counts: buckets.map(() => 1) };
  };
  return {
    cell,
    counters,
    sketches: {
      [sketchIds.duration]: sketch(1_000),
      [sketchIds.timeToFirstToken]: sketch(860),
      [sketchIds.timePerOutputToken]: sketch(600),
      [sketchIds.outputTokens]: sketch(180),
    },
    breadth: {},
    dimensions: [],
    gauges: {},
    examples: [],
  };
}
