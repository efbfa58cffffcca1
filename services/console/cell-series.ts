/** The last quarter of an hour of one signal of one cell: a ring by window number, so repeats overwrite and gaps stay gaps. */
import type { Point } from "../contracts/http-api.ts";

const fields = 4;

export interface CellSeries {
  /** Takes a window's values; windows older than the ring are let go. */
  put(windowStartMs: number, values: Omit<Point, "atMs">): void;
  /** The point of one window; undefined when nothing was put for it, or it is too old. */
  at(windowStartMs: number): Point | undefined;
  /** Whether any window kept has a value. */
  hasValue(): boolean;
  /** Points up to the newest window, oldest first; windows without a value between others are gaps (nulls). */
  points(newestMs: number): readonly Point[];
}

export function createCellSeries(windowMs: number, lengthMs: number): CellSeries {
  const slots = Math.max(1, Math.ceil(lengthMs / windowMs));
  const values = new Float32Array(slots * fields).fill(Number.NaN);
  const starts = new Float64Array(slots).fill(-1);
  const slotOf = (startMs: number) => Math.floor(startMs / windowMs) % slots;
  const read = (at: number): number | null => {
    const value = values[at];
    return value === undefined || Number.isNaN(value) ? null : value;
  };
  function at(atMs: number): Point | undefined {
    const slot = slotOf(atMs);
    if (starts[slot] !== atMs) return undefined;
    const from = slot * fields;
    return {
      atMs,
      seen: read(from),
      expected: read(from + 1),
      low: read(from + 2),
      high: read(from + 3),
    };
  }
  return {
    put(windowStartMs, { seen, expected, low, high }) {
      const slot = slotOf(windowStartMs);
      if ((starts[slot] ?? -1) > windowStartMs) return;
      starts[slot] = windowStartMs;
      const at = slot * fields;
      values[at] = seen ?? Number.NaN;
      values[at + 1] = expected ?? Number.NaN;
      values[at + 2] = low ?? Number.NaN;
      values[at + 3] = high ?? Number.NaN;
    },
    at,
    hasValue() {
      for (let slot = 0; slot < slots; slot++) if (read(slot * fields) !== null) return true;
      return false;
    },
    points(newestMs) {
      const found: Point[] = [];
      for (let back = slots - 1; back >= 0; back--) {
        const atMs = newestMs - back * windowMs;
        const point = at(atMs);
        if (point !== undefined) found.push(point);
        else if (found.length > 0)
          found.push({ atMs, seen: null, expected: null, low: null, high: null });
      }
      return found;
    },
  };
}
