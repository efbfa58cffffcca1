/** One incident: where it is, how it spreads, what moved first, what explains it, examples. */
import { traceLinks, uids } from "./links.ts";
import type { Column, DashboardSpec, PanelSpec } from "./spec.ts";
import { began, cellName, inRange, keyName } from "./sql/scope.ts";
import { longSeries } from "./sql/series.ts";
import { stateNumber, stepState } from "./sql/verdicts.ts";
import { cellStates, severities, severityNumber } from "./states.ts";
import { consoleVariable } from "./variables.ts";

const chosen = "incident = ${incident:singlequote}";

/** Verdicts of every cell that the incident ever named. */
const itsCells = `(provider, model, region, operation, kind) IN
  (
    SELECT key[2], key[3], key[4], key[5], key[1]
    FROM (SELECT splitByChar(char(31), arrayJoin(cells)) AS key FROM incidents WHERE ${chosen})
  )
  AND ${inRange()}`;

/** HTTP cells have no model: their service stands there. */
const anyCellName = `if(kind = 'http', concat(provider, ' ', operation, if(region = '', '', concat(' in ', region))), ${cellName})`;

/** The newest record of the incident, which is JSON. */
const newest = `SELECT argMax(record, revision) AS record FROM incidents WHERE ${chosen}`;

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
      sql: `SELECT ${expression}\nFROM incidents\nWHERE ${chosen}\nGROUP BY incident`,
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
        table: "verdicts ARRAY JOIN signals AS signal, score AS surprise",
        where: itsCells,
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
        table:
          "verdicts ARRAY JOIN signals AS signal, seen AS now, expected AS usual, of AS weight",
        where: `${itsCells}
  AND signal = (SELECT argMax(leading_signal, revision) FROM incidents WHERE ${chosen})
  AND usual > 0 AND isFinite(now / usual)`,
        series: anyCellName,
        value: "sum(now / usual * weight) / nullIf(sum(weight), 0)",
      }),
    },
  },
];

const transitionColumns: Readonly<Record<string, Column>> = {
  at: { unit: "dateTimeAsIso", width: 180 },
  severity: { values: severities, width: 90 },
  cells: { decimals: 0, width: 70 },
  traffic: { unit: "percentunit", decimals: 0, width: 80 },
};

const tables: readonly PanelSpec[] = [
  {
    type: "table",
    title: "How it went",
    description:
      "Each change of the incident with the reason for its severity. Bad: page long after the first ticket.",
    width: 24,
    height: 7,
    unit: "none",
    columns: transitionColumns,
    source: {
      from: "clickhouse",
      sql: `SELECT
  at,
  transition,
  ${severityNumber("severity")} AS severity,
  title,
  degraded_cells AS cells,
  degraded_share AS traffic,
  reason
FROM incidents
WHERE ${chosen}
ORDER BY revision`,
    },
  },
  {
    type: "table",
    title: "Explanation",
    description:
      "Attribute values by the share of bad requests that carry them, beside their share of all requests. Bad for that value: much more of the bad than of all.",
    width: 12,
    height: 8,
    unit: "none",
    columns: {
      "of the bad": { unit: "percentunit", decimals: 0, width: 100 },
      "of all": { unit: "percentunit", decimals: 0, width: 90 },
      bad: { decimals: 0, width: 80 },
      of: { decimals: 0, width: 80 },
    },
    source: {
      from: "clickhouse",
      sql: `SELECT
  JSONExtractString(part, 'dimension') AS dimension,
  JSONExtractString(part, 'value') AS value,
  JSONExtractFloat(part, 'share') AS "of the bad",
  JSONExtractFloat(part, 'expectedShare') AS "of all",
  JSONExtractFloat(part, 'bad') AS bad,
  JSONExtractFloat(part, 'of') AS of,
  if(JSONExtractBool(part, 'isNamed'), 'named', '') AS place
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'attribution')) AS part FROM (${newest}))
ORDER BY "of the bad" DESC, dimension, value`,
    },
  },
  {
    type: "table",
    title: "Evidence",
    description:
      "What was seen in each cell against what was expected (ratios; µs for times). Bad: seen far outside low to high.",
    width: 12,
    height: 8,
    unit: "none",
    columns: { since: { unit: "dateTimeAsIso", width: 170 } },
    source: {
      from: "clickhouse",
      sql: `SELECT
  JSONExtractString(part, 'signal') AS signal,
  ${keyName("JSONExtractString(part, 'cell')")} AS cell,
  JSONExtract(part, 'seen', 'Nullable(Float64)') AS seen,
  JSONExtract(part, 'expected', 'Nullable(Float64)') AS expected,
  JSONExtract(part, 'low', 'Nullable(Float64)') AS low,
  JSONExtract(part, 'high', 'Nullable(Float64)') AS high,
  JSONExtractFloat(part, 'bad') AS bad,
  JSONExtractFloat(part, 'of') AS of,
  fromUnixTimestamp64Milli(JSONExtractInt(part, 'sinceMs')) AS since
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'evidence')) AS part FROM (${newest}))
ORDER BY JSONExtractFloat(part, 'surprise') DESC, signal, cell
LIMIT 50`,
    },
  },
];

const examples: readonly PanelSpec[] = [
  {
    type: "table",
    title: "Examples",
    description:
      "Traces of requests that were hit; each leads to its spans. Bad: none while requests were hit.",
    width: 12,
    height: 7,
    unit: "none",
    columns: { trace: { links: traceLinks } },
    source: {
      from: "clickhouse",
      sql: `SELECT
  JSONExtractString(part, 'traceId') AS trace,
  JSONExtractString(part, 'why') AS why
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'examples')) AS part FROM (${newest}))`,
    },
  },
  {
    type: "table",
    title: "Who was told",
    description:
      "Notifications by sink with their outcome and delay. Bad: failed, or a delay of minutes.",
    width: 12,
    height: 7,
    unit: "none",
    columns: {
      at: { unit: "dateTimeAsIso", width: 180 },
      "delay, s": { unit: "s", decimals: 2, width: 90 },
      attempts: { decimals: 0, width: 90 },
    },
    source: {
      from: "clickhouse",
      sql: `SELECT at, transition, sink, severity, outcome, attempts, delay_ms / 1e3 AS "delay, s", detail
FROM deliveries
WHERE ${chosen}
ORDER BY at, sink
LIMIT 200`,
    },
  },
  {
    type: "timeseries",
    title: "Degraded cells",
    description:
      "How many of the incident's cells were anomalous in each step. Bad: a stair upwards.",
    width: 24,
    height: 7,
    unit: "none",
    decimals: 0,
    source: {
      from: "clickhouse",
      sql: longSeries({
        table: "verdicts",
        where: itsCells,
        series: "'anomalous'",
        value: `uniqExactIf((kind, provider, model, region, operation), ${stateNumber} = 4)`,
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
