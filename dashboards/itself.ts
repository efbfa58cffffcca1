/** Foreshock itself, from its own metrics: whether the pipeline keeps up, loses nothing and tells people. */
import type { MetricName } from "../services/contracts/metrics.ts";
import { uids } from "./links.ts";
import type { DashboardSpec, PanelSpec, PrometheusSource, Threshold } from "./spec.ts";
import { consoleVariable } from "./variables.ts";

/** Names of metrics come through here alone, so that one that is renamed does not compile. */
const metric = (name: MetricName) => name;

const rate = (name: MetricName) => `rate(${metric(name)}[$__rate_interval])`;
const bucket = (name: MetricName) => `rate(${metric(name)}_bucket[$__rate_interval])`;

const asked = (
  metrics: readonly MetricName[],
  ...queries: readonly (readonly [expression: string, legend: string])[]
): PrometheusSource => ({
  from: "prometheus",
  metrics,
  queries: queries.map(([expression, legend]) => ({ expression, legend })),
});

const quantile = (q: number, name: MetricName, by = "") =>
  `histogram_quantile(${q}, sum by (le${by === "" ? "" : `, ${by}`}) (${bucket(name)}))`;

const redFrom = (from: number): readonly Threshold[] => [
  { from: undefined, color: "green" },
  { from, color: "red" },
];

type Drawn = Omit<Extract<PanelSpec, { type: "stat" }>, "type" | "width" | "height">;
const stat = (panel: Drawn): PanelSpec => ({ width: 4, height: 4, ...panel, type: "stat" });
type Line = Omit<Extract<PanelSpec, { type: "timeseries" }>, "type" | "width" | "height">;
const lines = (panel: Line): PanelSpec => ({ width: 12, height: 8, ...panel, type: "timeseries" });

const panels: readonly PanelSpec[] = [
  stat({
    title: "Verdict delay p95",
    description:
      "End of a window to the decision on it. 11 s is usual (10 s are waited for late spans). Bad: over 30 s: what the page says is old.",
    unit: "s",
    decimals: 1,
    thresholds: redFrom(30),
    source: asked(
      ["foreshock_verdict_delay_seconds"],
      [quantile(0.95, "foreshock_verdict_delay_seconds"), "p95"],
    ),
  }),
  stat({
    title: "Records waiting",
    description: "Largest backlog of any stage. Bad: it grows for minutes.",
    unit: "short",
    decimals: 0,
    source: asked(["foreshock_stage_lag_records"], ["max(foreshock_stage_lag_records)", "most"]),
  }),
  stat({
    title: "Dead letters, last hour",
    description:
      "Records that could not be read. Bad: any; `foreshock deadletter list` shows them.",
    unit: "short",
    decimals: 0,
    thresholds: redFrom(1),
    source: asked(
      ["foreshock_deadletter_records_total"],
      ["sum(increase(foreshock_deadletter_records_total[1h])) or vector(0)", "records"],
    ),
  }),
  stat({
    title: "Deliveries failed, last hour",
    description:
      "Notifications that no sink took in spite of repeats. Bad: any: people were not told.",
    unit: "short",
    decimals: 0,
    thresholds: redFrom(1),
    source: asked(
      ["foreshock_deliveries_total"],
      ['sum(increase(foreshock_deliveries_total{outcome="failed"}[1h])) or vector(0)', "failed"],
    ),
  }),
  stat({
    title: "ClickHouse answers",
    description: "1 while the history answers. Bad: 0: dashboards stand still, detection goes on.",
    unit: "none",
    decimals: 0,
    values: [
      { value: 0, text: "no", color: "red" },
      { value: 1, text: "yes", color: "green" },
    ],
    source: asked(["foreshock_history_up"], ["min(foreshock_history_up)", "up"]),
  }),
  stat({
    title: "Restarts, last hour",
    description:
      "Tasks started again after an error. Bad: more than one: something fails for good.",
    unit: "short",
    decimals: 0,
    thresholds: redFrom(3),
    source: asked(
      ["foreshock_stage_restarts_total"],
      ["sum(increase(foreshock_stage_restarts_total[1h])) or vector(0)", "restarts"],
    ),
  }),
  lines({
    title: "Taken in",
    description:
      "Spans, points and log records accepted, a second. Bad: a fall to 0 while the application runs.",
    unit: "short",
    decimals: 0,
    source: asked(
      ["foreshock_ingest_items_total", "foreshock_ingest_rejected_items_total"],
      [`sum by (signal) (${rate("foreshock_ingest_items_total")})`, "{{signal}}"],
      [
        `sum by (signal, reason) (${rate("foreshock_ingest_rejected_items_total")}) > 0`,
        "refused {{signal}}: {{reason}}",
      ],
    ),
  }),
  lines({
    title: "Requests by answer",
    description:
      "Export requests by how they were answered. Bad: anything but ok that stays: senders keep or drop data.",
    unit: "reqps",
    decimals: 1,
    isStacked: true,
    source: asked(
      ["foreshock_ingest_requests_total"],
      [`sum by (outcome) (${rate("foreshock_ingest_requests_total")})`, "{{outcome}}"],
    ),
  }),
  lines({
    title: "Backlog by stage",
    description:
      "Records that wait to be read. Bad: a line that climbs: its stage is too slow or down.",
    unit: "short",
    decimals: 0,
    source: asked(
      ["foreshock_stage_lag_records"],
      ["sum by (stage) (foreshock_stage_lag_records)", "{{stage}}"],
    ),
  }),
  lines({
    title: "Watermark and verdict delay",
    description:
      "How far event time stands behind arrival, and windows to verdicts. Bad: a task's line that climbs alone holds all windows open.",
    unit: "s",
    decimals: 1,
    source: asked(
      ["foreshock_watermark_delay_seconds", "foreshock_verdict_delay_seconds"],
      ["max by (task) (foreshock_watermark_delay_seconds)", "{{task}}"],
      [quantile(0.5, "foreshock_verdict_delay_seconds"), "verdicts p50"],
      [quantile(0.95, "foreshock_verdict_delay_seconds"), "verdicts p95"],
    ),
  }),
  lines({
    title: "Late, clamped and doubled spans",
    description:
      "A second. Late ones are in no window, clamped ones come from clocks that run ahead, doubled ones were sent twice. Bad: late ones that rise: a sender or Collector holds back.",
    unit: "short",
    decimals: 1,
    source: asked(
      [
        "foreshock_late_spans_total",
        "foreshock_clamped_spans_total",
        "foreshock_duplicate_spans_total",
      ],
      [`sum(${rate("foreshock_late_spans_total")})`, "late"],
      [`sum(${rate("foreshock_clamped_spans_total")})`, "clamped"],
      [`sum(${rate("foreshock_duplicate_spans_total")})`, "doubled"],
    ),
  }),
  lines({
    title: "Deliveries and signs of life",
    description:
      "Notifications and heartbeats by outcome, a minute. Bad: failed; or no heartbeats where some were.",
    unit: "short",
    decimals: 1,
    source: asked(
      ["foreshock_deliveries_total", "foreshock_heartbeats_total"],
      [
        `sum by (sink, outcome) (${rate("foreshock_deliveries_total")}) * 60`,
        "{{sink}} {{outcome}}",
      ],
      [`sum by (outcome) (${rate("foreshock_heartbeats_total")}) * 60`, "heartbeat {{outcome}}"],
    ),
  }),
];

const inside: readonly PanelSpec[] = [
  lines({
    title: "Archived rows",
    description:
      "Rows durable in ClickHouse, a second, and inserts tried again. Bad: retries that go on.",
    unit: "short",
    decimals: 1,
    source: asked(
      ["foreshock_archive_rows_total", "foreshock_archive_retries_total"],
      [`sum by (table) (${rate("foreshock_archive_rows_total")})`, "{{table}}"],
      [`sum(${rate("foreshock_archive_retries_total")})`, "retries"],
    ),
  }),
  lines({
    title: "Stages",
    description: "Records that each stage finishes with, a second. Bad: one that stops.",
    unit: "short",
    decimals: 0,
    source: asked(
      ["foreshock_stage_records_total"],
      [`sum by (stage) (${rate("foreshock_stage_records_total")})`, "{{stage}}"],
    ),
  }),
  lines({
    title: "Receipt to answer, p95",
    description: "Of export requests. Bad: near the senders' own time-out, 10 s.",
    unit: "s",
    decimals: 3,
    source: asked(
      ["foreshock_ingest_duration_seconds"],
      [quantile(0.95, "foreshock_ingest_duration_seconds", "signal"), "{{signal}}"],
    ),
  }),
  lines({
    title: "Event loop delay, p99",
    description:
      "How long work waits for the thread. Bad: over 0.2 s for minutes: the machine is too small.",
    unit: "s",
    decimals: 3,
    source: asked(
      ["foreshock_event_loop_delay_seconds"],
      ["max by (instance) (foreshock_event_loop_delay_seconds)", "{{instance}}"],
    ),
  }),
  lines({
    title: "Cells and transitions",
    description:
      "Cells watched one by one, and transitions of incidents in the last hour. Bad: cells at their limit: the smallest are watched together.",
    unit: "short",
    decimals: 0,
    source: asked(
      ["foreshock_cells", "foreshock_transitions_total"],
      ["sum(foreshock_cells)", "cells"],
      ["sum by (transition) (increase(foreshock_transitions_total[1h]))", "{{transition}}"],
    ),
  }),
  lines({
    title: "Checkpoint size",
    description: "By task. Bad: steady growth: state that is never let go.",
    unit: "bytes",
    decimals: 1,
    source: asked(
      ["foreshock_checkpoint_bytes"],
      ["max by (task) (foreshock_checkpoint_bytes)", "{{task}}"],
    ),
  }),
];

export const itself: DashboardSpec = {
  uid: uids.itself,
  title: "Foreshock: itself",
  description: "Whether the pipeline keeps up, loses nothing and tells people.",
  from: "now-3h",
  refresh: "30s",
  variables: [consoleVariable],
  annotations: [],
  rows: [{ panels }, { title: "Inside", panels: inside }],
};
