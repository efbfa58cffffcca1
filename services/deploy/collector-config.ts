/**
 * A Collector's configuration (contrib distribution) in front of Foreshock: OTLP in, content out of it, Kafka behind. Made from the
 * same tables as the cut at ingest; `npm run generate` writes it to `collector.yaml`.
 */
import { stringify } from "yaml";
import { contentTables } from "../contracts/content-attributes.ts";
import {
  contentNamePattern,
  errorTextLimitPattern,
  errorTextPattern,
  genAiEventKeptPattern,
  plainModelPattern,
} from "../contracts/content-patterns.ts";
import { sourceTopics } from "../contracts/topics.ts";

/** OTTL statements, all of one kind of thing, which is `path` in them. */
interface StatementGroup {
  readonly context: string;
  readonly statements: readonly string[];
}

/** A literal of OTTL; `$` is doubled, or the Collector would expand it. */
const literal = (text: string) => JSON.stringify(text).replaceAll("$", "$$$$");

const firstGroup = literal("$1").replaceAll("$$1", "$$$$1");

function cutErrorText(target: string): string[] {
  return [errorTextPattern, errorTextLimitPattern].map(
    (pattern) => `replace_pattern(${target}, ${literal(pattern)}, ${firstGroup})`,
  );
}

/** Of JSON only its model stays; what does not parse goes. */
function cutToModel(path: string, name: string): string[] {
  const target = `${path}.attributes[${literal(name)}]`;
  const cached = `${path}.cache["model"]`;
  return [
    `delete_key(${path}.cache, "model")`,
    `set(${cached}, ParseJSON(${target})["model"]) where IsString(${target})`,
    `delete_key(${path}.attributes, ${literal(name)})`,
    `set(${target}, Concat(["{\\"model\\":\\"", ${cached}, "\\"}"], "")) where IsString(${cached}) and IsMatch(${cached}, ${literal(plainModelPattern)})`,
  ];
}

function cutAttributes(path: string): string[] {
  return [
    `delete_matching_keys(${path}.attributes, ${literal(contentNamePattern)})`,
    ...contentTables.errorTextNames.flatMap((name) =>
      cutErrorText(`${path}.attributes[${literal(name)}]`),
    ),
    ...contentTables.modelOnlyNames.flatMap((name) => cutToModel(path, name)),
  ];
}

const keepEventAttributes = (path: string, condition: string) =>
  `keep_matching_keys(${path}.attributes, ${literal(genAiEventKeptPattern)}) where ${condition}`;

const isGenAiEvent = 'IsMatch(spanevent.name, "^gen_ai[.]")';
const isGenAiLog =
  '(IsMatch(log.event_name, "^gen_ai[.]") or (IsString(log.attributes["event.name"]) and IsMatch(log.attributes["event.name"], "^gen_ai[.]")))';

/** Where no message says what a failure was, all of it goes. */
function dropAttributes(context: string): StatementGroup {
  const cutElsewhere = [...contentTables.errorTextNames, ...contentTables.modelOnlyNames];
  return {
    context,
    statements: [
      `delete_matching_keys(${context}.attributes, ${literal(contentNamePattern)})`,
      ...cutElsewhere.map((name) => `delete_key(${context}.attributes, ${literal(name)})`),
    ],
  };
}

const resource = dropAttributes("resource");
const scope = dropAttributes("scope");

const traceStatements: readonly StatementGroup[] = [
  resource,
  scope,
  {
    context: "span",
    statements: [...cutAttributes("span"), ...cutErrorText("span.status.message")],
  },
  {
    context: "spanevent",
    statements: [...cutAttributes("spanevent"), keepEventAttributes("spanevent", isGenAiEvent)],
  },
];

const logStatements: readonly StatementGroup[] = [
  resource,
  scope,
  {
    context: "log",
    statements: [
      `set(log.body, "") where ${isGenAiLog}`,
      keepEventAttributes("log", isGenAiLog),
      ...cutAttributes("log"),
    ],
  },
];

const metricStatements: readonly StatementGroup[] = [resource, scope, dropAttributes("datapoint")];

const host = `\${env:FORESHOCK_COLLECTOR_HOST:-127.0.0.1}`;
const prefix = `\${env:FORESHOCK_TOPIC_PREFIX:-}`;

const configuration = {
  extensions: {
    health_check: { endpoint: `${host}:\${env:FORESHOCK_COLLECTOR_HEALTH_PORT:-13133}` },
    file_storage: {
      directory: `\${env:FORESHOCK_COLLECTOR_QUEUE:-/var/lib/otelcol/queue}`,
      create_directory: true,
      // What was acknowledged is on disk.
      fsync: true,
    },
  },
  receivers: {
    otlp: {
      protocols: {
        grpc: {
          endpoint: `${host}:\${env:FORESHOCK_COLLECTOR_GRPC_PORT:-4317}`,
          max_recv_msg_size_mib: 16,
        },
        http: { endpoint: `${host}:\${env:FORESHOCK_COLLECTOR_HTTP_PORT:-4318}` },
      },
    },
  },
  processors: {
    memory_limiter: { check_interval: "1s", limit_percentage: 75, spike_limit_percentage: 20 },
    "transform/content": {
      // A statement that fails, as on JSON that is none, leaves the deletions around it in force.
      error_mode: "ignore",
      trace_statements: traceStatements,
      metric_statements: metricStatements,
      log_statements: logStatements,
    },
  },
  exporters: {
    kafka: {
      brokers: [`\${env:FORESHOCK_KAFKA_BROKER:-127.0.0.1:9092}`],
      client_id: "foreshock-collector",
      traces: { topic: `${prefix}${sourceTopics.traces}`, encoding: "otlp_proto" },
      metrics: { topic: `${prefix}${sourceTopics.metrics}`, encoding: "otlp_proto" },
      logs: { topic: `${prefix}${sourceTopics.logs}`, encoding: "otlp_proto" },
      // Spans of one trace, and points of one series, go to one partition, where they are told apart and counted.
      partition_traces_by_id: true,
      partition_metrics_by_resource_attributes: true,
      partition_logs_by_resource_attributes: true,
      producer: {
        required_acks: "all",
        compression: "zstd",
        max_message_bytes: 4_000_000,
        // `foreshock topics --create` makes them with the settings they need.
        allow_auto_topic_creation: false,
      },
      timeout: "15s",
      retry_on_failure: {
        enabled: true,
        initial_interval: "500ms",
        max_interval: "15s",
        max_elapsed_time: 0,
      },
      // On disk, and senders wait when it is full: no batch processor, which answers before anything is safe.
      sending_queue: {
        enabled: true,
        storage: "file_storage",
        sizer: "bytes",
        queue_size: 1_073_741_824,
        block_on_overflow: true,
        num_consumers: 4,
      },
    },
  },
  service: {
    extensions: ["health_check", "file_storage"],
    pipelines: Object.fromEntries(
      (["traces", "metrics", "logs"] as const).map((signal) => [
        signal,
        {
          receivers: ["otlp"],
          processors: ["memory_limiter", "transform/content"],
          exporters: ["kafka"],
        },
      ]),
    ),
    telemetry: {
      metrics: {
        readers: [
          {
            pull: {
              exporter: {
                prometheus: {
                  host,
                  port: `\${env:FORESHOCK_COLLECTOR_METRICS_PORT:-8888}`,
                },
              },
            },
          },
        ],
      },
    },
  },
};

const introduction = `# A Collector (contrib distribution) in front of Foreshock: OTLP in, content cut, Kafka behind.
# Made by \`npm run generate\` from services/deploy/collector-config.ts and services/contracts/content-patterns.ts: not by hand.
#
# Settings by environment: FORESHOCK_KAFKA_BROKER, FORESHOCK_TOPIC_PREFIX (as log.kafka.topicPrefix), FORESHOCK_COLLECTOR_HOST,
# FORESHOCK_COLLECTOR_{GRPC,HTTP,HEALTH,METRICS}_PORT, FORESHOCK_COLLECTOR_QUEUE (folder of the queue on disk).
`;

export function collectorConfig(): string {
  return introduction + stringify(configuration, { lineWidth: 0, aliasDuplicateObjects: false });
}
