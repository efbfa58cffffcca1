/** Tokens and what they cost by the price list in `prices.ts`. */
import { toCell, toRequests, uids } from "./links.ts";
import { hasPrice, prices, pricesAsOf, rowCost } from "./prices.ts";
import { answer, chart } from "./shapes.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { rolledQuery } from "./sql/rolled.ts";
import { chosenCells } from "./sql/scope.ts";
import { knownSeconds, knownUntil, longSeries, wideSeries } from "./sql/series.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

const chosen = chosenCells();
const links = [toCell, toRequests];

/** One value of all windows of the range. */
const ofRange = (expression: string) =>
  rolledQuery({ table: "windows", where: chosen, values: [expression] });

const listed = prices
  .map(
    ({ model, inputUsd, cachedInputUsd, outputUsd }) =>
      `| ${model} | ${inputUsd} | ${cachedInputUsd} | ${outputUsd} |`,
  )
  .join("\n");

const panels: readonly PanelSpec[] = [
  answer(
    "Cost in the range",
    "By the price list below; models without a price are left out. Bad: far above the same range last week.",
    { unit: "currencyUSD", decimals: 2 },
    ofRange(`sum(${rowCost}) AS usd`),
  ),
  answer(
    "Cost of 1,000 calls",
    "Cost over all calls with a price. Bad: it rises while traffic does not: longer prompts or answers, or a dearer model.",
    { unit: "currencyUSD", decimals: 3 },
    ofRange(`1000 * sum(${rowCost}) / nullIf(sumIf(requests, ${hasPrice}), 0) AS usd`),
  ),
  answer(
    "Input tokens",
    "As providers report them, cached ones included; failed calls report none. Bad: a jump without more calls.",
    { unit: "short", decimals: 1 },
    ofRange("sum(input_tokens) AS tokens"),
  ),
  answer(
    "Output tokens",
    "As providers report them. Bad: a jump: runaway answers.",
    { unit: "short", decimals: 1 },
    ofRange("sum(output_tokens) AS tokens"),
  ),
  answer(
    "Input from cache",
    "Share of input tokens that came from the provider's cache. Bad: it falls: prompts lost their common beginning.",
    { unit: "percentunit", decimals: 1 },
    ofRange("sum(cached_input_tokens) / nullIf(sum(input_tokens), 0) AS share"),
  ),
  answer(
    "Calls without a price",
    "Share of calls to models that the price list does not know: their cost is missing everywhere here. Bad: anything but 0.",
    { unit: "percentunit", decimals: 1 },
    ofRange(`sumIf(requests, NOT ${hasPrice}) / nullIf(sum(requests), 0) AS share`),
  ),
  chart(
    "Cost an hour by model",
    "USD an hour at the present rate. Bad: a model that takes over (a fallback to a dearer one), or a step without a release.",
    {
      width: 24,
      unit: "currencyUSD",
      decimals: 2,
      isStacked: true,
      links,
    },
    longSeries({
      table: "windows",
      where: chosen,
      given: knownUntil,
      series: "model",
      value: `sum(${rowCost}) / ${knownSeconds} * 3600`,
    }),
  ),
  chart(
    "Tokens a second",
    "Input, cached input and output. Bad: output that falls while calls do not: answers are cut.",
    {
      unit: "short",
      decimals: 0,
      links,
    },
    wideSeries({
      table: "windows",
      where: chosen,
      given: knownUntil,
      values: [
        `sum(input_tokens) / ${knownSeconds} AS "input"`,
        `sum(cached_input_tokens) / ${knownSeconds} AS "input from cache"`,
        `sum(output_tokens) / ${knownSeconds} AS "output"`,
        `sum(reasoning_tokens) / ${knownSeconds} AS "reasoning"`,
      ],
    }),
  ),
  chart(
    "Tokens a call",
    "Means over calls that ended well. Bad: a step: another prompt or another model.",
    {
      unit: "short",
      decimals: 0,
      links,
    },
    wideSeries({
      table: "windows",
      where: chosen,
      values: [
        'sum(input_tokens) / nullIf(sum(outcome_ok), 0) AS "input"',
        'sum(output_tokens) / nullIf(sum(outcome_ok), 0) AS "output"',
      ],
    }),
  ),
  {
    type: "table",
    title: "By model",
    description: "Calls, tokens and cost of each model. Bad: one with much cost and few calls.",
    width: 16,
    height: 11,
    unit: "none",
    links,
    columns: {
      calls: { unit: "short", decimals: 0 },
      input: { unit: "short", decimals: 1 },
      output: { unit: "short", decimals: 1 },
      cost: { unit: "currencyUSD", decimals: 2 },
      "cost of 1,000 calls": { unit: "currencyUSD", decimals: 3 },
    },
    source: {
      from: "clickhouse",
      sql: rolledQuery({
        table: "windows",
        where: chosen,
        values: [
          "provider",
          "model",
          "sum(requests) AS calls",
          "sum(input_tokens) AS input",
          "sum(output_tokens) AS output",
          `sum(${rowCost}) AS cost`,
          '1000 * cost / nullIf(calls, 0) AS "cost of 1,000 calls"',
        ],
        rest: "GROUP BY provider, model\nORDER BY cost DESC, model",
      }),
    },
  },
  {
    type: "text",
    title: "Prices",
    description:
      "The price list that all cost here is made with: an example until you put yours there. Bad: not what your contract says.",
    width: 8,
    height: 11,
    unit: "none",
    markdown: `USD a million tokens, an example after list prices of ${pricesAsOf}; yours go into \`dashboards/prices.ts\`:\n\n| model | input | cached | output |\n| --- | ---: | ---: | ---: |\n${listed}`,
  },
];

export const tokens: DashboardSpec = {
  uid: uids.tokens,
  title: "Foreshock: tokens and cost",
  description: "How many tokens, for whom, and what they cost.",
  from: "now-24h",
  refresh: "1m",
  variables: [...cellVariables, consoleVariable],
  annotations: [incidentAnnotation],
  rows: [{ panels }],
};
