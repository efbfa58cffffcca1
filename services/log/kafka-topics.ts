/** Topics on Kafka: made, compared with what is wanted, and remembered for the calls that name them. */
import { setTimeout as wait } from "node:timers/promises";
import { ForeshockError } from "../contracts/errors.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { kafkaErrorType } from "./kafka-errors.ts";
import { wantedTopicConfig } from "./kafka-topic-config.ts";
import type { TopicSpec } from "./log.ts";
import { checkTopicSpec, topicDifferences } from "./topic-catalog.ts";

export interface KafkaTopic {
  readonly spec: TopicSpec;
  /** Its name on the cluster, with the prefix. */
  readonly name: string;
  readonly timestampType: string;
  /** Largest batch that the brokers take, bytes. */
  readonly maxMessageBytes: number;
}

export interface KafkaTopics {
  ensure(specs: readonly TopicSpec[]): Promise<void>;
  /** All topics that begin with the prefix, those that were ensured here first. */
  list(): Promise<readonly TopicSpec[]>;
  /** Throws `topic_unknown` for what does not exist. */
  find(topic: string, partition?: number): Promise<KafkaTopic>;
  /** The same at once, for what was asked for before. */
  known(topic: string, partition: number): KafkaTopic | undefined;
  /** Topics that were ensured here. */
  ensured(): readonly KafkaTopic[];
}

export interface KafkaTopicOptions {
  readonly prefix: string;
  /** Copies of each partition; 0: three, or as many as there are brokers. */
  readonly replicationFactor: number;
  /** Kafka itself deletes what is older than so many retentions. */
  readonly holdFactor: number;
}

const readConfigs = [
  "cleanup.policy",
  "retention.ms",
  "message.timestamp.type",
  "max.message.bytes",
] as const;
const lateTypes = new Set(["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE"]);
const describeTries = 50;
const describeWaitMs = 100;
const dynamicTopicConfig = 1;
const topicsResource = 2;

export function createKafkaTopics(client: KafkaClient, options: KafkaTopicOptions): KafkaTopics {
  const { prefix, holdFactor } = options;
  const { admin } = client;
  const known = new Map<string, KafkaTopic>();
  const order: string[] = [];

  async function describe(wanted?: readonly string[]): Promise<void> {
    const existing = (await admin.listTopics()).filter(
      (name) =>
        name.startsWith(prefix) &&
        !name.startsWith("__") &&
        (wanted === undefined || wanted.includes(name.slice(prefix.length))),
    );
    if (existing.length === 0) return;
    const [{ topics: metadata }, { resources }] = await Promise.all([
      admin.fetchTopicMetadata({ topics: existing }),
      admin.describeConfigs({
        includeSynonyms: false,
        resources: existing.map((name) => ({
          type: topicsResource,
          name,
          configNames: [...readConfigs],
        })),
      }),
    ]);
    for (const { name: full, partitions } of metadata) {
      const entries = resources.find((each) => each.resourceName === full)?.configEntries ?? [];
      const config = (name: (typeof readConfigs)[number]) =>
        entries.find((entry) => entry.configName === name)?.configValue ?? "";
      const name = full.slice(prefix.length);
      const cleanup = config("cleanup.policy").includes("compact") ? "compact" : "delete";
      const keptMs = Number(config("retention.ms"));
      const retentionMs = keptMs < 0 ? Number.POSITIVE_INFINITY : keptMs / holdFactor;
      known.set(name, {
        name: full,
        spec: { name, partitions: partitions.length, cleanup, retentionMs },
        timestampType: config("message.timestamp.type"),
        maxMessageBytes: Number(config("max.message.bytes")),
      });
    }
  }

  /** A broker that is busy hears late of topics that were just made, and until then it knows no such topic. */
  async function describeMade(names: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await describe(names);
        if (names.every((name) => known.has(name)) || attempt >= describeTries) return;
      } catch (error) {
        const isLate = lateTypes.has(kafkaErrorType(error) ?? "");
        if (!isLate || attempt >= describeTries) throw error;
      }
      await wait(describeWaitMs);
    }
  }

  async function ensure(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) checkTopicSpec(spec);
    await describe(specs.map((spec) => spec.name));
    refuseDifferences(specs);
    const missing = specs.filter((spec) => !known.has(spec.name));
    if (missing.length > 0) {
      await create(missing);
      await describeMade(missing.map((spec) => spec.name));
      // Another process may have been quicker, and may have wanted something else.
      refuseDifferences(missing);
    }
    for (const spec of specs) {
      const topic = known.get(spec.name);
      if (topic === undefined) continue;
      if (topic.spec.retentionMs !== spec.retentionMs) await setRetention(topic, spec);
      if (!order.includes(spec.name)) order.push(spec.name);
    }
  }

  function refuseDifferences(specs: readonly TopicSpec[]): void {
    const differences = [...topicDifferences(specs, (name) => known.get(name)?.spec)];
    for (const { name } of specs) {
      const type = known.get(name)?.timestampType ?? "LogAppendTime";
      if (type !== "LogAppendTime")
        differences.push(`message.timestamp.type of ${name} is ${type}, wanted LogAppendTime`);
    }
    if (differences.length > 0)
      throw new ForeshockError(
        "topic_mismatch",
        `existing topics differ: ${differences.join("; ")}`,
      );
  }

  async function create(specs: readonly TopicSpec[]): Promise<void> {
    const { brokers } = await admin.describeCluster();
    const replicationFactor = options.replicationFactor || Math.min(3, brokers.length);
    try {
      await admin.createTopics({
        // kafkajs waits, but not for a broker that does not know the topic yet.
        waitForLeaders: false,
        topics: specs.map((spec) => ({
          topic: prefix + spec.name,
          numPartitions: spec.partitions,
          replicationFactor,
          configEntries: Object.entries(
            wantedTopicConfig(spec, { replicationFactor, holdFactor }),
          ).map(([name, value]) => ({ name, value })),
        })),
      });
    } catch (error) {
      const errors = (error as { errors?: readonly unknown[] }).errors ?? [error];
      const other = errors.find((each) => kafkaErrorType(each) !== "TOPIC_ALREADY_EXISTS");
      if (other !== undefined) throw other;
    }
  }

  /** Kafka's older request, which kafkajs has, replaces all settings of a topic: the others are sent again. */
  async function setRetention(topic: KafkaTopic, spec: TopicSpec): Promise<void> {
    const resource = { type: topicsResource, name: topic.name };
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [resource],
    });
    const kept = (resources[0]?.configEntries ?? [])
      .filter((entry) => entry.configSource === dynamicTopicConfig)
      .filter((entry) => entry.configName !== "retention.ms")
      .map((entry) => ({ name: entry.configName, value: entry.configValue }));
    const retention = {
      name: "retention.ms",
      value: String(Math.round(spec.retentionMs * holdFactor)),
    };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [...kept, retention] }],
    });
    known.set(spec.name, { ...topic, spec });
  }

  return {
    ensure,
    async list() {
      await describe();
      const ensured = order.flatMap((name) => known.get(name) ?? []);
      const others = [...known.values()].filter((topic) => !order.includes(topic.spec.name));
      others.sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
      return [...ensured, ...others].map((topic) => topic.spec);
    },
    async find(name, partition = 0) {
      if (!known.has(name)) await describe([name]);
      const topic = known.get(name);
      if (topic === undefined)
        throw new ForeshockError("topic_unknown", `topic ${name} was not created`);
      if (!(partition >= 0 && partition < topic.spec.partitions))
        throw new ForeshockError(
          "topic_unknown",
          `topic ${name} has partitions 0–${topic.spec.partitions - 1}, got ${partition}`,
        );
      return topic;
    },
    known(name, partition) {
      const topic = known.get(name);
      return partition >= 0 && partition < (topic?.spec.partitions ?? 0) ? topic : undefined;
    },
    ensured: () => order.flatMap((name) => known.get(name) ?? []),
  };
}
