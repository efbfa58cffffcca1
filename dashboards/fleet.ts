/** The wall screen: are we fine, and if not, where and since when. */
import { incidentLinks, toCell, toRequests, uids } from "./links.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { errorShares, failureRatio, failures, served } from "./sql/outcomes.ts";
import { began, cellName, chosenCells, chosenIncidents, inLast, inRange } from "./sql/scope.ts";
import { knownSeconds, knownUntil, longSeries, wideSeries } from "./sql/series.ts";
import { secondsQuantile } from "./sql/sketch.ts";
import { band, hasSignal, seenAndBand, stepState, timesExpected } from "./sql/verdicts.ts";
import { cellStates, lineColors, severities, severityNumber } from "./states.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

const chosen = `${chosenCells()}\n  AND ${inRange()}`;
const lately = `${chosenCells()}\n  AND ${inLast("5 MINUTE")}`;
const links = [toCell, toRequests];

const answers: readonly PanelSpec[] = [
  {
    type: "stat",
    title: "Worst open incident",
    description:
      "Severity of the worst incident that is open at the end of the range. Bad: ticket or page. `none` says nothing while the newest data is old: look at its age beside.",
    width: 4,
    height: 4,
    unit: "none",
    values: severities,
    noValue: "none",
    source: {
      from: "clickhouse",
      sql: `SELECT max(if(phase = 'resolved', 0, ${severityNumber("severity")})) AS severity
FROM
(
  SELECT argMax(severity, revision) AS severity, argMax(phase, revision) AS phase
  FROM incidents
  WHERE at < $__toTime
    AND ${chosenIncidents}
  GROUP BY incident
)`,
    },
  },
  {
    type: "stat",
    title: "Cells anomalous",
    description:
      "Models in regions whose newest verdict of the last minute is anomalous. Bad: more than a window's chance; a cell that stays here is in an incident.",
    width: 4,
    height: 4,
    unit: "none",
    decimals: 0,
    source: {
      from: "clickhouse",
      sql: `SELECT countIf(newest = 'anomalous') AS cells
FROM
(
  SELECT argMax(state, window_start) AS newest
  FROM verdicts
  WHERE ${chosenCells()}
    AND ${inLast("1 MINUTE")}
  GROUP BY provider, model, region, operation
)`,
    },
  },
  {
    type: "stat",
    title: "Failing, last 5 min",
    description:
      "Share of model calls that the service failed (5xx, 529, time-outs, broken streams), of those that were not refused for quota, login or a mistake of the caller. Bad: anything that users feel; the usual is under 1 %.",
    width: 4,
    height: 4,
    unit: "percentunit",
    decimals: 2,
    source: {
      from: "clickhouse",
      sql: `SELECT ${failureRatio} AS failing
FROM windows
WHERE ${lately}`,
    },
  },
  {
    type: "stat",
    title: "First token × expected",
    description:
      "First-token p95 of the last 5 minutes against what each cell expected of itself; 1 is as usual. Bad: 1.5 and rising. It moves before anything fails.",
    width: 4,
    height: 4,
    unit: "x",
    decimals: 2,
    source: {
      from: "clickhouse",
      sql: `SELECT ${timesExpected("ttft")} AS times
FROM verdicts
WHERE ${lately}
  AND ${hasSignal("ttft")}`,
    },
  },
  {
    type: "stat",
    title: "Traffic, last 5 min",
    description:
      "Model calls that ended, a second. Bad: 0 while users are awake, or far under the same time yesterday; silence is not health.",
    width: 4,
    height: 4,
    unit: "reqps",
    decimals: 1,
    source: {
      from: "clickhouse",
      sql: `SELECT sum(requests) / 300 AS requests
FROM windows
WHERE ${lately}`,
    },
  },
  {
    type: "stat",
    title: "Age of the newest data",
    description:
      "End of the newest closed window to the end of the range. 15 s is normal. Bad: over a minute; then nothing else here is known to be true.",
    width: 4,
    height: 4,
    unit: "s",
    decimals: 0,
    thresholds: [
      { from: undefined, color: "green" },
      { from: 60, color: "red" },
    ],
    noValue: "no data",
    source: {
      from: "clickhouse",
      sql: `SELECT if(count() = 0, NULL, toUnixTimestamp($__toTime) - max(toUnixTimestamp(window_start) + intDiv(window_ms, 1000))) AS age
FROM windows
WHERE ${inRange()}`,
    },
  },
];

const course: readonly PanelSpec[] = [
  {
    type: "state-timeline",
    title: "Health by model and region",
    description:
      "Each cell's state over time: the worst that held in a tenth of the step. Bad: red that spreads from row to row. Grey is no evidence, not health; blue is still learning.",
    width: 24,
    height: 9,
    unit: "none",
    values: cellStates,
    links,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "verdicts",
        where: chosen,
        series: cellName,
        value: stepState,
      }),
    },
  },
  {
    type: "timeseries",
    title: "Traffic by model",
    description:
      "Model calls that ended, a second. Bad: one colour that falls away or floods; all that fall at once point at the way in, not at a model.",
    width: 12,
    height: 8,
    unit: "reqps",
    decimals: 1,
    isStacked: true,
    links,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "windows",
        where: chosen,
        given: knownUntil,
        series: "model",
        value: `sum(requests) / ${knownSeconds}`,
      }),
    },
  },
  {
    type: "timeseries",
    title: "Errors by class",
    description:
      "Share of model calls by how they ended badly. Bad: time-outs and 529 that grow from minute to minute. Rate limits of one customer are theirs; of all customers they are ours.",
    width: 12,
    height: 8,
    unit: "percentunit",
    decimals: 2,
    isStacked: true,
    links,
    source: {
      from: "clickhouse",
      sql: wideSeries({ table: "windows", where: chosen, values: errorShares.split(",\n  ") }),
    },
  },
  {
    type: "timeseries",
    title: "First token p95, seen and expected",
    description:
      "Mean over cells of their p95 in each window, weighted by requests, with the band in which each cell expected it. Bad: the line leaves the band upwards and stays; this is the earliest sign of overload.",
    width: 12,
    height: 8,
    unit: "s",
    decimals: 2,
    isLogarithmic: true,
    bands: [band("seen")],
    columns: { seen: { color: lineColors.seen } },
    links,
    source: {
      from: "clickhouse",
      sql: wideSeries({
        table: "verdicts",
        where: `${chosen}\n  AND ${hasSignal("ttft")}`,
        values: seenAndBand("ttft", "seen"),
      }),
    },
  },
  {
    type: "timeseries",
    title: "Answer time p95, seen and expected",
    description:
      "The same of whole answers. Bad: above the band while first tokens are normal: token speed or longer answers; see the cell's own dashboard.",
    width: 12,
    height: 8,
    unit: "s",
    decimals: 1,
    isLogarithmic: true,
    bands: [band("seen")],
    columns: { seen: { color: lineColors.seen } },
    links,
    source: {
      from: "clickhouse",
      sql: wideSeries({
        table: "verdicts",
        where: `${chosen}\n  AND ${hasSignal("duration")}`,
        values: seenAndBand("duration", "seen"),
      }),
    },
  },
  {
    type: "table",
    title: "Incidents",
    description:
      "Incidents that were open in the range, newest first; the title leads to Foreshock's page. Bad: one without an end.",
    width: 24,
    height: 8,
    unit: "none",
    columns: {
      severity: { values: severities, width: 90 },
      title: { links: incidentLinks },
      incident: { isHidden: true },
      began: { unit: "dateTimeAsIso", width: 170 },
      minutes: { unit: "none", decimals: 0, width: 90 },
      cells: { decimals: 0, width: 80 },
      traffic: { unit: "percentunit", decimals: 0, width: 90 },
    },
    source: {
      from: "clickhouse",
      sql: `SELECT
  ${severityNumber("argMax(severity, revision)")} AS severity,
  argMax(title, revision) AS title,
  argMax(phase, revision) AS phase,
  ${began} AS began,
  round(dateDiff('second', began, if(phase = 'resolved', max(at), toDateTime64($__toTime, 3))) / 60) AS minutes,
  max(degraded_cells) AS cells,
  max(degraded_share) AS traffic,
  incident
FROM incidents
WHERE at < $__toTime
  AND ${chosenIncidents}
GROUP BY incident
HAVING phase != 'resolved' OR max(at) >= $__fromTime
ORDER BY began DESC
LIMIT 100`,
    },
  },
];

const early: readonly PanelSpec[] = [
  {
    type: "timeseries",
    title: "Retries, cancels and rate limits",
    description:
      "Shares of model calls. Bad: cancels that rise before errors do: people give up waiting.",
    width: 12,
    height: 8,
    unit: "percentunit",
    decimals: 2,
    source: {
      from: "clickhouse",
      sql: wideSeries({
        table: "windows",
        where: chosen,
        values: [
          'sum(retries) / sum(requests) AS "retries a call"',
          'sum(outcome_client_cancelled) / sum(requests) AS "cancelled by caller"',
          'sum(outcome_rate_limit) / sum(requests) AS "rate limited"',
        ],
      }),
    },
  },
  {
    type: "timeseries",
    title: "Time per output token, median",
    isLogarithmic: true,
    description:
      "Of all calls together, by model. Bad: a model's line that steps up: its servers are crowded.",
    width: 12,
    height: 8,
    unit: "s",
    decimals: 3,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "windows",
        where: chosen,
        series: "model",
        value: secondsQuantile("tpot", 0.5),
      }),
    },
  },
];

const routes = `${chosenCells("http")}\n  AND ${inRange()}`;

const application: readonly PanelSpec[] = [
  {
    type: "timeseries",
    title: "Requests by route",
    description:
      "HTTP requests of the application, by service and route (only the region is filtered). Bad: logins or sessions that fall away: users do not get as far as a model.",
    width: 12,
    height: 8,
    unit: "reqps",
    decimals: 1,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "windows",
        where: routes,
        given: knownUntil,
        series: "concat(provider, ' ', operation)",
        value: `sum(requests) / ${knownSeconds}`,
      }),
    },
  },
  {
    type: "timeseries",
    title: "Failing by route",
    description:
      "Share of a route's requests that the application failed. Bad: any route over 1 %.",
    width: 12,
    height: 8,
    unit: "percentunit",
    decimals: 2,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "windows",
        where: routes,
        series: "concat(provider, ' ', operation)",
        value: `sum(${failures}) / nullIf(sum(${served}), 0)`,
      }),
    },
  },
];

export const fleet: DashboardSpec = {
  uid: uids.fleet,
  title: "Foreshock: fleet",
  description: "Are we fine? Health, traffic, errors and latency of all models in all regions.",
  from: "now-6h",
  refresh: "30s",
  variables: [...cellVariables, consoleVariable],
  annotations: [incidentAnnotation],
  rows: [
    { panels: [...answers, ...course] },
    { title: "Early signs", panels: early },
    { title: "Routes of the application", panels: application },
  ],
};
