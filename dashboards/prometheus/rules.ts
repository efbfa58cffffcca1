/** Alert rules on Foreshock's own metrics: a broken pipeline must be told of, and as what it is. */
import type { MetricName } from "../../services/contracts/metrics.ts";

export interface AlertRule {
  readonly alert: string;
  readonly expression: string;
  /** How long it must hold. */
  readonly for: string;
  readonly severity: "page" | "ticket" | "none";
  readonly summary: string;
  readonly description: string;
  /** File under docs/runbooks, without its ending. */
  readonly runbook: string;
  readonly metrics: readonly MetricName[];
}

/** The job under which Prometheus scrapes Foreshock. */
const job = "foreshock";

/** Names of metrics come through here alone, so that one that is renamed does not compile. */
const metric = (name: MetricName, labels = "") => `${name}${labels === "" ? "" : `{${labels}}`}`;

/** Growth over a time, with series that are newer than it counted from 0: a counter's first value is no growth to Prometheus. */
function grown(name: MetricName, by: string, over: string, labels = ""): string {
  const series = metric(name, labels);
  return `sum by (${by}) (increase(${series}[${over}])) > 0 or (sum by (${by}) (${series}) unless sum by (${by}) (${series} offset ${over})) > 0`;
}

export const alertRules: readonly AlertRule[] = [
  {
    alert: "ForeshockDown",
    expression: `absent(up{job="${job}"} == 1)`,
    for: "2m",
    severity: "page",
    summary: "Foreshock: no process answers",
    description: "Prometheus reaches no Foreshock process: nothing is watched.",
    runbook: "down",
    metrics: [],
  },
  {
    alert: "ForeshockClosingStalled",
    expression: `sum(rate(${metric("foreshock_verdict_delay_seconds")}_count[2m])) == 0 or absent(${metric("foreshock_verdict_delay_seconds")}_count)`,
    for: "3m",
    severity: "page",
    summary: "Foreshock: no window has been decided on for 5 minutes",
    description:
      "Windows close with or without traffic, one in 5 s. Some source task, detect or incident stands still, and no alert about the service can come.",
    runbook: "closing-stalled",
    metrics: ["foreshock_verdict_delay_seconds"],
  },
  {
    alert: "ForeshockVerdictsLate",
    expression: `histogram_quantile(0.95, sum by (le) (rate(${metric("foreshock_verdict_delay_seconds")}_bucket[5m]))) > 30`,
    for: "5m",
    severity: "ticket",
    summary: "Foreshock: verdicts come {{ $value | humanizeDuration }} after their windows (95 %)",
    description:
      "11 s is usual, of which 10 s are waited for late spans. Pages come late by as much.",
    runbook: "verdicts-late",
    metrics: ["foreshock_verdict_delay_seconds"],
  },
  {
    alert: "ForeshockWatermarkBehind",
    expression: `max by (task) (${metric("foreshock_watermark_delay_seconds")}) > 60`,
    for: "5m",
    severity: "ticket",
    summary:
      "Foreshock: event time of {{ $labels.task }} is {{ $value | humanizeDuration }} behind",
    description: "All windows wait for the slowest source task.",
    runbook: "watermark-behind",
    metrics: ["foreshock_watermark_delay_seconds"],
  },
  {
    alert: "ForeshockStageLagging",
    expression: `sum by (stage) (${metric("foreshock_stage_lag_records", 'stage!="archive"')}) > 1000 and sum by (stage) (${metric("foreshock_stage_lag_records", 'stage!="archive"')}) > sum by (stage) (${metric("foreshock_stage_lag_records", 'stage!="archive"')} offset 10m)`,
    for: "10m",
    severity: "ticket",
    summary:
      "Foreshock: {{ $labels.stage }} has {{ $value | humanize }} records to read, and more come",
    description: "The stage is slower than what arrives, or stands still.",
    runbook: "stage-lagging",
    metrics: ["foreshock_stage_lag_records"],
  },
  {
    alert: "ForeshockArchiveBehind",
    expression: `sum(${metric("foreshock_stage_lag_records", 'stage="archive"')}) > 5000 and sum(${metric("foreshock_stage_lag_records", 'stage="archive"')}) > sum(${metric("foreshock_stage_lag_records", 'stage="archive"')} offset 10m)`,
    for: "10m",
    severity: "ticket",
    summary: "Foreshock: the archive has {{ $value | humanize }} records to write, and more come",
    description:
      "Dashboards show old data. Alerts do not depend on it, until the log is half its retention behind and ingest refuses.",
    runbook: "archive-behind",
    metrics: ["foreshock_stage_lag_records"],
  },
  {
    alert: "ForeshockHistoryDown",
    expression: `min(${metric("foreshock_history_up")}) == 0`,
    for: "3m",
    severity: "ticket",
    summary: "Foreshock: ClickHouse does not answer",
    description: "Dashboards stand still; telemetry waits in the log, and nothing is lost yet.",
    runbook: "archive-behind",
    metrics: ["foreshock_history_up"],
  },
  {
    alert: "ForeshockDeadLetters",
    expression: grown("foreshock_deadletter_records_total", "stage, code", "15m"),
    for: "0s",
    severity: "ticket",
    summary:
      "Foreshock: {{ $labels.stage }} could not read {{ $value | humanize }} records ({{ $labels.code }})",
    description: "They are kept, and left out of everything.",
    runbook: "dead-letters",
    metrics: ["foreshock_deadletter_records_total"],
  },
  {
    alert: "ForeshockDataLost",
    expression: `sum by (stage) (${metric("foreshock_stage_halts_total", 'code=~"data_lost|sequence_gap"')}) > 0`,
    for: "0s",
    severity: "page",
    summary: "Foreshock: {{ $labels.stage }} has stopped: records that it needs are gone",
    description:
      "An offset lies before the start of the log, or a sequence has a gap. The stage does not go on by itself, because what follows would be wrong unseen.",
    runbook: "data-lost",
    metrics: ["foreshock_stage_halts_total"],
  },
  {
    alert: "ForeshockStageHalted",
    expression: `sum by (stage, code) (${metric("foreshock_stage_halts_total", 'code!~"data_lost|sequence_gap"')}) > 0`,
    for: "0s",
    severity: "page",
    summary: "Foreshock: {{ $labels.stage }} has stopped for good: {{ $labels.code }}",
    description: "A task met an error that starting again cannot mend.",
    runbook: "stage-halted",
    metrics: ["foreshock_stage_halts_total"],
  },
  {
    alert: "ForeshockRestarts",
    expression: `sum by (stage) (increase(${metric("foreshock_stage_restarts_total")}[15m])) > 3`,
    for: "0s",
    severity: "ticket",
    summary:
      "Foreshock: {{ $labels.stage }} was started again {{ $value | humanize }} times in 15 min",
    description:
      "Something fails again and again. Each time some work is done twice and verdicts come later.",
    runbook: "restarts",
    metrics: ["foreshock_stage_restarts_total"],
  },
  {
    alert: "ForeshockDeliveryFailed",
    expression: grown("foreshock_deliveries_total", "sink", "15m", 'outcome="failed"'),
    for: "0s",
    severity: "page",
    summary: "Foreshock: {{ $labels.sink }} did not take a notification",
    description: "All repeats failed: whoever reads that sink does not know of an incident.",
    runbook: "delivery-failed",
    metrics: ["foreshock_deliveries_total"],
  },
  {
    alert: "ForeshockNoHeartbeat",
    expression: `sum(increase(${metric("foreshock_heartbeats_total", 'outcome="delivered"')}[10m])) == 0 or (sum(${metric("foreshock_heartbeats_total", 'outcome=~"failed|held_back"')}) > 0 unless sum(${metric("foreshock_heartbeats_total", 'outcome="delivered"')}))`,
    for: "5m",
    severity: "page",
    summary: "Foreshock: no sign of life reaches the outside receiver",
    description:
      "The way out is broken, or signs of life are held back because verdicts are late. Where none is configured, this never fires.",
    runbook: "no-heartbeat",
    metrics: ["foreshock_heartbeats_total"],
  },
  {
    alert: "ForeshockIngestRefusing",
    expression: `sum(rate(${metric("foreshock_ingest_requests_total", 'outcome="unavailable"')}[5m])) / sum(rate(${metric("foreshock_ingest_requests_total")}[5m])) > 0.01`,
    for: "5m",
    severity: "page",
    summary: "Foreshock: {{ $value | humanizePercentage }} of export requests are refused for now",
    description:
      "The log is full or a reader is too far behind. Senders repeat for a few minutes and then drop what they have.",
    runbook: "ingest-refusing",
    metrics: ["foreshock_ingest_requests_total"],
  },
  {
    alert: "ForeshockIngestRejecting",
    expression: `sum by (signal, reason) (rate(${metric("foreshock_ingest_rejected_items_total")}[10m])) > 0`,
    for: "10m",
    severity: "ticket",
    summary: "Foreshock: {{ $labels.signal }} are refused for good: {{ $labels.reason }}",
    description:
      "A sender sends what the OTLP rules or the limits forbid; it is told, and must not repeat it.",
    runbook: "ingest-rejecting",
    metrics: ["foreshock_ingest_rejected_items_total"],
  },
  {
    alert: "ForeshockWatchdog",
    expression: "vector(1)",
    for: "0s",
    severity: "none",
    summary: "Foreshock: this alert always fires",
    description:
      "Route it to a receiver that alerts when it is missed: it proves the way from Prometheus through Alertmanager.",
    runbook: "watchdog",
    metrics: [],
  },
];
