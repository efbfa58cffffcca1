/** The settings that a topic is made with on Kafka, and what each is for. */
import type { TopicSpec } from "./log.ts";

export interface TopicConfigOptions {
  /** Copies of each partition. */
  readonly replicationFactor: number;
  /** Kafka itself deletes what is older than so many retentions. */
  readonly holdFactor: number;
}

const maxMessageBytes = 8 * 1024 * 1024;

export function wantedTopicConfig(
  spec: TopicSpec,
  { replicationFactor, holdFactor }: TopicConfigOptions,
): Readonly<Record<string, string>> {
  const common = {
    "cleanup.policy": spec.cleanup,
    "retention.ms": String(Math.round(spec.retentionMs * holdFactor)),
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": String(maxMessageBytes),
    ...(replicationFactor >= 3 ? { "min.insync.replicas": "2" } : {}),
  };
  // Small segments, soon closed: only closed ones are compacted, and a restart reads all that is left.
  const compacted = {
    "segment.bytes": String(16 * 1024 * 1024),
    "segment.ms": String(10 * 60_000),
    "min.cleanable.dirty.ratio": "0.2",
  };
  return spec.cleanup === "compact" ? { ...common, ...compacted } : common;
}

/** What is wrong with a setting other than wanted, and whether Foreshock works with it. */
export interface SettingRule {
  /** `refused`: Foreshock does not start. `mended`: it sets it at start. `costs`: it works, less well. */
  readonly weight: "refused" | "mended" | "costs";
  readonly why: string;
  /** Whether a number beyond the wanted one is as good. */
  readonly orMore?: true;
  readonly orLess?: true;
}

export const settingRules: Readonly<Record<string, SettingRule>> = {
  partitions: {
    weight: "refused",
    why: "tasks and their state belong to partitions, so their number is fixed when the log begins; set log.partitions to what is there, or use another log.kafka.topicPrefix",
  },
  "replication.factor": {
    weight: "costs",
    orMore: true,
    why: "what was acknowledged is lost with fewer brokers",
  },
  "cleanup.policy": {
    weight: "refused",
    why: "compaction would drop telemetry and windows that have no key; deletion would drop checkpoints and control facts by age",
  },
  "retention.ms": {
    weight: "mended",
    why: "records may go before a stage that was away has read them, or stay longer than configured; every start sets it",
  },
  "message.timestamp.type": {
    weight: "refused",
    why: "arrival time drives windows and replay, and it must be the log's own: with CreateTime it is whatever the sender's clock says",
  },
  "max.message.bytes": {
    weight: "costs",
    orMore: true,
    why: "batches are held below it; a Collector's requests that are larger are dropped there, and below 1 MiB records of Foreshock's own do not fit",
  },
  "min.insync.replicas": {
    weight: "costs",
    orMore: true,
    why: "an acknowledged record may be on one broker only",
  },
  "segment.bytes": {
    weight: "costs",
    orLess: true,
    why: "old checkpoints are compacted late, so a start reads more",
  },
  "segment.ms": {
    weight: "costs",
    orLess: true,
    why: "old checkpoints are compacted late, so a start reads more",
  },
  "min.cleanable.dirty.ratio": {
    weight: "costs",
    orLess: true,
    why: "old checkpoints are compacted late, so a start reads more",
  },
};
