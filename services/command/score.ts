import { readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { ForeshockError } from "../contracts/errors.ts";
import { type Command, exitCodes, outputFile, write } from "./command.ts";
import { showProgress } from "./progress.ts";
import { type Job, type ScoredFile, scoreFile } from "./score-file.ts";

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
    "Wants a column timestamp (or time, date, ts) and one value, one series a file; of two columns the other is the value, and a header",
    "may lack. Rows without a number score 0 and teach nothing; gaps, repeats and any step are fine, rows out of order are judged in the",
    "order of their times. Writes timestamp,value,anomaly_score,label: label 1 is an alert, a score of 0.5 or more is new to the series, 0.25",
    "to 0.5 alerts without being that new. The score of a row depends on the rows before it alone, and all files are scored by the same",
    "fixed configuration.",
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
    yield "\nNo row alerts: none is far enough from what was expected.";
    return;
  }
  yield "\nLargest alerts";
  for (const { file, timestamp, value, score, low, high } of largest)
    yield `  ${timestamp}  ${short(value)}, expected ${short(low)} … ${short(high)}  (score ${score.toFixed(2)}, ${file})`;
}

const short = (value: number) => String(Number(value.toPrecision(4)));
