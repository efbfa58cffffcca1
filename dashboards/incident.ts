/** One incident: where it is, how it spreads, what moved first, what explains it, examples. */
import { examples, tables } from "./incident-tables.ts";
import { uids } from "./links.ts";
import type { DashboardSpec, PanelSpec } from "./spec.ts";
import { anyCellName, chosenIncident, itsCells } from "./sql/incident-scope.ts";
import { began } from "./sql/scope.ts";
import { longSeries } from "./sql/series.ts";
import { stepState } from "./sql/verdicts.ts";
import { cellStates, severities, severityNumber } from "./states.ts";
import { consoleVariable } from "./variables.ts";

const stat = (
  title: string,
  description: string,
  of: Partial<PanelSpec> & { readonly unit: PanelSpec["unit"] },
  expression: string,
): PanelSpec =>
  ({
    width: 4,
    height: 4,
    title,
    description,
    ...of,
    type: "stat",
    source: {
      from: "clickhouse",
      sql: `SELECT ${expression}\nFROM incidents\nWHERE ${chosenIncident}\nGROUP BY incident`,
    },
  }) as PanelSpec;

const answers: readonly PanelSpec[] = [
  stat(
    "Severity",
    "Highest severity that the incident reached. Bad: page.",
    { unit: "none", values: severities } as Partial<PanelSpec> & { unit: "none" },
    `max(${severityNumber("severity")}) AS severity`,
  ),
  stat(
    "Lasts",
    "From the first unusual window to its end, or to the end of the range. Bad: no end while nobody works on it.",
    { unit: "s", decimals: 0 },
    `dateDiff('second', ${began}, if(argMax(phase, revision) = 'resolved', max(at), toDateTime64($__toTime, 3))) AS seconds`,
  ),
  stat(
    "Cells at most",
    "Degraded cells at its widest. Bad: it still grows, or it is nearly all cells that are alive.",
    { unit: "none", decimals: 0 },
    "max(degraded_cells) AS cells",
  ),
  stat(
    "Traffic at most",
    "Share of the usual traffic that degraded cells carry, at its widest. Bad: over 5 % is many users.",
    { unit: "percentunit", decimals: 0 },
    "max(degraded_share) AS share",
  ),
  stat(
    "Requests hit",
    "Requests since its beginning that failed or were slow. Bad: it goes on rising after the fix.",
    { unit: "short", decimals: 0 },
    "toUInt64(JSONExtractFloat(argMax(record, revision), 'totals', 'bad')) AS requests",
  ),
  stat(
    "Tenants touched",
    "Estimate of the tenants with such requests. Bad: about all of them.",
    { unit: "short", decimals: 0 },
    "toUInt64(JSONExtractFloat(argMax(record, revision), 'totals', 'tenants')) AS tenants",
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
  {
    type: "timeseries",
    title: "What moved first",
    description:
      "By signal, the strongest surprise over the incident's cells: 4 is one window in 10,000 by chance. The line that leaves the floor first is the precursor. Bad: several that stay high.",
    width: 12,
    height: 8,
    unit: "short",
    decimals: 0,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "verdicts",
        where: itsCells,
        joined: "ARRAY JOIN signals AS signal, score AS surprise",
        series: "signal",
        value: "max(surprise)",
      }),
    },
  },
  {
    type: "timeseries",
    title: "Leading signal, times expected",
    description:
      "The signal that led, by cell: seen against expected, weighted by requests; 1 is as usual. Bad: cells that leave 1 one after the other.",
    width: 12,
    height: 8,
    unit: "x",
    decimals: 2,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "verdicts",
        where: itsCells,
        joined: `ARRAY JOIN signals AS signal, times_sum AS times, times_weight AS weight
WHERE signal = (SELECT argMax(leading_signal, revision) FROM incidents WHERE ${chosenIncident})
  AND weight > 0`,
        series: anyCellName,
        value: "sum(times) / sum(weight)",
      }),
    },
  },
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
