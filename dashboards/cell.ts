/** One model in one region (or as many as are chosen), signal by signal. */
import { toFleet, toRequests, uids } from "./links.ts";
import { chart } from "./shapes.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { errorShares } from "./sql/outcomes.ts";
import { cellName, chosenCells } from "./sql/scope.ts";
import { knownSeconds, knownUntil, longSeries, wideSeries } from "./sql/series.ts";
import { secondsQuantiles, tokensQuantiles } from "./sql/sketch.ts";
import { band, hasSignal, seenAndBand, stepState } from "./sql/verdicts.ts";
import { cellStates, lineColors } from "./states.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

const chosen = chosenCells();
const links = [toRequests, toFleet];

type Looks = Parameters<typeof chart>[2];

/** A line chart over the chosen cells' windows. */
const windowsChart = (
  title: string,
  description: string,
  looks: Looks,
  values: readonly string[],
  given?: string,
): PanelSpec =>
  chart(
    title,
    description,
    { links, ...looks },
    wideSeries({
      table: "windows",
      where: chosen,
      values,
      ...(given === undefined ? {} : { given }),
    }),
  );

const banded = (
  title: string,
  description: string,
  looks: Looks,
  signal: "failures" | "ttft" | "duration" | "traffic",
): PanelSpec =>
  chart(
    title,
    description,
    { links, bands: [band("seen")], columns: { seen: { color: lineColors.seen } }, ...looks },
    wideSeries({
      table: "verdicts",
      where: `${chosen}\n  AND ${hasSignal(signal)}`,
      values: seenAndBand(signal, "seen"),
    }),
  );

const quantiles = (sketch: "duration" | "ttft" | "tpot", of: readonly number[]) =>
  secondsQuantiles(sketch, of).map((value, i) => `${value} AS "p${(of[i] ?? 0) * 100}"`);

const lengths = (sketch: "output_tokens" | "input_tokens", of: readonly number[]) =>
  tokensQuantiles(sketch, of).map((value, i) => `${value} AS "p${(of[i] ?? 0) * 100}"`);

const open: readonly PanelSpec[] = [
  {
    type: "state-timeline",
    title: "State",
    description:
      "State of each chosen cell: the worst that held in a tenth of the step. Bad: red that stays. Grey is no evidence, blue still learning.",
    width: 24,
    height: 8,
    unit: "none",
    values: cellStates,
    links,
    source: {
      from: "clickhouse",
      sql: longSeries({ table: "verdicts", where: chosen, series: cellName, value: stepState }),
    },
  },
  banded(
    "First token p95, seen and expected",
    "Mean over the chosen cells of their p95 in each window, weighted by requests, and where each expected it. Bad: the line leaves the band upwards and stays.",
    {
      unit: "s",
      decimals: 2,
      isLogarithmic: true,
    },
    "ttft",
  ),
  banded(
    "Failing, seen and expected",
    "Share of calls that the service failed, and the band of a window of 5 s. Bad: a line that stays above what it was all day, even within the band.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    "failures",
  ),
  windowsChart(
    "First token",
    "Quantiles of all calls of the chosen cells together, from merged sketches (off by 0.8 % at most). Bad: p50 and p99 that rise together: a queue; p99 alone: one sick replica.",
    {
      unit: "s",
      decimals: 2,
      isLogarithmic: true,
    },
    quantiles("ttft", [0.5, 0.95, 0.99]),
  ),
  windowsChart(
    "Answer time",
    "Quantiles of whole answers. Bad: it rises and the first token does not: slow tokens or longer answers.",
    {
      unit: "s",
      decimals: 2,
      isLogarithmic: true,
    },
    quantiles("duration", [0.5, 0.95, 0.99]),
  ),
  windowsChart(
    "Traffic",
    "Calls that ended, a second. Bad: a step down without a cause you know.",
    {
      unit: "reqps",
      decimals: 2,
    },
    [`sum(requests) / ${knownSeconds} AS "calls"`, `sum(streamed) / ${knownSeconds} AS "streamed"`],
    knownUntil,
  ),
  windowsChart(
    "Errors by class",
    "Share of calls by how they ended badly. Bad: one class that grows.",
    {
      unit: "percentunit",
      decimals: 2,
      isStacked: true,
    },
    errorShares.split(",\n  "),
  ),
  windowsChart(
    "Time per output token",
    "After the first token. Bad: a step up: crowded servers, or another model behind the name.",
    {
      unit: "s",
      decimals: 3,
    },
    quantiles("tpot", [0.5, 0.95]),
  ),
  windowsChart(
    "How answers end",
    "Share of calls that ended well. Bad: empty, cut or refused answers that rise, or ends without a reason: the service answers, and it is no answer.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    [
      'sum(empty) / nullIf(sum(outcome_ok), 0) AS "empty"',
      'sum(truncated) / nullIf(sum(outcome_ok), 0) AS "cut at the token limit"',
      'sum(refused) / nullIf(sum(outcome_ok), 0) AS "refused"',
      'sum(finish_missing) / nullIf(sum(outcome_ok), 0) AS "no reason given"',
    ],
  ),
];

const more: readonly PanelSpec[] = [
  windowsChart(
    "Answer length",
    "Output tokens of calls that ended well. Bad: a step down or up: another model, another prompt.",
    {
      unit: "short",
      decimals: 0,
    },
    lengths("output_tokens", [0.5, 0.95]),
  ),
  windowsChart(
    "Prompt length",
    "Input tokens a call. Explains slowness: longer prompts take longer. Bad: a step without a release.",
    {
      unit: "short",
      decimals: 0,
    },
    lengths("input_tokens", [0.5, 0.95]),
  ),
  windowsChart(
    "Retries and substitutions",
    "Retries that clients report, and answers by another model than was asked for, a call. Bad: retries that grow: they are load, too.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    [
      'sum(retries) / sum(requests) AS "retries a call"',
      'sum(substituted) / nullIf(sum(outcome_ok), 0) AS "other model"',
    ],
  ),
  windowsChart(
    "Tenants a window",
    "Estimated tenants in a window of 5 s and cell, mean: seen, failed, rate limited. Bad: failed comes near seen: it hits everyone.",
    {
      unit: "short",
      decimals: 1,
    },
    [
      'sum(tenants_sum) / sum(window_count) AS "seen"',
      'sum(tenants_failed_sum) / sum(window_count) AS "failed"',
      'sum(tenants_limited_sum) / sum(window_count) AS "rate limited"',
    ],
  ),
];

export const cell: DashboardSpec = {
  uid: uids.cell,
  title: "Foreshock: model and region",
  description: "Every signal of the chosen models in the chosen regions.",
  from: "now-6h",
  refresh: "30s",
  variables: [...cellVariables, consoleVariable],
  annotations: [incidentAnnotation],
  rows: [{ panels: open }, { title: "Lengths, retries, tenants", panels: more }],
};
