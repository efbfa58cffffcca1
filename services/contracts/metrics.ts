/** Every metric of Foreshock's own, defined and explained once. Names are as Prometheus shows them. */
export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 60];

export const metricDefinitions = {
  foreshock_ingest_requests_total: {
    kind: "counter",
    labels: ["signal", "protocol", "outcome"],
    help: "OTLP export requests by how they were answered.",
  },
  foreshock_ingest_items_total: {
    kind: "counter",
    labels: ["signal"],
    help: "Spans, data points and log records accepted into the log.",
  },
  foreshock_ingest_rejected_items_total: {
    kind: "counter",
    labels: ["signal", "reason"],
    help: "Items refused in partial success answers.",
  },
  foreshock_ingest_cut_attributes_total: {
    kind: "counter",
    labels: ["reason"],
    help: "Attributes cut before the log: content, too long, too many.",
  },
  foreshock_ingest_bytes_total: {
    kind: "counter",
    labels: ["signal"],
    help: "Bytes of export requests after decompression.",
  },
  foreshock_ingest_duration_seconds: {
    kind: "histogram",
    labels: ["signal"],
    buckets: seconds,
    help: "Receipt of an export request to its answer.",
  },
  foreshock_stage_records_total: {
    kind: "counter",
    labels: ["stage"],
    help: "Records that a stage has read and finished with.",
  },
  foreshock_stage_outputs_total: {
    kind: "counter",
    labels: ["stage"],
    help: "Records that a stage has written.",
  },
  foreshock_stage_repeats_total: {
    kind: "counter",
    labels: ["stage"],
    help: "Records dropped because their sequence was already taken: expected after a restart.",
  },
  foreshock_stage_lag_records: {
    kind: "gauge",
    labels: ["stage", "topic", "partition"],
    help: "Records that wait to be read. Growing: the stage is too slow or down.",
  },
  foreshock_stage_restarts_total: {
    kind: "counter",
    labels: ["stage"],
    help: "Tasks restarted after an error.",
  },
  foreshock_stage_halts_total: {
    kind: "counter",
    labels: ["stage", "code"],
    help: "Tasks that stopped for good on an error that starting again cannot mend, such as data_lost.",
  },
  foreshock_deadletter_records_total: {
    kind: "counter",
    labels: ["stage", "code"],
    help: "Records that could not be read. Any increase wants a look: foreshock deadletter list.",
  },
  foreshock_watermark_delay_seconds: {
    kind: "gauge",
    labels: ["task"],
    help: "Append time minus watermark of a source partition.",
  },
  foreshock_late_spans_total: {
    kind: "counter",
    labels: [],
    help: "Spans that came after their window had closed; archived, never counted in windows.",
  },
  foreshock_clamped_spans_total: {
    kind: "counter",
    labels: [],
    help: "Spans from clocks that run ahead.",
  },
  foreshock_duplicate_spans_total: {
    kind: "counter",
    labels: [],
    help: "Spans that came a second time.",
  },
  foreshock_cells: { kind: "gauge", labels: ["partition"], help: "Cells watched one by one." },
  foreshock_verdict_delay_seconds: {
    kind: "histogram",
    labels: [],
    buckets: [...seconds, 120, 300],
    help: "End of a window to the moment incidents were decided on it.",
  },
  foreshock_transitions_total: {
    kind: "counter",
    labels: ["transition"],
    help: "Incident transitions.",
  },
  foreshock_deliveries_total: {
    kind: "counter",
    labels: ["sink", "outcome"],
    help: "Notifications by sink and outcome.",
  },
  foreshock_heartbeats_total: {
    kind: "counter",
    labels: ["outcome"],
    help: "Signs of life for outside receivers: delivered, failed, or held back because verdicts are late.",
  },
  foreshock_delivery_delay_seconds: {
    kind: "histogram",
    labels: ["sink"],
    buckets: seconds,
    help: "Decision to the sink's answer.",
  },
  foreshock_checkpoint_bytes: {
    kind: "gauge",
    labels: ["task"],
    help: "Size of a task's last checkpoint.",
  },
  foreshock_checkpoints_total: { kind: "counter", labels: ["stage"], help: "Checkpoints written." },
  foreshock_archive_rows_total: {
    kind: "counter",
    labels: ["table"],
    help: "Rows durable in ClickHouse.",
  },
  foreshock_archive_retries_total: {
    kind: "counter",
    labels: [],
    help: "Inserts tried again. Growing: ClickHouse is away or refuses.",
  },
  foreshock_history_up: { kind: "gauge", labels: [], help: "1 while ClickHouse answers." },
  foreshock_event_loop_delay_seconds: {
    kind: "gauge",
    labels: [],
    help: "99th percentile of event loop delay over the last 10 s.",
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricDefinitions;
export type Labels = Readonly<Record<string, string>>;

/** How code reports: counters add, gauges set, histograms record. */
export interface Metrics {
  add(name: MetricName, value: number, labels?: Labels): void;
  set(name: MetricName, value: number, labels?: Labels): void;
  record(name: MetricName, value: number, labels?: Labels): void;
}

export const noMetrics: Metrics = { add: () => {}, set: () => {}, record: () => {} };
