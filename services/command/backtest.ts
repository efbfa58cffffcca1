import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { backtestHtml } from "../backtest/backtest-report.ts";
import { type ClosedRange, closedRange, closedWindows } from "../backtest/closed-windows.ts";
import { episodesOf } from "../backtest/episodes.ts";
import { gateNames, judgeGates, parseGates } from "../backtest/gates.ts";
import { readLabels } from "../backtest/labels.ts";
import { type Metrics, scoreOf } from "../backtest/score.ts";
import { verdictLabels } from "../backtest/verdict-labels.ts";
import type { Judgement } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { signalCatalog } from "../contracts/frame.ts";
import { type Incident, incidentLine, incidentSchema } from "../contracts/incident.ts";
import type { HistoryReader } from "../history/reader.ts";
import { openHistoryQuestions } from "../runtime/app.ts";
import { Backtest } from "../runtime/backtest.ts";
import { loadConfig } from "../runtime/config-load.ts";
import {
  type Arguments,
  type Command,
  configOption,
  exitCodes,
  outputFile,
  write,
} from "./command.ts";
import { showProgress } from "./progress.ts";
import { durationSeconds, pointInTime } from "./query-period.ts";

/** In place of a labels file. */
const acknowledgements = "acknowledgements";

export const backtestCommand: Command = {
  name: "backtest",
  summary: "Try a configuration on the windows of history: what it would have alerted, and gates.",
  usage: "[--from TIME] [--to TIME] [--config FILE] [--labels FILE] [--gate CONDITION]",
  options: {
    ...configOption,
    from: {
      type: "string",
      value: "TIME",
      help: "First alerts that count, in UTC or as how long ago such as 7d (default: the oldest window)",
    },
    to: { type: "string", value: "TIME", help: "Where it ends (default: now)" },
    "warm-up": {
      type: "string",
      value: "DURATION",
      help: "How much before --from detectors learn (default 2d; live ones learned from the very first window)",
    },
    labels: {
      type: "string",
      value: "FILE",
      help: "YAML: what really happened, for precision, recall and lead; or 'acknowledgements': what people said when they acknowledged",
    },
    incidents: {
      type: "string",
      value: "FILE",
      help: "Write each incident transition as a JSON line",
    },
    report: { type: "string", value: "FILE", help: "Write an HTML report with pictures" },
    json: { type: "string", value: "FILE", help: "Write the figures as JSON" },
    gate: {
      type: "string",
      value: "CONDITION",
      multiple: true,
      help: "Such as recall>=0.9; may be given several times. Exit code 1 if one fails",
    },
  },
  examples: [
    "foreshock backtest --from 7d",
    "foreshock backtest --from 14d --config stricter.yaml --report backtest.html",
    "foreshock backtest --from 30d --config new.yaml --labels incidents.yaml --gate 'recall>=0.9,pages_per_week<=2'",
  ],
  notes: [
    `Gates are on: ${gateNames.join(", ")}. One that can't be told (precision without a page) fails.`,
    "Windows are as they were recorded: judgement.window and judgement.series.dimensions change nothing here.",
    "A labels file: incidents: [{ name, from, to, dimensions: { gen_ai.request.model: gpt-4o } }], leadMinutes: 60.",
  ],
  run: async (args) => {
    const gates = parseGates(args.texts("gate"));
    const files = {
      incidents: outputFile(args, "incidents"),
      report: outputFile(args, "report"),
      json: outputFile(args, "json"),
    };
    const labelsFile = args.text("labels");
    const fromFile =
      labelsFile === undefined || labelsFile === acknowledgements
        ? undefined
        : readLabels(labelsFile);
    const { config, warnings } = loadConfig(args.text("config"), process.env);
    for (const warning of warnings) process.stderr.write(`warning  ${warning}\n`);
    await using reader = await openHistoryQuestions(config);
    const period = await periodOf(reader, args);
    const labels = labelsFile === acknowledgements ? await verdictLabels(reader, period) : fromFile;
    const ran = await runBacktest(reader, config.judgement, period);
    const { fromMs, toMs } = period;
    const episodes = episodesOf(ran.transitions.filter(({ atMs }) => atMs >= fromMs));
    const live = episodesOf(await liveTransitions(reader, fromMs, toMs));
    const score = scoreOf({ episodes, live, labels, fromMs, toMs });
    const results = judgeGates(gates, score.metrics);

    if (files.incidents !== undefined)
      writeFileSync(
        files.incidents,
        ran.transitions
          .filter(({ atMs }) => atMs >= fromMs)
          .map((each) => `${incidentLine(each, (signal) => signalCatalog[signal].label)}\n`)
          .join(""),
      );
    const configuration = createHash("sha256")
      .update(JSON.stringify(config.judgement))
      .digest("hex")
      .slice(0, 12);
    if (files.report !== undefined)
      writeFileSync(
        files.report,
        backtestHtml({
          fromMs,
          toMs,
          windows: ran.windows,
          configuration: `${args.text("config") ?? "of the defaults"} (${configuration})`,
          episodes,
          live,
          labels,
          score,
          gates: results,
        }),
      );
    if (files.json !== undefined)
      writeFileSync(
        files.json,
        `${JSON.stringify({ metrics: score.metrics, gates: results, windows: ran.windows }, null, 1)}\n`,
      );
    write(summaryOf(score.metrics, live.length, ran));
    for (const { gate, value, passed } of results)
      write(`${passed ? "holds" : "FAILS"}  ${gate.text}  (${value ?? "can't be told"})`);
    return results.every(({ passed }) => passed) ? exitCodes.ok : exitCodes.no;
  },
};

interface BacktestPeriod {
  readonly fromMs: number;
  readonly toMs: number;
  /** Where learning begins. */
  readonly learnFromMs: number;
}

async function periodOf(reader: HistoryReader, args: Arguments): Promise<BacktestPeriod> {
  const nowMs = Date.now();
  const toMs = pointInTime(args.text("to") ?? "now", "to", nowMs);
  const fromText = args.text("from");
  const learnMs = durationSeconds(args.text("warm-up") ?? "2d", "warm-up") * 1000;
  const fromMs = fromText === undefined ? undefined : pointInTime(fromText, "from", nowMs);
  if (fromMs !== undefined && fromMs >= toMs)
    throw new ForeshockError("usage", "--from must lie before --to");
  const learnFromMs = fromMs === undefined ? 0 : fromMs - learnMs;
  const { firstMs, lastMs, windowMs } = await closedRange(reader, { fromMs: learnFromMs, toMs });
  if (firstMs === undefined || lastMs === undefined)
    throw new ForeshockError(
      "unavailable",
      `${reader.where} has no windows before ${new Date(toMs).toISOString()}${fromText === undefined ? "" : ` and after --from ${fromText}`}: the archive keeps them for history.windowRetentionDays`,
    );
  return {
    fromMs: fromMs ?? firstMs,
    toMs: Math.min(toMs, lastMs + windowMs),
    learnFromMs: Math.max(learnFromMs, firstMs),
  };
}

interface Ran {
  readonly transitions: readonly Incident[];
  readonly windows: number;
  readonly rejected: number;
  readonly seconds: number;
}

async function runBacktest(
  reader: HistoryReader,
  judgement: Judgement,
  period: BacktestPeriod,
): Promise<Ran> {
  const asked = { fromMs: period.learnFromMs, toMs: period.toMs };
  const range: ClosedRange = await closedRange(reader, asked);
  const transitions: Incident[] = [];
  let rejected = 0;
  let windows = 0;
  let lastMs = 0;
  const backtest = new Backtest(
    { judgement, partitions: range.partitions, epochs: range.epochs },
    {
      onIncident: (incident) => transitions.push(incident),
      onRejected: () => rejected++,
    },
  );
  const startedMs = performance.now();
  const progress = showProgress("backtest", period.toMs - period.learnFromMs);
  for await (const { partition, windowStartMs, record } of closedWindows(reader, asked)) {
    if (windowStartMs !== lastMs) windows++;
    lastMs = windowStartMs;
    backtest.feed(partition, record);
    progress.update(windowStartMs - period.learnFromMs);
  }
  backtest.finish();
  progress.end();
  return { transitions, windows, rejected, seconds: (performance.now() - startedMs) / 1000 };
}

/** Transitions of incidents as they were recorded live. */
async function liveTransitions(
  reader: HistoryReader,
  fromMs: number,
  toMs: number,
): Promise<readonly Incident[]> {
  const rows = await reader.rows<{ record: string }>({
    sql: `SELECT record FROM incidents
      WHERE at >= fromUnixTimestamp64Milli({from:Int64}) AND at < fromUnixTimestamp64Milli({to:Int64}) ORDER BY at, incident, revision`,
    parameters: { from: String(fromMs), to: String(toMs) },
  });
  return rows.map(({ record }) => incidentSchema.parse(JSON.parse(record)));
}

function summaryOf(metrics: Metrics, live: number, { windows, rejected, seconds }: Ran): string {
  return (
    `${windows} windows in ${seconds.toFixed(1)} s${rejected === 0 ? "" : ` (${rejected} records did not fit)`}: ` +
    `${metrics.incidents} incidents (live: ${live}), ${metrics.pages} pages (${metrics.new_pages} new, ${metrics.lost_pages} lost), ${metrics.tickets} tickets, ${metrics.flaps} flaps.` +
    (metrics.recall === undefined
      ? ""
      : ` Recall ${metrics.recall.toFixed(2)}, precision ${metrics.precision?.toFixed(2) ?? "—"}, lead ${metrics.lead_median_min?.toFixed(1) ?? "—"} min.`)
  );
}
