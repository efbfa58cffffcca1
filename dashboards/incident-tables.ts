/** An incident's records as tables: how it went, what explains it, examples, who was told. */
import { traceLinks } from "./links.ts";
import { chart } from "./shapes.ts";
import type { Column, PanelSpec } from "./spec.ts";
import { chosenIncident, itsCells, newestRecord } from "./sql/incident-scope.ts";
import { keyName } from "./sql/scope.ts";
import { longSeries } from "./sql/series.ts";
import { severities, severityNumber } from "./states.ts";

const transitionColumns: Readonly<Record<string, Column>> = {
  at: { unit: "dateTimeAsIso", width: 180 },
  severity: { values: severities, width: 90 },
  cells: { decimals: 0, width: 70 },
  traffic: { unit: "percentunit", decimals: 0, width: 80 },
};

export const tables: readonly PanelSpec[] = [
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
WHERE ${chosenIncident}
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
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'attribution')) AS part FROM (${newestRecord}))
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
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'evidence')) AS part FROM (${newestRecord}))
ORDER BY JSONExtractFloat(part, 'surprise') DESC, signal, cell
LIMIT 50`,
    },
  },
];

export const examples: readonly PanelSpec[] = [
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
FROM (SELECT arrayJoin(JSONExtractArrayRaw(record, 'examples')) AS part FROM (${newestRecord}))`,
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
WHERE ${chosenIncident}
ORDER BY at, sink
LIMIT 200`,
    },
  },
  chart(
    "Degraded cells",
    "How many of the incident's cells were anomalous in each step. Bad: a stair upwards.",
    {
      width: 24,
      height: 7,
      unit: "none",
      decimals: 0,
    },
    longSeries({
      table: "verdicts",
      where: itsCells,
      series: "'anomalous'",
      value: "uniqExactIf((kind, provider, model, region, operation), anomalous > 0)",
    }),
  ),
];
