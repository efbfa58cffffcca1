/** One CSV file scored row by row into another. */
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import {
  initialSeriesState,
  type SeriesVerdict,
  stepSeries,
} from "../../detectors/series/series-score.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { type CsvRow, csvField, readCsv } from "./score-csv.ts";

export interface Job {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

interface Alert {
  readonly timestamp: string;
  readonly value: number;
  readonly score: number;
  readonly expected: number;
  readonly low: number;
  readonly high: number;
}

export interface ScoredFile {
  readonly file: string;
  readonly rows: number;
  /** Rows without a number. */
  readonly missing: number;
  readonly alerts: readonly Alert[];
}

/** Of files out of order all rows are kept in memory. */
const largestUnordered = 5_000_000;

/** Throws `series_invalid` before anything is written. */
export async function scoreFile({ name, from, to }: Job): Promise<ScoredFile> {
  const { rows, missing, isInOrder } = await survey(from);
  if (!isInOrder && rows > largestUnordered)
    throw new ForeshockError(
      "series_invalid",
      `${from}: its ${rows} rows are not in the order of their times; more than ${largestUnordered} must be`,
    );
  const verdicts = isInOrder ? undefined : await verdictsByTime(from);
  const state = initialSeriesState();
  const alerts: Alert[] = [];
  let at = 0;
  mkdirSync(dirname(to), { recursive: true });
  const target = createWriteStream(to);
  let lines = "timestamp,value,anomaly_score,label\n";
  try {
    for await (const row of readCsv(from)) {
      const verdict = verdicts?.[at++] ?? judge(state, row);
      const { timestamp, value, number } = row;
      const { score, isAlert, expected, low, high } = verdict;
      lines += `${csvField(timestamp)},${csvField(value)},${round(score)},${isAlert ? 1 : 0}\n`;
      if (isAlert && expected !== undefined && low !== undefined && high !== undefined)
        alerts.push({ timestamp, value: number, score, expected, low, high });
      if (lines.length < chunkCharacters) continue;
      if (!target.write(lines)) await new Promise((drained) => target.once("drain", drained));
      lines = "";
    }
  } finally {
    target.end(lines);
    await finished(target);
  }
  return { file: name, rows, missing, alerts };
}

const judge = (state: ReturnType<typeof initialSeriesState>, { timeMs, number }: CsvRow) =>
  stepSeries(state, { timeMs, value: number });

interface Survey {
  readonly rows: number;
  readonly missing: number;
  readonly isInOrder: boolean;
}

async function survey(file: string): Promise<Survey> {
  let rows = 0;
  let missing = 0;
  let isInOrder = true;
  let lastMs = Number.NEGATIVE_INFINITY;
  let firstValue: string | undefined;
  for await (const { timeMs, value, number } of readCsv(file)) {
    rows++;
    firstValue ??= value;
    if (Number.isNaN(number)) missing++;
    if (timeMs < lastMs) isInOrder = false;
    lastMs = timeMs;
  }
  if (rows > 0 && missing === rows)
    throw new ForeshockError(
      "series_invalid",
      `${file}: none of its ${rows} values is a number; the first is '${firstValue?.slice(0, 40)}'`,
    );
  return { rows, missing, isInOrder };
}

/** Verdicts by row of the file, judged in the order of times; rows of one time in the order of the file. */
async function verdictsByTime(file: string): Promise<SeriesVerdict[]> {
  const rows: CsvRow[] = [];
  for await (const row of readCsv(file)) rows.push(row);
  const order = rows.map((_, at) => at).sort((a, b) => timeAt(rows, a) - timeAt(rows, b));
  const state = initialSeriesState();
  const verdicts: SeriesVerdict[] = new Array(rows.length);
  for (const at of order) verdicts[at] = judge(state, rows[at] as CsvRow);
  return verdicts;
}

const timeAt = (rows: readonly CsvRow[], at: number): number => (rows[at] as CsvRow).timeMs;

const chunkCharacters = 65_536;
const round = (score: number) => Math.round(score * 1e6) / 1e6;
