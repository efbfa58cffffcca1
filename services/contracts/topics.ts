/** The topics of the log. Source topics keep the Collector's names, so that it can write them itself. */
export const sourceTopics = {
  traces: "otlp_spans",
  metrics: "otlp_metrics",
  logs: "otlp_logs",
} as const;

export type Signal = keyof typeof sourceTopics;
export const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

export const topics = {
  ...sourceTopics,
  windows: "foreshock.windows",
  closed: "foreshock.closed",
  frames: "foreshock.frames",
  incidents: "foreshock.incidents",
  deliveries: "foreshock.deliveries",
  commands: "foreshock.commands",
  checkpoints: "foreshock.checkpoints",
  control: "foreshock.control",
  deadletter: "foreshock.deadletter",
} as const;

export type TopicName = (typeof topics)[keyof typeof topics];

/** Signal code in capture files and dead letters: 1 traces, 2 metrics, 3 logs. */
export const signalOfTopic: Readonly<Record<string, Signal>> = {
  otlp_spans: "traces",
  otlp_metrics: "metrics",
  otlp_logs: "logs",
};

/**
 * Headers on records. A heartbeat is an empty export request that makes time pass in a silent partition.
 * `task` and `sequence` are on every record that a stage writes: the same input gives the same pair again.
 */
export const headers = {
  heartbeat: "foreshock-heartbeat",
  task: "foreshock-task",
  sequence: "foreshock-sequence",
  version: "foreshock-version",
} as const;
