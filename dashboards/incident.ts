/** One incident: where it is, how it spreads, what moved first, what explains it, examples. */
import { examples, tables } from "./incident-tables.ts";
import { uids } from "./links.ts";
import { answer, chart } from "./shapes.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { anyCellName, chosenIncident, itsCells } from "./sql/incident-scope.ts";
import { began } from "./sql/scope.ts";
import { longSeries } from "./sql/series.ts";
import { stepState } from "./sql/verdicts.ts";
import { cellStates, severities, severityNumber } from "./states.ts";
import { consoleVariable } from "./variables.ts";

/** One value of the chosen incident. */
const ofIncident = (expression: string) =>
  `SELECT ${expression}\nFROM incidents\nWHERE ${chosenIncident}\nGROUP BY incident`;

const answers: readonly PanelSpec[] = [
  answer(
    "Severity",
    "Highest severity that the incident reached. Bad: page.",
    { unit: "none", values: severities },
    ofIncident(`max(${severityNumber("severity")}) AS severity`),
  ),
  answer(
    "Lasts",
    "From the first unusual window to its end, or to the end of the range. Bad: no end while nobody works on it.",
    { unit: "s", decimals: 0 },
    ofIncident(
      `dateDiff('second', ${began}, if(argMax(phase, revision) = 'resolved', max(at), toDateTime64($__toTime, 3))) AS seconds`,
    ),
  ),
  answer(
    "Cells at most",
    "Degraded cells at its widest. Bad: it still grows, or it is nearly all cells that are alive.",
    { unit: "none", decimals: 0 },
    ofIncident("max(degraded_cells) AS cells"),
  ),
  answer(
    "Traffic at most",
    "Share of the usual traffic that degraded cells carry, at its widest. Bad: over 5 % is many users.",
    { unit: "percentunit", decimals: 0 },
    ofIncident("max(degraded_share) AS share"),
  ),
  answer(
    "Requests hit",
    "Requests since its beginning that failed or were slow. Bad: it goes on rising after the fix.",
    { unit: "short", decimals: 0 },
    ofIncident("toUInt64(JSONExtractFloat(argMax(record, revision), 'totals', 'bad')) AS requests"),
  ),
  answer(
    "Tenants touched",
    "Estimate of the tenants with such requests. Bad: about all of them.",
    { unit: "short", decimals: 0 },
    ofIncident(
      "toUInt64(JSONExtractFloat(argMax(record, revision), 'totals', 'tenants')) AS tenants",
    ),
  ),
];

const course: readonly PanelSpec[] = [
  {
    type: "state-timeline",
    title: "Spread",
    description:
      "State of each cell that the incident named. Bad: red that begins in one row and goes on to others; the order tells the way it takes.",
    width: 24,
    height: 9,
    unit: "none",
    values: cellStates,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "verdicts",
        where: itsCells,
        series: anyCellName,
        value: stepState,
      }),
    },
  },
  chart(
    "What moved first",
    "By signal, the strongest surprise over the incident's cells: 4 is one window in 10,000 by chance. The line that leaves the floor first is the precursor. Bad: several that stay high.",
    {
      unit: "short",
      decimals: 0,
    },
    longSeries({
      table: "verdicts",
      where: itsCells,
      joined: "ARRAY JOIN signals AS signal, score AS surprise",
      series: "signal",
      value: "max(surprise)",
    }),
  ),
  chart(
    "Leading signal, times expected",
    "The signal that led, by cell: seen against expected, weighted by requests; 1 is as usual. Bad: cells that leave 1 one after the other.",
    {
      unit: "x",
      decimals: 2,
    },
    longSeries({
      table: "verdicts",
      where: itsCells,
      joined: `ARRAY JOIN signals AS signal, times_sum AS times, times_weight AS weight
WHERE signal = (SELECT argMax(leading_signal, revision) FROM incidents WHERE ${chosenIncident})
  AND weight > 0`,
      series: anyCellName,
      value: "sum(times) / sum(weight)",
    }),
  ),
];

export const incident: DashboardSpec = {
  uid: uids.incident,
  title: "Foreshock: incident",
  description: "What happened, to whom, since when.",
  from: "now-6h",
  refresh: "30s",
  variables: [
    {
      kind: "query",
      name: "incident",
      label: "Incident",
      description: "Incidents that were open in this time range, newest first.",
      isMulti: false,
      sql: `SELECT incident, concat(formatDateTime(${began}, '%m-%d %H:%i'), ' ', argMax(title, revision)) AS title
FROM incidents
WHERE at < $__toTime
GROUP BY incident
HAVING argMax(phase, revision) != 'resolved' OR max(at) >= $__fromTime
ORDER BY max(${severityNumber("severity")}) = 3 DESC, ${began} DESC
LIMIT 200`,
    },
    consoleVariable,
  ],
  annotations: [],
  rows: [
    { panels: [...answers, ...course, ...tables] },
    { title: "Examples and deliveries", panels: examples },
  ],
};
