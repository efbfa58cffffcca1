/** Service level objectives: how much failure was allowed, how much is used up, how fast it goes. */
import { toCell, toRequests, uids } from "./links.ts";
import { answer, chart } from "./shapes.ts";
import type { DashboardSpec, PanelSpec, Threshold } from "./spec.ts";
import { failureRatio, failures, served } from "./sql/outcomes.ts";
import { rolledQuery } from "./sql/rolled.ts";
import { chosenCells } from "./sql/scope.ts";
import { fillSteps, stepTime } from "./sql/series.ts";
import { countOf, countUpTo } from "./sql/sketch.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

const chosen = chosenCells();
const links = [toCell, toRequests];

/** Numbers that a choice variable stands for. */
const objective = "toFloat64(${objective})";
const quick = "toFloat64(${first_token})";
const quickObjective = "toFloat64(${first_token_objective})";

const burnRate = `${failureRatio} / (1 - ${objective})`;
const budgetLeft = `1 - ${burnRate}`;
const quickShare = `${countUpTo("ttft", quick)} / nullIf(${countOf("ttft")}, 0)`;

/** Burning so fast for an hour uses 2 % of a month's budget: the classic first page. */
const pageBurn = 14.4;
const pageFrom: readonly Threshold[] = [
  { from: undefined, color: "transparent" },
  { from: pageBurn, color: "red" },
];

/** One value of all windows of the range. */
const ofRange = (expression: string, from = "$__fromTime") =>
  rolledQuery({ table: "windows", where: chosen, values: [expression], from });

/** Burn rate over the time before each step, rounded to whole steps. */
const sliding = (seconds: number, name: string) =>
  `toNullable(sum(failed) OVER (ORDER BY time RANGE BETWEEN ${seconds - 1} PRECEDING AND CURRENT ROW) / nullIf(sum(of) OVER (ORDER BY time RANGE BETWEEN ${seconds - 1} PRECEDING AND CURRENT ROW), 0) / (1 - ${objective})) AS "${name}"`;

/** Failed calls by step, and those that they are a share of. */
const usedUp = (from = "$__fromTime") =>
  rolledQuery({
    table: "windows",
    where: chosen,
    values: [stepTime, `sum(${failures}) AS failed`, `sum(${served}) AS of`],
    rest: "GROUP BY time",
    isByStep: true,
    from,
  });

const panels: readonly PanelSpec[] = [
  answer(
    "Served well",
    "Share of model calls that the service did not fail, of those that were not refused for quota, login or a mistake. Bad: under the objective.",
    { unit: "percentunit", decimals: 3 },
    ofRange(`1 - ${failureRatio} AS share`),
  ),
  answer(
    "Budget left in the range",
    "1 less failures over allowed failures. Bad: under 0: the objective is missed over this range.",
    {
      unit: "percentunit",
      decimals: 1,
      thresholds: [
        { from: undefined, color: "red" },
        { from: 0, color: "green" },
      ],
    },
    ofRange(`${budgetLeft} AS share`),
  ),
  answer(
    "Burn rate, last hour",
    "How many times faster than allowed failures come; 1 uses the budget up exactly in its time. Bad: 14.4, which is 2 % of a month's budget in an hour.",
    {
      unit: "x",
      decimals: 1,
      thresholds: [
        { from: undefined, color: "green" },
        { from: pageBurn, color: "red" },
      ],
    },
    ofRange(`${burnRate} AS rate`, "($__toTime - INTERVAL 1 HOUR)"),
  ),
  answer(
    "Failures in the range",
    "Model calls that the service failed. Bad: more than were allowed, beside.",
    { unit: "short", decimals: 0 },
    ofRange(`sum(${failures}) AS failures`),
  ),
  answer(
    "Failures allowed",
    "What the objective allows of the calls that were made. Bad: fewer than there were.",
    { unit: "short", decimals: 0 },
    ofRange(`(1 - ${objective}) * sum(${served}) AS failures`),
  ),
  answer(
    "First token in time",
    "Share of first tokens that came within the chosen time, from sketches (right to 1.6 % of the time). Bad: under the share that is the objective.",
    { unit: "percentunit", decimals: 2 },
    ofRange(`${quickShare} AS share`),
  ),
  chart(
    "Burn rate",
    "Over the last hour and the last six. Bad: both above the line at 14.4: page; both above 1 for long: the budget will not last.",
    {
      height: 9,
      unit: "x",
      decimals: 1,
      thresholds: pageFrom,
      links,
    },
    `SELECT time, "1 h", "6 h"
FROM
(
  SELECT
    time,
    ${sliding(3_600, "1 h")},
    ${sliding(21_600, "6 h")}
  FROM
  (
    ${usedUp("($__fromTime - INTERVAL 6 HOUR)").replaceAll("\n", "\n    ")}
  )
)
WHERE time >= toStartOfInterval($__fromTime, INTERVAL $__interval_s second)
ORDER BY time ${fillSteps}`,
  ),
  chart(
    "Budget left over the range",
    "What is left of the budget that the range's calls so far allow. Bad: a fall like a cliff is an incident; a slope is many small failures.",
    {
      height: 9,
      unit: "percentunit",
      decimals: 1,
      max: 1,
      links,
    },
    `SELECT
  time,
  toNullable(1 - sum(failed) OVER (ORDER BY time) / nullIf((1 - ${objective}) * sum(of) OVER (ORDER BY time), 0)) AS left
FROM
(
  ${usedUp().replaceAll("\n", "\n  ")}
)
ORDER BY time ${fillSteps}`,
  ),
  {
    type: "table",
    title: "By model and region",
    description:
      "Each against the same objectives. Bad: budget left under 0, or a share in time under the objective; the worst stand first.",
    width: 24,
    height: 10,
    unit: "none",
    links,
    columns: {
      calls: { unit: "short", decimals: 0 },
      failures: { unit: "short", decimals: 0 },
      "served well": { unit: "percentunit", decimals: 3 },
      "budget left": { unit: "percentunit", decimals: 1 },
      "first token in time": { unit: "percentunit", decimals: 2 },
      "less than wanted": { unit: "percentunit", decimals: 2 },
    },
    source: {
      from: "clickhouse",
      sql: rolledQuery({
        table: "windows",
        where: chosen,
        values: [
          "model",
          "region",
          "sum(requests) AS calls",
          `sum(${failures}) AS failures`,
          `1 - ${failureRatio} AS "served well"`,
          `${budgetLeft} AS "budget left"`,
          `${quickShare} AS "first token in time"`,
          `if("first token in time" IS NULL, NULL, greatest(0, ${quickObjective} - "first token in time")) AS "less than wanted"`,
        ],
        rest: 'GROUP BY model, region\nORDER BY "budget left", model, region',
      }),
    },
  },
];

export const objectives: DashboardSpec = {
  uid: uids.objectives,
  title: "Foreshock: objectives and error budget",
  description: "How much failure was allowed, how much is used up, how fast it goes.",
  from: "now-7d",
  refresh: "5m",
  variables: [
    ...cellVariables,
    {
      kind: "choice",
      name: "objective",
      label: "Objective",
      description: "Share of calls that must not be failed by the service.",
      options: ["0.99", "0.995", "0.999", "0.9995"].map((value) => ({
        text: `${Number(value) * 100} %`,
        value,
      })),
    },
    {
      kind: "choice",
      name: "first_token",
      label: "First token within",
      description: "Time in which a first token should come, seconds.",
      options: ["2", "3", "5", "10"].map((value) => ({ text: `${value} s`, value })),
    },
    {
      kind: "choice",
      name: "first_token_objective",
      label: "for a share of",
      description: "Share of first tokens that should come within it.",
      options: ["0.9", "0.95", "0.99"].map((value) => ({
        text: `${Number(value) * 100} %`,
        value,
      })),
    },
    consoleVariable,
  ],
  annotations: [incidentAnnotation],
  rows: [{ panels }],
};
