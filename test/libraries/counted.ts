/** What Foreshock counts of a capture, through the code that a replay runs. */
import { judgementSchema } from "../../services/contracts/config.ts";
import { type RequestRow, requestRows } from "../../services/contracts/request-rows.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { type CaptureRecord, readCapture } from "../../services/log/capture.ts";
import { Replay, taskOf } from "../../services/runtime/replay.ts";

export async function recordsOf(file: string): Promise<CaptureRecord[]> {
  const records: CaptureRecord[] = [];
  const onTorn = (offset: number) => {
    throw new Error(`${file} is torn at byte ${offset}`);
  };
  for await (const record of readCapture(file, { onTorn })) records.push(record);
  return records;
}

export function countRecords(records: readonly CaptureRecord[]): RequestRow[] {
  const cells: CellWindow[] = [];
  const tasks = [...new Set(records.map(({ signal, partition }) => taskOf(signal, partition)))];
  const replay = new Replay(
    { judgement: judgementSchema.parse({}), tasks, windowsPartitions: 1 },
    { onClosed: (window) => cells.push(...window.cells) },
  );
  for (const record of records) replay.feed(record);
  replay.finish();
  return requestRows(cells);
}
