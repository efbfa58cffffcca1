/** What the fleet's dashboard has folded: early signs, and the application's own routes. */

import { chart } from "./shapes.ts";
import type { PanelSpec } from "./spec.ts";
import { failures, served } from "./sql/outcomes.ts";
import { chosenCells } from "./sql/scope.ts";
import { knownSeconds, knownUntil, longSeries, wideSeries } from "./sql/series.ts";
import { secondsQuantiles } from "./sql/sketch.ts";

const chosen = chosenCells();

export const early: readonly PanelSpec[] = [
  chart(
    "Retries, cancels and rate limits",
    "Shares of model calls. Bad: cancels that rise before errors do: people give up waiting.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    wideSeries({
      table: "windows",
      where: chosen,
      values: [
        'sum(retries) / sum(requests) AS "retries a call"',
        'sum(outcome_client_cancelled) / sum(requests) AS "cancelled by caller"',
        'sum(outcome_rate_limit) / sum(requests) AS "rate limited"',
      ],
    }),
  ),
  chart(
    "Time per output token, median",
    "Of all calls together, by model. Bad: a model's line that steps up: its servers are crowded.",
    {
      unit: "s",
      decimals: 3,
      isLogarithmic: true,
    },
    longSeries({
      table: "windows",
      where: chosen,
      series: "model",
      value: secondsQuantiles("tpot", [0.5]).join(""),
    }),
  ),
];

const routes = chosenCells("http");

export const application: readonly PanelSpec[] = [
  chart(
    "Requests by route",
    "HTTP requests of the application, by service and route (only the region is filtered). Bad: logins or sessions that fall away: users do not get as far as a model.",
    {
      unit: "reqps",
      decimals: 1,
    },
    longSeries({
      table: "windows",
      where: routes,
      given: knownUntil,
      series: "concat(provider, ' ', operation)",
      value: `sum(requests) / ${knownSeconds}`,
    }),
  ),
  chart(
    "Failing by route",
    "Share of a route's requests that the application failed. Bad: any route over 1 %.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    longSeries({
      table: "windows",
      where: routes,
      series: "concat(provider, ' ', operation)",
      value: `sum(${failures}) / nullIf(sum(${served}), 0)`,
    }),
  ),
];
