/**
 * The default detection of series on the Numenta benchmark, and on made-up telemetry beside a plain robust EWMA chart.
 *   npm run bench:nab -- [--json FILE] [--out DIR] [--report FILE.html] [--quick]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { noRecords, recordOf } from "../../detectors/series/records.ts";
import { addToChart, emptyChart, expectedOf } from "../../detectors/series/robust-chart.ts";
import {
  initialSeriesState,
  type KnownRange,
  newScore,
  stepSeries,
} from "../../detectors/series/series-score.ts";
import { showProgress } from "../../services/command/progress.ts";
import { csvField } from "../../services/command/score-csv.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { corpusArchive, hasCorpus, readCorpus } from "./nab/corpus.ts";
import { reportOf } from "./nab/report.ts";
import {
  bestThreshold,
  type LabelledSeries,
  leaveOneCategoryOut,
  normalised,
  profiles,
  rawAt,
  type Scored,
} from "./nab/scoring.ts";
import { countEvents, makeTelemetry, type TroubledSeries } from "./nab/telemetry.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";

const values = scriptFlags(import.meta.filename, {
  ...benchOptions,
  out: { type: "string" },
  report: { type: "string" },
});

if (!hasCorpus()) {
  process.stderr.write(
    `bench:nab: the benchmark's corpus is not here (${corpusArchive}): it is not part of this repository.\n`,
  );
  process.exit(69);
}

export interface Judged extends Scored {
  readonly alerts: Uint8Array;
}

function judge(series: LabelledSeries, known?: KnownRange): Judged {
  const state = initialSeriesState();
  const scores = new Float64Array(series.values.length);
  const alerts = new Uint8Array(series.values.length);
  for (const [row, value] of series.values.entries()) {
    const timeMs = series.timesMs[row] as number;
    const verdict = stepSeries(state, { timeMs, value }, known);
    scores[row] = verdict.score;
    alerts[row] = verdict.isAlert ? 1 : 0;
  }
  return { series, scores, alerts };
}

const rangeOf = ({ values: all }: LabelledSeries): KnownRange => ({
  low: all.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
  high: all.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
});

const corpus = (await readCorpus()).filter((_, index) => !values.quick || index % 6 === 0);
const progress = showProgress("scoring", corpus.length * 2);
const plain = corpus.map((series, index) => {
  progress.update(index);
  return judge(series);
});
const prior = corpus.map((series, index) => {
  progress.update(corpus.length + index);
  return judge(series, rangeOf(series));
});
progress.end();

const figures: Record<string, number> = {};
const twoDigits = (value: number) => Math.round(value * 100) / 100;
for (const [name, profile] of Object.entries(profiles)) {
  const swept = (all: readonly Scored[]) =>
    twoDigits(normalised(rawAt(all, profile, bestThreshold(all, profile)), profile));
  figures[name] = swept(plain);
  figures[`${name}_prior`] = swept(prior);
  if (!values.quick) figures[`${name}_loco`] = twoDigits(leaveOneCategoryOut(plain, profile));
  figures[`${name}_fixed`] = twoDigits(normalised(rawAt(plain, profile, newScore), profile));
}

const telemetry = makeTelemetry(Number(values.seed), values.quick ? 6 : 36);
const own = countEvents(telemetry.map((series) => ({ series, isAlert: alertsOf(series) })));
/** The rival is given the threshold that suits it best here; ours is fixed. */
const chart = [2, 2.5, 3, 4, 5, 6, 8]
  .map((deviations) =>
    countEvents(
      telemetry.map((series) => ({ series, isAlert: chartAlertsOf(series, deviations) })),
    ),
  )
  .reduce((best, each) => (each.f1 > best.f1 ? each : best));
Object.assign(figures, {
  telemetry_f1: twoDigits(own.f1),
  telemetry_f1_robust_chart: twoDigits(chart.f1),
  telemetry_false_alerts_per_series_week: twoDigits(own.falseAlertsPerSeriesWeek),
  telemetry_false_alerts_per_series_week_robust_chart: twoDigits(chart.falseAlertsPerSeriesWeek),
});

function alertsOf({ timesMs, values: all }: TroubledSeries): (row: number) => boolean {
  const state = initialSeriesState();
  const alerts = all.map(
    (value, row) => stepSeries(state, { timeMs: timesMs[row] as number, value }).isAlert,
  );
  return (row) => alerts[row] === true;
}

function chartAlertsOf(
  { values: all }: TroubledSeries,
  deviations: number,
): (row: number) => boolean {
  const state = emptyChart();
  const records = noRecords();
  const alerts = all.map((value, row) => {
    const expected = expectedOf(state);
    addToChart(state, value);
    const z = expected === undefined ? 0 : Math.abs(value - expected.mean) / expected.deviation;
    return recordOf(records, row, z, 24) >= deviations;
  });
  return (row) => alerts[row] === true;
}

const rows = plain.map((judged) => {
  const { series } = judged;
  const raw = rawAt([judged], profiles.standard, newScore);
  return {
    series: series.name,
    windows: series.windows,
    sum: twoDigits(raw.sum),
    alerts: judged.alerts.reduce((sum, each) => sum + each, 0),
  };
});
if (values.out !== undefined)
  for (const [folder, all] of [
    ["default", plain],
    ["prior", prior],
  ] as const)
    for (const judged of all) writeResult(join(values.out, folder, judged.series.name), judged);
if (values.report !== undefined) writeFileSync(values.report, reportOf(plain, figures));

function writeResult(file: string, { series, scores, alerts }: Judged): void {
  mkdirSync(dirname(file), { recursive: true });
  const lines = series.timestamps.map(
    (timestamp, row) =>
      `${csvField(timestamp)},${series.values[row]},${Math.round((scores[row] as number) * 1e6) / 1e6},${alerts[row]}`,
  );
  writeFileSync(file, `timestamp,value,anomaly_score,label\n${lines.join("\n")}\n`);
}

publish(benchFlags(values), "nab", {
  figures,
  rows: [...rows, { telemetry: "default", ...own }, { telemetry: "robust chart", ...chart }],
});
