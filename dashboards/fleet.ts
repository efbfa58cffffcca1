/** The wall screen: are we fine, and if not, where and since when. */
import { answers } from "./fleet-answers.ts";
import { application, early } from "./fleet-more.ts";
import { incidentLinks, toCell, toRequests, uids } from "./links.ts";
import { chart } from "./shapes.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { errorShares } from "./sql/outcomes.ts";
import { began, cellName, chosenCells, chosenIncidents } from "./sql/scope.ts";
import { knownSeconds, knownUntil, longSeries, wideSeries } from "./sql/series.ts";
import { band, hasSignal, seenAndBand, stepState } from "./sql/verdicts.ts";
import { cellStates, lineColors, severities, severityNumber } from "./states.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

const chosen = chosenCells();
const links = [toCell, toRequests];

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
  chart(
    "Traffic by model",
    "Model calls that ended, a second. Bad: one colour that falls away or floods; all that fall at once point at the way in, not at a model.",
    {
      unit: "reqps",
      decimals: 1,
      isStacked: true,
      links,
    },
    longSeries({
      table: "windows",
      where: chosen,
      given: knownUntil,
      series: "model",
      value: `sum(requests) / ${knownSeconds}`,
    }),
  ),
  chart(
    "Errors by class",
    "Share of model calls by how they ended badly. Bad: time-outs and 529 that grow from minute to minute. Rate limits of one customer are theirs; of all customers they are ours.",
    {
      unit: "percentunit",
      decimals: 2,
      isStacked: true,
      links,
    },
    wideSeries({ table: "windows", where: chosen, values: errorShares.split(",\n  ") }),
  ),
  chart(
    "First token p95, seen and expected",
    "Mean over cells of their p95 in each window, weighted by requests, with the band in which each cell expected it. Bad: the line leaves the band upwards and stays; this is the earliest sign of overload.",
    {
      unit: "s",
      decimals: 2,
      isLogarithmic: true,
      bands: [band("seen")],
      columns: { seen: { color: lineColors.seen } },
      links,
    },
    wideSeries({
      table: "verdicts",
      where: `${chosen}\n  AND ${hasSignal("ttft")}`,
      values: seenAndBand("ttft", "seen"),
    }),
  ),
  chart(
    "Answer time p95, seen and expected",
    "The same of whole answers. Bad: above the band while first tokens are normal: token speed or longer answers; see the cell's own dashboard.",
    {
      unit: "s",
      decimals: 1,
      isLogarithmic: true,
      bands: [band("seen")],
      columns: { seen: { color: lineColors.seen } },
      links,
    },
    wideSeries({
      table: "verdicts",
      where: `${chosen}\n  AND ${hasSignal("duration")}`,
      values: seenAndBand("duration", "seen"),
    }),
  ),
  {
    type: "table",
    title: "Incidents",
    description:
      "Incidents that were open in the range, newest first; the title leads to Foreshock's page. Bad: one without an end.",
    width: 24,
    height: 8,
    unit: "none",
    columns: {
      worst: { values: severities, width: 90 },
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
  max(${severityNumber("severity")}) AS worst,
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
