import { expect, it } from "vitest";
import type { KafkaGroups } from "../../services/log/kafka-groups.ts";
import { type KafkaPositions, latest } from "../../services/log/kafka-positions.ts";
import { createKafkaRetention } from "../../services/log/kafka-retention.ts";
import type { KafkaTopic, KafkaTopics } from "../../services/log/kafka-topics.ts";

const nowMs = 1_000_000;
const retentionMs = 10_000;
const topic: KafkaTopic = {
  spec: { name: "events", partitions: 1, cleanup: "delete", retentionMs },
  name: "events",
  timestampType: "LogAppendTime",
  maxMessageBytes: 1_000_000,
};

/** A partition that takes a new record after every question; its first records were appended so long ago, ms. */
function busyPartition(agesMs: readonly number[]) {
  const times = agesMs.map((age) => nowMs - age);
  const deleted: number[] = [];
  const positions: Partial<KafkaPositions> = {
    async offsets(_topic, _partitions, time) {
      const found = time < 0 ? (time === latest ? times.length : 0) : firstFrom(time);
      times.push(nowMs);
      return new Map([[0, found]]);
    },
    async deleteBefore(_topic, offsets) {
      deleted.push(...offsets.values());
    },
  };
  const firstFrom = (time: number) => times.findIndex((each) => each >= time);
  const groups: Partial<KafkaGroups> = { registeredFor: async () => new Map([[topic, []]]) };
  const topics: Partial<KafkaTopics> = { ensured: () => [topic] };
  const retention = createKafkaRetention({
    positions: positions as KafkaPositions,
    groups: groups as KafkaGroups,
    topics: topics as KafkaTopics,
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    pressureAgeMs: 1_000,
  });
  return { retention, deleted };
}

it("deletes what is older than the retention, and nothing that comes while it looks", async () => {
  const { retention, deleted } = busyPartition([30_000, 20_000, 5_000]);
  await retention.run();
  expect(deleted).toEqual([2]);
});

it("keeps what comes into an empty partition while it looks", async () => {
  const { retention, deleted } = busyPartition([]);
  await retention.run();
  expect(deleted).toEqual([]);
});

it("deletes all of a partition that only has old records", async () => {
  const { retention, deleted } = busyPartition([30_000, 20_000]);
  await retention.run();
  expect(deleted).toEqual([2]);
});
