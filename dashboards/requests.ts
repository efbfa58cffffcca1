/** Single requests: the slowest, the failed, and one trace as a list of spans. */
import { toCell, traceLinks, uids } from "./links.ts";
import type { Column, DashboardSpec, PanelSpec } from "./spec.ts";
import { errorWords } from "./sql/outcomes.ts";
import { rolledQuery } from "./sql/rolled.ts";
import { chosenCells, inRange } from "./sql/scope.ts";
import { cellVariables, consoleVariable, incidentAnnotation } from "./variables.ts";

/** Spans that count as model calls in windows carry a model; their time is their start. */
const calls = [
  "model != ''",
  ...(["provider", "model", "region", "operation"] as const).map(
    (name) => `$__conditionalAll(${name} IN (\${${name}:singlequote}), $${name})`,
  ),
  inRange("timestamp"),
].join("\n  AND ");

const columns: Readonly<Record<string, Column>> = {
  time: { unit: "dateTimeAsIso", width: 180 },
  trace: { links: traceLinks, width: 290 },
  seconds: { unit: "s", decimals: 2, width: 90 },
  "first token": { unit: "s", decimals: 2, width: 90 },
  "tokens in": { decimals: 0, width: 90 },
  "tokens out": { decimals: 0, width: 90 },
};

const seen = [
  "timestamp AS time",
  "lower(hex(trace_id)) AS trace",
  "concat(model, if(region = '', '', concat(' in ', region))) AS cell",
  "outcome",
  "duration / 1e9 AS seconds",
  'if(isNaN(gen_ai_response_time_to_first_chunk), NULL, gen_ai_response_time_to_first_chunk) AS "first token"',
];
const failed = [...seen, "error_type AS error"].join(",\n  ");
const answered = [
  ...seen,
  'if(gen_ai_usage_input_tokens < 0, NULL, gen_ai_usage_input_tokens) AS "tokens in"',
  'if(gen_ai_usage_output_tokens < 0, NULL, gen_ai_usage_output_tokens) AS "tokens out"',
  "service_name AS service",
].join(",\n  ");

const panels: readonly PanelSpec[] = [
  {
    type: "bargauge",
    title: "Calls by outcome",
    description:
      "Model calls in the range by how they ended, ok left out. Bad: one bar that dwarfs the others. Calls whose spans came too late are in the tables beside it and not here.",
    width: 8,
    height: 9,
    unit: "short",
    decimals: 0,
    source: {
      from: "clickhouse",
      sql: rolledQuery({
        table: "windows",
        where: chosenCells(),
        values: Object.entries(errorWords).map(
          ([outcome, words]) => `sum(outcome_${outcome}) AS "${words}"`,
        ),
      }),
    },
  },
  {
    type: "table",
    title: "Failed calls, newest first",
    description:
      "The last 100 model calls that did not end well; the trace leads to its spans. Bad: all with one error, one service, one model.",
    width: 16,
    height: 9,
    unit: "none",
    links: [toCell],
    columns,
    source: {
      from: "clickhouse",
      sql: `SELECT
  ${failed}
FROM spans
WHERE ${calls}
  AND outcome NOT IN ('', 'ok')
ORDER BY timestamp DESC
LIMIT 100`,
    },
  },
  {
    type: "table",
    title: "Slowest calls",
    description:
      "The 50 longest model calls of the range. Bad: first token nearly as long as the whole: they waited in a queue.",
    width: 24,
    height: 9,
    unit: "none",
    links: [toCell],
    columns,
    source: {
      from: "clickhouse",
      sql: `SELECT
  ${answered}
FROM spans
WHERE ${calls}
ORDER BY duration DESC, timestamp
LIMIT 50`,
    },
  },
  {
    type: "table",
    title: "Spans of the trace",
    description:
      "Spans of the trace that stands in the variable above, by start. Bad: a span that failed while its parent says all is well, or a gap between a parent and its child.",
    width: 24,
    height: 9,
    unit: "none",
    columns: {
      "start, s": { unit: "s", decimals: 3, width: 90 },
      seconds: { unit: "s", decimals: 3, width: 90 },
    },
    source: {
      from: "clickhouse",
      sql: `SELECT
  (toUnixTimestamp64Nano(Timestamp) - min(toUnixTimestamp64Nano(Timestamp)) OVER ()) / 1e9 AS "start, s",
  Duration / 1e9 AS seconds,
  ServiceName AS service,
  SpanName AS span,
  StatusCode AS status,
  StatusMessage AS message,
  SpanId AS id,
  ParentSpanId AS parent
FROM otel_traces
WHERE TraceId = lower(\${trace:singlequote})
ORDER BY Timestamp
LIMIT 500`,
    },
  },
];

export const requests: DashboardSpec = {
  uid: uids.requests,
  title: "Foreshock: requests and traces",
  description: "The single requests behind a picture.",
  from: "now-1h",
  refresh: "",
  variables: [
    ...cellVariables,
    {
      kind: "text",
      name: "trace",
      label: "Trace",
      description: "A trace id, 32 hexadecimal digits.",
      value: "",
    },
    consoleVariable,
  ],
  annotations: [incidentAnnotation],
  rows: [{ panels }],
};
