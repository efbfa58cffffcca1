/** CSV with the columns `timestamp` and `value`, as monitoring systems export them, row by row. */
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

/** Throws `series_invalid` with file, line and value where there is no such header or a timestamp is none. */
export async function* readCsv(file: string): AsyncGenerator<CsvRow> {
  let lineNumber = 0;
  let columns: Columns | undefined;
  for await (const line of createInterface({ input: createReadStream(file, "utf8") })) {
    lineNumber++;
    if (line.trim() === "") continue;
    if (columns === undefined) {
      columns = columnsOf(line.replace(/^\uFEFF/, ""), `${file}:${lineNumber}`);
      continue;
    }
    const fields = fieldsOf(line, columns.separator);
    const timestamp = fields[columns.timestamp] ?? "";
    const value = fields[columns.value] ?? "";
    const timeMs = timeOf(timestamp);
    if (timeMs === undefined)
      throw new ForeshockError(
        "series_invalid",
        `${file}:${lineNumber}: timestamp '${timestamp}' is none: ISO 8601, 'YYYY-MM-DD HH:MM:SS' or Unix seconds, milli-, micro- or nanoseconds`,
      );
    yield { timestamp, value, timeMs, number: numberOf(value) };
  }
  if (columns === undefined)
    throw new ForeshockError("series_invalid", `${file}: is empty; wants a header and rows`);
}

interface Columns {
  readonly separator: string;
  readonly timestamp: number;
  readonly value: number;
}

function columnsOf(header: string, place: string): Columns {
  for (const separator of [",", ";", "\t"]) {
    const names = fieldsOf(header, separator).map((name) => name.trim().toLowerCase());
    const timestamp = names.indexOf("timestamp");
    const value = names.indexOf("value");
    if (timestamp >= 0 && value >= 0) return { separator, timestamp, value };
  }
  throw new ForeshockError(
    "series_invalid",
    `${place}: header '${header.slice(0, 80)}' lacks the columns timestamp and value`,
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
  if (/^\d+(\.\d+)?$/.test(trimmed)) return unixMs(Number(trimmed));
  const parts =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(trimmed);
  if (parts === null) return undefined;
  const [, date, time = "00:00", zone = "Z"] = parts;
  // Engines agree on three digits of a second only.
  const clock = time.replace(/(\.\d{3})\d+$/, "$1");
  const ms = Date.parse(`${date}T${clock}${zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function unixMs(number: number): number {
  if (number <= largestSeconds) return number * 1e3;
  if (number <= largestMilliseconds) return number;
  return number <= largestMicroseconds ? number / 1e3 : number / 1e6;
}

function numberOf(text: string): number {
  const trimmed = text.trim();
  const number = trimmed === "" ? Number.NaN : Number(trimmed);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** A field as it goes into a file. */
export const csvField = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
