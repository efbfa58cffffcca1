/** A panel's result beside its truth. */
import type { Expected, Nearness, Value } from "./truth.ts";

export interface Result {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface Comparison {
  readonly rows: number;
  readonly values: number;
  /** Where the result is not what it should be, in words; empty: it is. */
  readonly differences: readonly string[];
  /** Largest distance that was found, and by what it is measured; undefined where all is text. */
  readonly worst: { readonly nearness: Nearness; readonly distance: number } | undefined;
}

export function compare(expected: Expected, result: Result): Comparison {
  const differences: string[] = [];
  const names = Object.keys(expected.columns);
  const places = names.map((name) => result.columns.findIndex((column) => column.name === name));
  for (const [i, name] of names.entries())
    if (places[i] === -1) differences.push(`column ${name} is missing`);
  if (result.rows.length !== expected.rows.length)
    differences.push(`${result.rows.length} rows, should be ${expected.rows.length}`);
  if (differences.length > 0)
    return { rows: result.rows.length, values: 0, differences, worst: undefined };

  const read = (row: readonly unknown[]) =>
    names.map((name, i) => asValue(row[places[i] ?? 0], expected.columns[name] ?? "text"));
  const found = result.rows.map(read);
  const wanted = expected.rows.map((row) => names.map((name) => row[name] ?? null));
  if (expected.key !== undefined) {
    const at = expected.key.map((name) => names.indexOf(name));
    const order = (row: readonly Value[]) => JSON.stringify(at.map((i) => row[i]));
    const byKey = (a: readonly Value[], b: readonly Value[]) => (order(a) < order(b) ? -1 : 1);
    found.sort(byKey);
    wanted.sort(byKey);
  }
  let worst: Comparison["worst"];
  for (const [at, row] of wanted.entries())
    for (const [i, name] of names.entries()) {
      const nearness = expected.columns[name] ?? "text";
      const is = found[at]?.[i] ?? null;
      const should = row[i] ?? null;
      const distance = distanceOf(nearness, is, should);
      if (distance > limits[nearness])
        differences.push(`row ${at}, ${name}: ${show(is)}, should be ${show(should)}`);
      else if (
        distance > 0 &&
        (worst === undefined ||
          distance / limits[nearness] > worst.distance / limits[worst.nearness])
      )
        worst = { nearness, distance };
    }
  return { rows: found.length, values: found.length * names.length, differences, worst };
}

/** ClickHouse's JSON has 64-bit integers as texts, and times as texts in UTC. */
export function asValue(value: unknown, nearness: Nearness): Value {
  if (value === null || value === undefined) return null;
  if (nearness === "text") return Array.isArray(value) ? value.map(String) : String(value);
  if (nearness === "time")
    return Math.floor(Date.parse(`${String(value).replace(" ", "T").slice(0, 23)}Z`));
  return Number(value);
}

export const limits: Readonly<Record<Nearness, number>> = {
  text: 0,
  exact: 0,
  // Microseconds of telemetry against whole milliseconds.
  time: 1,
  ratio: 0.001,
  sketch: 1 / 128 + 1e-6,
  real: 1e-6,
  estimate: 0.05,
  bucket: 0.02,
};

/** 0: the same; relative for sizes, absolute for shares and times. NULL is near nothing but NULL. */
function distanceOf(nearness: Nearness, is: Value, should: Value): number {
  if (is === null || should === null) return is === should ? 0 : Number.POSITIVE_INFINITY;
  if (nearness === "text") return JSON.stringify(is) === JSON.stringify(should) ? 0 : 1;
  const apart = Math.abs(Number(is) - Number(should));
  if (Number.isNaN(apart)) return Number.POSITIVE_INFINITY;
  if (["exact", "time", "ratio", "bucket"].includes(nearness)) return apart;
  // A bitmap that takes two tenants for one is half a tenant off at once, however few there are.
  return apart / Math.max(Math.abs(Number(should)), nearness === "estimate" ? 10 : 1e-6);
}

const show = (value: Value) => (value === null ? "NULL" : JSON.stringify(value));

export const nearnessWords: Readonly<Record<Nearness, string>> = {
  text: "the same",
  exact: "the same",
  time: "1 ms, telemetry having finer times",
  ratio: "0.1 percentage points",
  sketch: "1/128 of the value, as a sketch promises",
  real: "a millionth of the value: floating point",
  estimate: "5 %, or half a tenant",
  bucket: "2 percentage points: a sketch's bucket counts as a whole",
};
