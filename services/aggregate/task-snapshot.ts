/** The little that a snapshot holds beside the log itself. */
import * as z from "zod";
import { ForeshockError } from "../contracts/errors.ts";
import { jsonRecord } from "../contracts/json-record.ts";
import type { Position } from "./windows/open-windows.ts";

export interface SavedTask {
  /** Last window (start divided by length) that was written; −Infinity before the first. */
  readonly closedThrough: number;
  /** Event time before the record at the offset that is read on from. */
  readonly position: Position;
}

/** null: nothing yet. */
const moment = z.number().nullable();
const schema = z.object({ closedThrough: moment, watermarkMs: moment, appendMs: moment });
const record = jsonRecord("aggregate snapshot", 1, schema);

const save = (value: number) => (value === Number.NEGATIVE_INFINITY ? null : value);
const load = (value: number | null) => value ?? Number.NEGATIVE_INFINITY;

export function encodeSnapshot({ closedThrough, position }: SavedTask): Uint8Array {
  return record.encode({
    closedThrough: save(closedThrough),
    watermarkMs: save(position.watermarkMs),
    appendMs: save(position.appendMs),
  });
}

/** Reads the first chunk; the others are the intake's own. Throws `checkpoint_invalid` where there is none. */
export function decodeSnapshot(chunks: readonly Uint8Array[]): SavedTask {
  const [chunk] = chunks;
  if (chunk === undefined)
    throw new ForeshockError(
      "checkpoint_invalid",
      "an aggregate snapshot has at least 1 chunk, got 0",
    );
  const { closedThrough, watermarkMs, appendMs } = record.decode(chunk);
  return {
    closedThrough: load(closedThrough),
    position: { watermarkMs: load(watermarkMs), appendMs: load(appendMs) },
  };
}
