/** Where partitions and groups stand: requests that are short, on shared connections, sent again when leaders move. */
import { setTimeout as wait } from "node:timers/promises";
import type { KafkaClient } from "./kafka-client.ts";
import { asLogError, kafkaErrorType } from "./kafka-errors.ts";
import type { KafkaBroker, PartitionPosition } from "./kafka-protocol.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { Committed } from "./log.ts";

/** Special timestamps of ListOffsets. */
export const earliest = -2;
export const latest = -1;

const tries = 5;
const readUncommitted = 0;

export interface KafkaPositions {
  /**
   * By partition: the first offset whose record was appended at `time` (Unix ms) or later, −1 when there is none; or
   * the first kept (`earliest`) or next to be written (`latest`).
   */
  offsets(
    topic: KafkaTopic,
    partitions: readonly number[],
    time: number,
  ): Promise<ReadonlyMap<number, number>>;
  /** By partition, what a group committed for a topic. */
  committed(group: string, topic: KafkaTopic): Promise<ReadonlyMap<number, Committed>>;
  /** Removes the records before the given offsets. */
  deleteBefore(topic: KafkaTopic, offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Calls a group's coordinator; `call` is repeated when the coordinator has moved. */
  withCoordinator<T>(group: string, call: (broker: KafkaBroker) => Promise<T>): Promise<T>;
}

export function createKafkaPositions(client: KafkaClient): KafkaPositions {
  const coordinators = new Map<string, number>();

  async function again<T>(what: string, call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (attempt >= tries || isFinal(error)) throw asLogError(what, error);
        await wait(50 * 2 ** attempt);
        await client.refresh().catch(() => {});
      }
    }
  }

  /** Calls each leader with its share of the partitions. */
  async function atLeaders<T>(
    topic: KafkaTopic,
    partitions: readonly number[],
    call: (broker: KafkaBroker, led: readonly number[]) => Promise<T>,
  ): Promise<T[]> {
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = await client.leaderOf(topic.name, partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    return Promise.all(
      [...byLeader].map(async ([nodeId, led]) => call(await client.broker(nodeId), led)),
    );
  }

  async function withCoordinator<T>(
    group: string,
    call: (broker: KafkaBroker) => Promise<T>,
  ): Promise<T> {
    return again(`group ${group}`, async () => {
      try {
        const nodeId = coordinators.get(group) ?? (await client.coordinatorOf(group));
        coordinators.set(group, nodeId);
        return await call(await client.broker(nodeId));
      } catch (error) {
        coordinators.delete(group);
        throw error;
      }
    });
  }

  return {
    withCoordinator,
    offsets: (topic, partitions, time) =>
      again(`offsets of ${topic.name}`, async () => {
        const answers = await atLeaders(topic, partitions, (broker, led) =>
          broker.listOffsets({
            isolationLevel: readUncommitted,
            topics: [
              {
                topic: topic.name,
                partitions: led.map((partition) => ({ partition, timestamp: time })),
              },
            ],
          }),
        );
        return byPartition(
          answers.flatMap((answer) => answer.responses),
          (each) => Number(each.offset),
        );
      }),
    async committed(group, topic) {
      const partitions = partitionsOf(topic).map((partition) => ({ partition }));
      const { responses } = await withCoordinator(group, (broker) =>
        broker.offsetFetch({ groupId: group, topics: [{ topic: topic.name, partitions }] }),
      );
      const all = byPartition(responses, ({ offset, metadata }) => ({
        offset: Number(offset),
        metadata: metadata ?? "",
      }));
      return new Map([...all].filter(([, { offset }]) => offset >= 0));
    },
    deleteBefore: (topic, offsets) =>
      again(`deleting old records of ${topic.name}`, async () => {
        await atLeaders(topic, [...offsets.keys()], (broker, led) =>
          broker.deleteRecords({
            topics: [
              {
                topic: topic.name,
                partitions: led.map((partition) => ({
                  partition,
                  offset: String(offsets.get(partition)),
                })),
              },
            ],
          }),
        );
      }),
  };
}

export function partitionsOf(topic: KafkaTopic): number[] {
  return Array.from({ length: topic.spec.partitions }, (_, partition) => partition);
}

function byPartition<T>(
  topics: readonly { readonly partitions: readonly PartitionPosition[] }[],
  read: (position: PartitionPosition) => T,
): Map<number, T> {
  return new Map(
    topics.flatMap(({ partitions }) =>
      partitions.map((each) => [each.partition, read(each)] as const),
    ),
  );
}

/** Membership errors have their own cure, and refusals none. */
const finalTypes =
  /^(REBALANCE_IN_PROGRESS|ILLEGAL_GENERATION|UNKNOWN_MEMBER_ID|.*AUTHORIZATION_FAILED|OFFSET_OUT_OF_RANGE|OFFSET_METADATA_TOO_LARGE)$/;

function isFinal(error: unknown): boolean {
  return finalTypes.test(kafkaErrorType(error) ?? "");
}
