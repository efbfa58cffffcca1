import { type CellKey, parseCellKey } from "../contracts/cell.ts";
import { type CounterName, counterIds } from "../contracts/measures.ts";
import { outcomes } from "../contracts/outcomes.ts";
import {
  type CellWindow,
  counter,
  estimateBreadth,
  sketch,
  type WindowRecord,
} from "../contracts/window.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import type { BlockColumns } from "../history/native-block.ts";
import type { closedTable, windowsTable } from "../history/tables.ts";
import type { LogRecord } from "../log/log.ts";
import { pushSource, pushUpstreamSource, type RecordRows } from "./record-rows.ts";
import { createTableBlocks, monthOf } from "./table-blocks.ts";

type WindowColumns = BlockColumns<typeof windowsTable>;

const counterColumns = {
  requests: "requests",
  spans: "spans",
  streamed: "streamed",
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cachedInputTokens: "cached_input_tokens",
  reasoningTokens: "reasoning_tokens",
  retries: "retries",
  empty: "empty",
  truncated: "truncated",
  refused: "refused",
  substituted: "substituted",
  finishStop: "finish_stop",
  finishTool: "finish_tool",
  finishOther: "finish_other",
  finishMissing: "finish_missing",
} as const satisfies Partial<Record<CounterName, keyof WindowColumns>>;

const sketchColumns = {
  duration: ["duration_buckets", "duration_counts"],
  timeToFirstToken: ["ttft_buckets", "ttft_counts"],
  timePerOutputToken: ["tpot_buckets", "tpot_counts"],
  outputTokens: ["output_tokens_buckets", "output_tokens_counts"],
  inputTokens: ["input_tokens_buckets", "input_tokens_counts"],
} as const;

type Pairs<T extends object> = readonly (readonly [keyof T, T[keyof T]])[];
const counterPairs = Object.entries(counterColumns) as unknown as Pairs<typeof counterColumns>;
const sketchPairs = Object.entries(sketchColumns) as unknown as Pairs<typeof sketchColumns>;

/** Closed windows: the record itself, and a row a cell. */
export function windowRecordRows({ maxRows }: { readonly maxRows: number }): RecordRows {
  const windows = createTableBlocks("windows", { maxRows });
  const closed = createTableBlocks("closed", { maxRows });
  return {
    tables: [closed, windows],
    isStreaming: false,
    append(record) {
      const window = decodeWindow(record.value);
      const month = monthOf(window.windowStartMs);
      if (closed.admitRow(month, record.offset, 0)) pushClosed(closed.columns, record, window);
      for (const [index, cell] of window.cells.entries()) {
        if (!windows.admitRow(month, record.offset, index)) continue;
        pushSource(windows.columns, record, index);
        pushCellWindow(windows.columns, window, cell);
      }
    },
  };
}

function pushClosed(
  columns: BlockColumns<typeof closedTable>,
  record: LogRecord,
  window: WindowRecord,
): void {
  pushUpstreamSource(columns, record, 0);
  pushWindow(columns, window);
  columns.task.push(window.task);
  columns.part.push(window.part);
  columns.parts.push(window.parts);
  columns.record.pushBytes(record.value);
}

function pushCellWindow(columns: WindowColumns, window: WindowRecord, cell: CellWindow): void {
  pushWindow(columns, window);
  pushCell(columns, cell.cell);
  for (const [name, column] of counterPairs) columns[column].push(counter(cell, name));
  for (const outcome of outcomes)
    columns[`outcome_${outcome}`].push(cell.counters[counterIds[outcome]] ?? 0);
  columns.tenants.push(estimateBreadth(cell, "tenants"));
  columns.tenants_failed.push(estimateBreadth(cell, "tenantsFailed"));
  columns.tenants_limited.push(estimateBreadth(cell, "tenantsLimited"));
  for (const [name, [bucketColumn, countColumn]] of sketchPairs) {
    const { buckets, counts } = sketch(cell, name);
    for (const bucket of buckets) columns[bucketColumn].elements.push(bucket);
    for (const count of counts) columns[countColumn].elements.push(count);
    columns[bucketColumn].endRow();
    columns[countColumn].endRow();
  }
}

interface NumberSink {
  push(value: number): void;
}

/** Which window a row is about. */
export function pushWindow(
  columns: {
    readonly window_start: NumberSink;
    readonly window_ms: NumberSink;
    readonly epoch: NumberSink;
  },
  window: { readonly windowStartMs: number; readonly windowMs: number; readonly epoch: number },
): void {
  columns.window_start.push(window.windowStartMs);
  columns.window_ms.push(window.windowMs);
  columns.epoch.push(window.epoch);
}

interface TextSink {
  push(text: string): void;
}

/** Which cell a row is about. */
export function pushCell(
  columns: Readonly<Record<"kind" | "provider" | "model" | "region" | "operation", TextSink>>,
  key: CellKey,
): void {
  const cell = parseCellKey(key);
  columns.kind.push(cell.kind);
  columns.provider.push(cell.provider);
  columns.model.push(cell.model);
  columns.region.push(cell.region);
  columns.operation.push(cell.operation);
}
