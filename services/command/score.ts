import { createWriteStream, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { alertScore, initialSeriesState, stepSeries } from "../../detectors/series/series-score.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { type Command, exitCodes, outputFile, write } from "./command.ts";
import { showProgress } from "./progress.ts";
import { csvField, readCsv } from "./score-csv.ts";

export const scoreCommand: Command = {
  name: "score",
  summary: "Score any metric that you have as CSV of timestamps and values, row by row.",
  usage: "FILE|DIR --out DIR [--json FILE]",
  maxPositionals: 1,
  options: {
    out: {
      type: "string",
      value: "DIR",
      help: "Where the scored files go, in the same folders as they come from",
    },
    json: { type: "string", value: "FILE", help: "Write rows, alerts and bands as JSON" },
  },
  examples: [
    "foreshock score latency.csv --out scored",
    "foreshock score exports/ --out scored --json alerts.json",
  ],
  notes: [
    "Wants the columns timestamp and value; others are ignored. Rows without a number score 0 and teach nothing; gaps, repeats and",
    "any step are fine. Writes timestamp,value,anomaly_score,label: a score of 0.5 or more is unusual, label 1 is an alert. The score of",
    "a row depends on the rows before it alone, and all files are scored by the same fixed configuration.",
  ],
  run: async (args) => {
    const [source] = args.positionals;
    const out = args.text("out");
    if (source === undefined || out === undefined)
      throw new ForeshockError(
        "usage",
        "score: wants a file or folder and --out DIR; see foreshock score --help",
      );
    const json = outputFile(args, "json");
    const jobs = jobsOf(source, out);
    const progress = showProgress("scoring", jobs.length);
    const scored: ScoredFile[] = [];
    const refused: string[] = [];
    for (const [index, job] of jobs.entries()) {
      progress.update(index, job.name);
      try {
        scored.push(await scoreFile(job));
      } catch (error) {
        if (!(error instanceof ForeshockError)) throw error;
        refused.push(error.message);
      }
    }
    progress.end();
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(scored, null, 2)}\n`);
    for (const line of summaryOf(scored)) write(line);
    for (const message of refused) process.stderr.write(`foreshock: ${message}\n`);
    return refused.length > 0 ? exitCodes.usage : exitCodes.ok;
  },
};

interface Job {
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

interface ScoredFile {
  readonly file: string;
  readonly rows: number;
  /** Rows without a number. */
  readonly missing: number;
  readonly alerts: readonly Alert[];
}

function jobsOf(source: string, out: string): Job[] {
  const info = statSync(source, { throwIfNoEntry: false });
  if (info === undefined)
    throw new ForeshockError("usage", `score: ${source} does not exist; give a CSV file or folder`);
  const root = info.isDirectory() ? source : dirname(source);
  const files = info.isDirectory()
    ? readdirSync(source, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".csv"))
        .sort()
        .map((name) => join(source, name))
    : [source];
  if (files.length === 0)
    throw new ForeshockError("usage", `score: no file in ${source} ends in .csv`);
  return files.map((from) => {
    const to = join(out, info.isDirectory() ? relative(root, from) : basename(from));
    if (resolve(to) === resolve(from))
      throw new ForeshockError(
        "usage",
        `score: --out ${out} would overwrite ${from}; choose another folder`,
      );
    return { name: relative(root, from), from, to };
  });
}

async function scoreFile({ name, from, to }: Job): Promise<ScoredFile> {
  mkdirSync(dirname(to), { recursive: true });
  const state = initialSeriesState();
  const alerts: Alert[] = [];
  let rows = 0;
  let missing = 0;
  const target = createWriteStream(to);
  let lines = "timestamp,value,anomaly_score,label\n";
  try {
    for await (const { timestamp, value, timeMs, number } of readCsv(from)) {
      const verdict = stepSeries(state, { timeMs, value: number });
      const { score, isAlert, expected, low, high } = verdict;
      rows++;
      if (Number.isNaN(number)) missing++;
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

const chunkCharacters = 65_536;
const round = (score: number) => Math.round(score * 1e6) / 1e6;

const listedAlerts = 10;

function* summaryOf(scored: readonly ScoredFile[]): Generator<string> {
  const width = Math.max(4, ...scored.map(({ file }) => file.length)) + 2;
  yield `${"file".padEnd(width)}${"rows".padStart(9)}${"missing".padStart(9)}${"alerts".padStart(8)}`;
  for (const { file, rows, missing, alerts } of scored)
    yield `${file.padEnd(width)}${String(rows).padStart(9)}${String(missing).padStart(9)}${String(alerts.length).padStart(8)}`;
  const largest = scored
    .flatMap(({ file, alerts }) => alerts.map((alert) => ({ file, ...alert })))
    .sort((a, b) => b.score - a.score)
    .slice(0, listedAlerts);
  if (largest.length === 0) {
    yield `\nNo row alerts: none is new (score ≥ ${alertScore}) and far from what was expected.`;
    return;
  }
  yield "\nLargest alerts";
  for (const { file, timestamp, value, score, low, high } of largest)
    yield `  ${timestamp}  ${short(value)}, expected ${short(low)} … ${short(high)}  (score ${score.toFixed(2)}, ${file})`;
}

const short = (value: number) => String(Number(value.toPrecision(4)));
