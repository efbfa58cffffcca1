/**
 * Groups on Kafka: joined, committed for, and registered. A group registers by a commit under a group of its own
 * (`<group>.registered`), because Kafka forgets who joined once: retention and back-pressure look there.
 */
import { setTimeout as wait } from "node:timers/promises";
import { ForeshockError } from "../contracts/errors.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { kafkaErrorType, withLogErrors } from "./kafka-errors.ts";
import { joinKafkaGroup, type KafkaMembership, type MembershipTimes } from "./kafka-membership.ts";
import type { KafkaPositions } from "./kafka-positions.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { AssignmentHandler, CommitOffset, Committed } from "./log.ts";

const registeredSuffix = ".registered";
const commitTries = 100;
const commitWaitMs = 100;
/** Members come and go meanwhile: the next standing is waited for. */
const passing = new Set(["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"]);

export interface KafkaGroups {
  join(
    group: string,
    topics: readonly KafkaTopic[],
    handler: AssignmentHandler,
    signal: AbortSignal,
  ): Promise<void>;
  commit(
    group: string,
    offsets: readonly (CommitOffset & { readonly at: KafkaTopic })[],
  ): Promise<void>;
  committed(group: string, topic: KafkaTopic): Promise<ReadonlyMap<number, Committed>>;
  /** Groups that joined for a topic within Kafka's `offsets.retention.minutes`. */
  registeredFor(topics: readonly KafkaTopic[]): Promise<ReadonlyMap<KafkaTopic, readonly string[]>>;
  /** Keeps the registration of the groups that are joined here. */
  renew(): Promise<void>;
  /** Resolves when no membership is left; they end by their signals. */
  idle(): Promise<void>;
}

export function createKafkaGroups(options: {
  readonly client: KafkaClient;
  readonly positions: KafkaPositions;
  readonly prefix: string;
  readonly times: MembershipTimes;
}): KafkaGroups {
  const { client, positions, prefix, times } = options;
  const memberships = new Map<string, KafkaMembership>();
  const joined = new Map<string, readonly KafkaTopic[]>();

  async function register(group: string, topics: readonly KafkaTopic[]): Promise<void> {
    const groupId = prefix + group + registeredSuffix;
    const partitions = [{ partition: 0, offset: "0", metadata: "registered" }];
    await positions.withCoordinator(groupId, (broker) =>
      broker.offsetCommit({
        groupId,
        groupGenerationId: -1,
        memberId: "",
        topics: topics.map((topic) => ({ topic: topic.name, partitions })),
      }),
    );
  }

  async function commitOnce(
    group: string,
    offsets: readonly (CommitOffset & { readonly at: KafkaTopic })[],
  ): Promise<void> {
    const standing = await memberships.get(group)?.standing();
    if (standing !== undefined) refuseLost(group, offsets);
    const groupId = prefix + group;
    const byTopic = new Map<string, { partition: number; offset: string; metadata: string }[]>();
    for (const { at, partition, offset, metadata } of offsets) {
      const entry = { partition, offset: String(offset), metadata };
      byTopic.set(at.name, [...(byTopic.get(at.name) ?? []), entry]);
    }
    await positions.withCoordinator(groupId, (broker) =>
      broker.offsetCommit({
        groupId,
        groupGenerationId: standing?.generationId ?? -1,
        memberId: standing?.memberId ?? "",
        topics: [...byTopic].map(([topic, partitions]) => ({ topic, partitions })),
      }),
    );
  }

  /** A partition that has gone to another member is the other's to commit: its intents must not be overwritten. */
  function refuseLost(group: string, offsets: readonly CommitOffset[]): void {
    const lost = offsets.find(
      ({ topic, partition }) => memberships.get(group)?.owns(topic, partition) === false,
    );
    if (lost !== undefined)
      throw new ForeshockError(
        "unavailable",
        `${lost.topic}/${lost.partition} is read by another member of group ${group} now; its commit was not written`,
      );
  }

  return {
    async join(group, topics, handler, signal) {
      if (memberships.has(group))
        throw new ForeshockError("usage", `this process is a member of group ${group} already`);
      await register(group, topics);
      if (signal.aborted) return;
      const membership = joinKafkaGroup({
        client,
        group: prefix + group,
        topics,
        handler,
        times,
        signal,
      });
      memberships.set(group, membership);
      joined.set(group, topics);
      try {
        await membership.ended;
      } finally {
        memberships.delete(group);
        joined.delete(group);
      }
    },
    async commit(group, offsets) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await withLogErrors(`committing for group ${group}`, () =>
            commitOnce(group, offsets),
          );
        } catch (error) {
          if (attempt >= commitTries || !passing.has(kafkaErrorType(error) ?? "")) throw error;
          await wait(commitWaitMs);
        }
      }
    },
    committed: (group, topic) => positions.committed(prefix + group, topic),
    async registeredFor(topics) {
      const { groups } = await withLogErrors("listing groups", () => client.admin.listGroups());
      const names = groups
        .map(({ groupId }) => groupId)
        .filter((id) => id.startsWith(prefix) && id.endsWith(registeredSuffix));
      const byTopic = new Map<KafkaTopic, string[]>(topics.map((topic) => [topic, []]));
      await Promise.all(
        names.map(async (id) => {
          const group = id.slice(prefix.length, -registeredSuffix.length);
          const { responses } = await positions.withCoordinator(id, (broker) =>
            broker.offsetFetch({
              groupId: id,
              topics: topics.map(({ name }) => ({ topic: name, partitions: [{ partition: 0 }] })),
            }),
          );
          for (const { topic: name, partitions } of responses) {
            const topic = topics.find((each) => each.name === name);
            if (topic !== undefined && Number(partitions[0]?.offset) >= 0)
              byTopic.get(topic)?.push(group);
          }
        }),
      );
      return byTopic;
    },
    async renew() {
      await Promise.all([...joined].map(([group, topics]) => register(group, topics)));
    },
    async idle() {
      await Promise.allSettled([...memberships.values()].map((membership) => membership.ended));
    },
  };
}
