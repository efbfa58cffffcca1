/** Up to where rows are known to be stored once a range is. */
import { ForeshockError } from "../contracts/errors.ts";
import { frameRecord } from "../contracts/frame.ts";
import { topics } from "../contracts/topics.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import type { LogRecord } from "../log/log.ts";
import type { RecordRange } from "../stage.ts";
import type { RolledSource } from "./roll-ups.ts";
import { upstreamOf } from "./upstream.ts";

interface Complete {
  readonly source: RolledSource;
  /** Start of the last window, of which parts may still come; all before it are stored. */
  readonly completeMs: number;
}

/** Windows of a partition come in order, and so do the frames of a task: others' lie between them. */
export function completeIn({ topic, partition, records }: RecordRange): readonly Complete[] {
  if (topic === topics.closed)
    return completeAt({ family: "windows", id: String(partition) }, records.at(-1), decodeWindow);
  if (topic !== topics.frames) return [];
  const lastOf = new Map<string, LogRecord>();
  for (const record of records) lastOf.set(upstreamOf(record)?.task ?? "", record);
  return [...lastOf].flatMap(([id, record]) =>
    completeAt({ family: "verdicts", id }, record, frameRecord.decode),
  );
}

function completeAt(
  source: RolledSource,
  last: LogRecord | undefined,
  decode: (bytes: Uint8Array) => { readonly windowStartMs: number },
): readonly Complete[] {
  try {
    return last === undefined ? [] : [{ source, completeMs: decode(last.value).windowStartMs }];
  } catch (error) {
    if (error instanceof ForeshockError && error.code === "record_invalid") return [];
    throw error;
  }
}
