import { type CellFrame, type Frame, frameRecord } from "../contracts/frame.ts";
import type { BlockColumns } from "../history/native-block.ts";
import type { verdictsTable } from "../history/tables.ts";
import { pushUpstreamSource, type RecordRows } from "./record-rows.ts";
import { createTableBlocks, monthOf } from "./table-blocks.ts";
import { pushCell, pushWindow } from "./window-record-rows.ts";

/** From good to bad: the state of a cell is the worst of its signals'. */
const statesByWeight = ["normal", "warming", "blind", "sampled", "watching", "anomalous"] as const;

/** Frames: a row a cell. */
export function frameRecordRows({ maxRows }: { readonly maxRows: number }): RecordRows {
  const verdicts = createTableBlocks("verdicts", { maxRows });
  return {
    tables: [verdicts],
    isStreaming: false,
    append(record) {
      const frame = frameRecord.decode(record.value);
      const month = monthOf(frame.windowStartMs);
      for (const [index, cell] of frame.cells.entries()) {
        if (!verdicts.admitRow(month, record.offset, index)) continue;
        pushUpstreamSource(verdicts.columns, record, index);
        pushVerdict(verdicts.columns, frame, cell);
      }
    },
  };
}

function pushVerdict(
  columns: BlockColumns<typeof verdictsTable>,
  frame: Frame,
  cell: CellFrame,
): void {
  pushWindow(columns, frame);
  pushCell(columns, cell.cell);
  const worst = Math.max(0, ...cell.signals.map(({ state }) => statesByWeight.indexOf(state)));
  columns.state.push(statesByWeight[worst] ?? "normal");
  columns.requests.push(cell.requests);
  columns.failures.push(cell.failures);
  columns.limited.push(cell.limited);
  columns.usual_requests.push(cell.usualRequests);
  columns.quiet_windows.push(cell.quietWindows);
  for (const verdict of cell.signals) {
    columns.signals.elements.push(verdict.signal);
    columns.states.elements.push(verdict.state);
    columns.frozen.elements.push(verdict.isFrozen ? 1 : 0);
    columns.seen.elements.push(verdict.seen ?? Number.NaN);
    columns.expected.elements.push(verdict.expected ?? Number.NaN);
    columns.low.elements.push(verdict.low ?? Number.NaN);
    columns.high.elements.push(verdict.high ?? Number.NaN);
    columns.bad.elements.push(verdict.bad);
    columns.of.elements.push(verdict.of);
    columns.score.elements.push(verdict.surprise);
    columns.detector.elements.push(verdict.reasons[0]?.detector ?? "");
  }
  for (const column of [
    columns.signals,
    columns.states,
    columns.frozen,
    columns.seen,
    columns.expected,
    columns.low,
    columns.high,
    columns.bad,
    columns.of,
    columns.score,
    columns.detector,
  ])
    column.endRow();
}
