/**
 * Lets a value through only if it is larger than all of the last rows: a bigger event still gets through, a repeat does not, and
 * nothing is muted for long. Cost: amortised constant time; the candidates for the next maximum are state.
 */
export interface Records {
  /** Rows and values that may still become the largest of the last rows; values fall. */
  rows: number[];
  values: number[];
}

export const noRecords = (): Records => ({ rows: [], values: [] });

/** `value` where it is a record of the last `length` rows, else 0; remembers it, in place. `row` counts up. */
export function recordOf(records: Records, row: number, value: number, length: number): number {
  const { rows, values } = records;
  while (rows.length > 0 && (rows[0] as number) < row - length) {
    rows.shift();
    values.shift();
  }
  const isRecord = value > (values[0] ?? 0);
  while (values.length > 0 && (values.at(-1) as number) <= value) {
    rows.pop();
    values.pop();
  }
  rows.push(row);
  values.push(value);
  return isRecord ? value : 0;
}
