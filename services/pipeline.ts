/**
 * THE MAP: each stage, the topics it reads and writes. Typed so that topics must connect: a topic that is read
 * but written by nobody does not compile.
 *
 *   OTLP ─ ingest ─▶ otlp_* ─ aggregate ─▶ windows ─ detect ─▶ closed, frames ─ incident ─▶ incidents ─ notify ─▶ deliveries, sinks
 *                      └──────────────── archive ─────────────────┴──▶ ClickHouse ◀────────┘        ▲ commands ─ console
 */
import { aggregateStage } from "./aggregate/aggregate.ts";
import { createSpanJudge } from "./aggregate/span-judge.ts";
import { archiveStageWith } from "./archive/archive.ts";
import { consoleStage } from "./console/console.ts";
import type { Config } from "./contracts/config.ts";
import { sourceTopics, type TopicName, topics } from "./contracts/topics.ts";
import { detectStage } from "./detect/detect.ts";
import { incidentStage } from "./incident/incident.ts";
import { ingestStage } from "./ingest/ingest.ts";
import type { TopicSpec } from "./log/log.ts";
import { notifyStage } from "./notify/notify.ts";
import type { Stage, StageName } from "./stage.ts";

export const flow = {
  ingest: { reads: [], writes: [topics.traces, topics.metrics, topics.logs] },
  aggregate: { reads: [topics.traces, topics.metrics, topics.logs], writes: [topics.windows] },
  detect: { reads: [topics.windows], writes: [topics.closed, topics.frames] },
  incident: { reads: [topics.frames], writes: [topics.incidents] },
  notify: {
    reads: [topics.incidents, topics.commands],
    writes: [topics.deliveries],
  },
  archive: {
    reads: [topics.traces, topics.closed, topics.frames, topics.incidents, topics.deliveries],
    writes: [],
  },
  console: {
    reads: [topics.frames, topics.incidents, topics.deliveries, topics.commands],
    writes: [topics.commands],
  },
} as const satisfies Record<
  StageName,
  { reads: readonly TopicName[]; writes: readonly TopicName[] }
>;

type Flow = (typeof flow)[StageName];
type Unconnected = Exclude<Flow["reads"][number], Flow["writes"][number]>;
// Fails to compile, naming the topic, when a stage reads what nobody writes.
true satisfies [Unconnected] extends [never] ? true : Unconnected;

/** In the order of the data. */
export const stages: Readonly<Record<StageName, Stage>> = {
  ingest: ingestStage,
  aggregate: aggregateStage,
  detect: detectStage,
  incident: incidentStage,
  notify: notifyStage,
  // The archive's rows say what a span counts as by the conventions that windows are made with.
  archive: archiveStageWith(createSpanJudge),
  console: consoleStage,
};

export const stageNames = Object.keys(flow) as StageName[];

const hourMs = 3_600_000;

/** Every topic as it is made: partition counts are fixed from then on. */
export function topicSpecs(config: Config): TopicSpec[] {
  const { partitions, retentionHours } = config.log;
  const retentionMs = retentionHours * hourMs;
  const many = (name: string): TopicSpec => ({ name, partitions, cleanup: "delete", retentionMs });
  const one = (name: string, days: number): TopicSpec => ({
    name,
    partitions: 1,
    cleanup: "delete",
    retentionMs: days * 24 * hourMs,
  });
  return [
    ...Object.values(sourceTopics).map(many),
    many(topics.windows),
    many(topics.closed),
    { ...one(topics.frames, 1), retentionMs },
    one(topics.incidents, 90),
    one(topics.deliveries, 90),
    one(topics.commands, 90),
    one(topics.deadletter, 30),
    { name: topics.checkpoints, partitions, cleanup: "compact", retentionMs: hourMs },
    { name: topics.control, partitions: 1, cleanup: "compact", retentionMs: hourMs },
  ];
}
