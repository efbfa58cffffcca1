/**
 * Configuration: one optional YAML file; each key also as an environment variable (`window.lengthMs` is
 * `FORESHOCK_WINDOW_LENGTH_MS`). The schema carries defaults, units, examples and what people need to know.
 */
import * as z from "zod";
import { host, integer, number, port, section } from "./config-fields.ts";
import { severities } from "./incident.ts";
import { judgementSchema } from "./judgement.ts";

export { type Judgement, judgementSchema } from "./judgement.ts";

const sinkBase = {
  minimumSeverity: z
    .enum(severities)
    .default("ticket")
    .meta({ description: "Least severity that is sent: ticket or page." }),
};

export const sinkSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("terminal"),
    name: z.string().default("terminal"),
    ...sinkBase,
  }),
  z.strictObject({
    kind: z.literal("alertmanager"),
    name: z.string().min(1).default("alertmanager"),
    url: z.url().meta({
      description: "Base URL of an Alertmanager (v2 API).",
      examples: ["http://127.0.0.1:9093"],
    }),
    ...sinkBase,
  }),
  z.strictObject({
    kind: z.literal("webhook"),
    name: z.string().min(1).default("webhook"),
    url: z.url().meta({
      description: "Takes a JSON POST per notification.",
      examples: ["http://127.0.0.1:9099/alerts"],
    }),
    headers: z.record(z.string(), z.string()).default({}),
    ...sinkBase,
  }),
]);
export type SinkConfig = z.infer<typeof sinkSchema>;

export const configSchema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .default("data")
    .meta({
      description: "Folder of the embedded log and history.",
      examples: ["/var/lib/foreshock"],
    }),
  logLevel: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .meta({ description: "Least level of log lines on standard error." }),
  ingest: section("OTLP in.", {
    host: host("Address to listen on. Loopback unless told otherwise."),
    grpcPort: port(4317, "OTLP over gRPC. 0 takes a free port."),
    httpPort: port(4318, "OTLP over HTTP. 0 takes a free port."),
    maxBodyBytes: integer(
      16 * 1024 * 1024,
      [1_024, 256 * 1024 * 1024],
      "Largest request body as it comes over the wire, bytes.",
    ),
    maxDecompressedBytes: integer(
      64 * 1024 * 1024,
      [1_024, 1024 * 1024 * 1024],
      "Largest request body after decompression, bytes.",
    ),
    maxAttributeBytes: integer(
      4_096,
      [16, 1024 * 1024],
      "Longer attribute values are cut to this many bytes.",
    ),
    maxAttributesPerSpan: integer(
      128,
      [8, 4_096],
      "Further attributes of a span are dropped and counted.",
    ),
    keepContent: z.boolean().default(false).meta({
      description:
        "Keep prompts, answers and tool data. They are cut by default and then reach no disk.",
    }),
    contentAttributes: z
      .array(z.string())
      .default([])
      .meta({
        description: "Further attribute names that hold content; a trailing * matches any ending.",
        examples: [["my.prompt.*"]],
      }),
  }),
  log: section("The durable log between stages.", {
    engine: z
      .enum(["lmdb", "kafka"])
      .default("lmdb")
      .meta({ description: "lmdb: embedded, on disk. kafka: Apache Kafka." }),
    brokers: z
      .array(z.string())
      .default([])
      .meta({
        description: "Kafka brokers to begin with, host:port each.",
        examples: [["127.0.0.1:9092"]],
      }),
    kafka: section("How Kafka is used. Only with engine kafka.", {
      topicPrefix: z
        .string()
        .regex(/^[a-zA-Z0-9._-]{0,100}$/)
        .default("")
        .meta({
          description:
            "Before every topic and group, for several Foreshocks on one cluster. A Collector that writes the topics needs it too.",
          examples: ["staging."],
        }),
      compression: z
        .enum(["none", "gzip", "zstd"])
        .default("zstd")
        .meta({ description: "How batches are written. Read are none, gzip, lz4 and zstd." }),
      replicationFactor: integer(
        0,
        [0, 10],
        "Copies of each partition of topics made here. 0: three, or as many as there are brokers.",
      ),
      holdFactor: number(
        4,
        [1, 100],
        "Kafka deletes by age, whoever has not read yet, so topics keep so many retentions; Foreshock deletes after one what every stage has read.",
      ),
      sessionTimeoutMs: integer(
        10_000,
        [1_000, 1_800_000],
        "A process that died is missed after so long, and others go on with its partitions, ms. Brokers take 6 s or more unless told otherwise.",
      ),
      sasl: section("Who we are.", {
        mechanism: z
          .enum(["none", "plain", "scram-sha-256", "scram-sha-512"])
          .default("none")
          .meta({ description: "How brokers ask for it." }),
        username: z.string().default(""),
        password: z.string().default(""),
        passwordFile: z
          .string()
          .default("")
          .meta({
            description: "File with the password, instead of `password`.",
            examples: ["/run/secrets/kafka-password"],
          }),
      }),
      tls: section("Encryption.", {
        enabled: z
          .boolean()
          .default(false)
          .meta({ description: "Whether brokers are spoken to over TLS." }),
        caFile: z
          .string()
          .default("")
          .meta({
            description: "PEM file of the authority to trust instead of the system's.",
            examples: ["/etc/foreshock/ca.pem"],
          }),
        certFile: z.string().default("").meta({ description: "PEM file of a client certificate." }),
        keyFile: z.string().default("").meta({ description: "PEM file of its key." }),
      }),
    }),
    partitions: integer(
      2,
      [1, 1_024],
      "Partitions of source and window topics. Fixed when a topic is made.",
    ),
    retentionHours: number(
      24,
      [0.1, 8_760],
      "How long source records are kept once every stage has read them, hours.",
    ),
    maxDiskBytes: integer(
      20 * 1024 ** 3,
      [16 * 1024 * 1024, 1e15],
      "Ingest answers 'unavailable' when the embedded log is larger than this, bytes.",
    ),
  }),
  history: section("ClickHouse.", {
    engine: z.enum(["embedded", "clickhouse", "none"]).default("embedded").meta({
      description: "embedded: chDB in a child process. clickhouse: a server. none: no history.",
    }),
    url: z
      .string()
      .default("")
      .meta({ description: "URL of a ClickHouse server.", examples: ["http://127.0.0.1:8123"] }),
    user: z.string().default("default"),
    password: z.string().default(""),
    passwordFile: z
      .string()
      .default("")
      .meta({
        description: "File with the password, instead of `password`.",
        examples: ["/run/secrets/clickhouse_password"],
      }),
    database: z
      .string()
      .regex(/^[a-z_][a-z0-9_]*$/)
      .default("foreshock"),
    host: host("Address of the embedded history's ClickHouse HTTP interface."),
    httpPort: port(
      8123,
      "ClickHouse's HTTP interface of the embedded history. 0 takes a free port.",
    ),
    spanRetentionDays: integer(30, [1, 3_650], "Days that spans are kept."),
    windowRetentionDays: integer(
      400,
      [1, 3_650],
      "Days that windows, verdicts, incidents and deliveries are kept.",
    ),
    minuteRetentionDays: integer(400, [1, 3_650], "Days that windows of a minute are kept."),
    hourRetentionDays: integer(1_825, [1, 3_650], "Days that windows of an hour are kept."),
    writers: z
      .array(z.strictObject({ user: z.string().min(1), password: z.string().min(8) }))
      .default([])
      .meta({
        description:
          "Users who may create tables and insert over the embedded HTTP interface, such as a Collector.",
      }),
  }),
  console: section("Web page and HTTP API.", {
    host: host("Address to listen on."),
    port: port(8080, "Web page and API. 0 takes a free port."),
    publicUrl: z
      .string()
      .default("")
      .meta({
        description: "How readers of alerts reach the page; for links.",
        examples: ["https://foreshock.example.org"],
      }),
  }),
  metrics: section("Foreshock's own telemetry.", {
    host: host("Address to listen on."),
    port: port(9464, "Prometheus /metrics. 0 takes a free port."),
  }),
  notify: section("Who is told.", {
    sinks: z.array(sinkSchema).default([]).meta({
      description:
        "Where notifications go, beside the web page. The terminal is always one of them when it is a terminal.",
    }),
    renotifyMinutes: number(
      240,
      [1, 10_080],
      "A page that nobody acknowledged is sent again after this many minutes.",
    ),
    maxAttempts: integer(
      1_500,
      [1, 100_000],
      "Tries per notification and sink before it is recorded as failed; a minute apart at most, so 1,500 are a day or more.",
    ),
    attemptTimeoutMs: integer(10_000, [100, 120_000], "Longest wait for a sink's answer, ms."),
    resendSeconds: number(
      60,
      [1, 240],
      "Alertmanager alerts are sent again this often until resolved, seconds.",
    ),
    holdMinutes: number(
      720,
      [1, 10_080],
      "How long an alert stays firing at Alertmanager when nothing is heard of Foreshock any more, minutes. Only Foreshock resolves it earlier.",
    ),
    heartbeat: section(
      "A sign of life for an outside receiver that alerts when it is missed. Given only while windows are judged in time.",
      {
        url: z
          .string()
          .regex(/^(https?:\/\/\S+)?$/, "must be an http or https URL")
          .default("")
          .meta({
            description: "Gets an empty POST each time. Empty: none.",
            examples: ["https://hc-ping.com/…"],
          }),
        watchdog: z.boolean().default(false).meta({
          description:
            "Keep an alert named Watchdog (service: foreshock, severity: none) firing at every Alertmanager sink, to be routed to a receiver that misses it.",
        }),
        intervalSeconds: number(60, [1, 3_600], "Time between signs of life, seconds."),
        staleAfterSeconds: number(
          180,
          [1, 86_400],
          "Signs of life stop when the newest judged window ended longer ago than this, or a sink has taken nothing for as long, seconds.",
        ),
      },
    ),
  }),
  checkpoint: section("How much is redone after a crash.", {
    intervalMs: integer(
      60_000,
      [100, 3_600_000],
      "Time between checkpoints of detect and incident, ms.",
    ),
  }),
  archive: section("How rows reach ClickHouse.", {
    maxRows: integer(50_000, [1, 1_000_000], "Rows per insert at most."),
    maxWaitMs: integer(1_000, [10, 60_000], "Longest wait for a fuller insert, ms."),
    rollUpEveryMs: integer(
      10_000,
      [0, 3_600_000],
      "Least time between two roll-ups of a partition's windows into minutes and hours, ms.",
    ),
  }),
  judgement: judgementSchema,
});

export type Config = z.infer<typeof configSchema>;
