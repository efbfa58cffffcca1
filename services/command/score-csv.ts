/** CSV with a column of times and one of values, as monitoring systems export them, row by row. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { ForeshockError } from "../contracts/errors.ts";

export interface CsvRow {
  /** As it stands in the file. */
  readonly timestamp: string;
  readonly value: string;
  readonly timeMs: number;
  /** NaN where the value is empty or no finite number. */
  readonly number: number;
}

/** Throws `series_invalid` with file, line and value where no column is known to be the value or a timestamp is none. */
export async function* readCsv(file: string): AsyncGenerator<CsvRow> {
  let lineNumber = 0;
  let columns: Columns | undefined;
  for await (const line of createInterface({ input: createReadStream(file, "utf8") })) {
    lineNumber++;
    if (line.trim() === "") continue;
    if (columns === undefined) {
      const first = line.replace(/^\uFEFF/, "");
      columns = columnsOf(first, `${file}:${lineNumber}`);
      if (!isWithoutHeader(first, columns)) continue;
    }
    const fields = fieldsOf(line, columns.separator);
    const timestamp = fields[columns.timestamp] ?? "";
    const value = fields[columns.value] ?? "";
    const timeMs = timeOf(timestamp);
    if (timeMs === undefined)
      throw new ForeshockError(
        "series_invalid",
        `${file}:${lineNumber}: timestamp '${timestamp}' is none: ISO 8601, 'YYYY-MM-DD HH:MM:SS', 'YYYYMMDDHHMMSS' or Unix seconds, milli-, micro- or nanoseconds`,
      );
    yield { timestamp, value, timeMs, number: numberOf(value, columns.separator) };
  }
  if (columns === undefined)
    throw new ForeshockError("series_invalid", `${file}: is empty; wants a header and rows`);
}

interface Columns {
  readonly separator: string;
  readonly timestamp: number;
  readonly value: number;
}

/** Names of the column of times and of values, the likeliest first. */
const timeNames = [
  "timestamp",
  "@timestamp",
  "time",
  "_time",
  "datetime",
  "date",
  "ts",
  "ds",
  "unix_timestamp",
];
const valueNames = ["value", "_value", "y"];

/** Of two columns the one that is no time is the value; two columns of a time and a number need no header. */
function columnsOf(header: string, place: string): Columns {
  for (const separator of [",", ";", "\t"]) {
    const names = fieldsOf(header, separator).map((name) => name.trim().toLowerCase());
    const timestamp = firstOf(timeNames, names);
    const named = firstOf(valueNames, names);
    const value = named < 0 && names.length === 2 && timestamp >= 0 ? 1 - timestamp : named;
    if (timestamp >= 0 && value >= 0) return { separator, timestamp, value };
    const columns = { separator, timestamp: 0, value: 1 };
    if (names.length === 2 && isWithoutHeader(header, columns)) return columns;
  }
  throw new ForeshockError(
    "series_invalid",
    `${place}: header '${header.slice(0, 80)}' lacks the columns timestamp and value (or time, date, ts; two columns need no name for the value)`,
  );
}

function firstOf(wanted: readonly string[], names: readonly string[]): number {
  const found = wanted.find((name) => names.includes(name));
  return found === undefined ? -1 : names.indexOf(found);
}

function isWithoutHeader(line: string, { separator, timestamp, value }: Columns): boolean {
  const fields = fieldsOf(line, separator);
  return (
    timeOf(fields[timestamp] ?? "") !== undefined &&
    Number.isFinite(numberOf(fields[value] ?? "", separator))
  );
}

/** A quoted field may hold the separator; a doubled quote in it is a quote. */
function fieldsOf(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string;
    if (character === '"') {
      if (isQuoted && line[at + 1] === '"') {
        field += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (character === separator && !isQuoted) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  return [...fields, field];
}

/** Numbers up to these are Unix seconds, milliseconds and microseconds; larger ones nanoseconds. */
const largestSeconds = 1e11;
const largestMilliseconds = 1e14;
const largestMicroseconds = 1e17;

/** Unix milliseconds; times without a zone are UTC. */
function timeOf(text: string): number | undefined {
  const trimmed = text.trim();
  const digits = /^((?:19|20)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(trimmed);
  if (digits === null && /^\d+(\.\d+)?(e\+?\d+)?$/i.test(trimmed)) return unixMs(Number(trimmed));
  const parts =
    digits ??
    /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(
      trimmed,
    );
  if (parts === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] =
    parts;
  const two = (number = "") => number.padStart(2, "0");
  // Engines agree on three digits of a second only.
  const clock = `${two(hour)}:${two(minute)}:${two(second)}.${fraction.slice(0, 3).padEnd(3, "0")}`;
  const offset = zone.replace("UTC", "Z").replace(/^([+-]\d\d)(\d\d)$/, "$1:$2");
  const ms = Date.parse(`${year}-${two(month)}-${two(day)}T${clock}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function unixMs(number: number): number {
  if (number <= largestSeconds) return number * 1e3;
  if (number <= largestMilliseconds) return number;
  return number <= largestMicroseconds ? number / 1e3 : number / 1e6;
}

/** Where the comma separates no fields it may be a decimal one. */
function numberOf(text: string, separator: string): number {
  const trimmed = separator === "," ? text.trim() : text.trim().replace(/^(-?\d+),(\d+)$/, "$1.$2");
  const number = trimmed === "" ? Number.NaN : Number(trimmed);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** A field as it goes into a file. */
export const csvField = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
