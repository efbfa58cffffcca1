import { ForeshockError } from "../contracts/errors.ts";
import type { TopicSpec } from "./log.ts";
import type { SavedMetadata, SavedTopic } from "./log-metadata.ts";
import { type PartitionState, restorePartition, type TopicState } from "./partition-state.ts";
import { wakeReaders } from "./read-waiters.ts";
import type { RecordStore, StoreWrite } from "./record-store.ts";

/** The topics of an embedded log and the state of their partitions. */
export interface TopicRegistry {
  readonly topics: ReadonlyMap<string, TopicState>;
  /** Takes a topic's spec over, or makes the topic; gives what is to be saved of it. */
  put(spec: TopicSpec): SavedTopic;
  remove(name: string): void;
  /** Throws `topic_unknown`. */
  topic(name: string): TopicState;
  /** Throws `topic_unknown` for a topic or partition that there is not. */
  partition(name: string, partition: number): PartitionState;
  partitions(): IterableIterator<PartitionState>;
  /** A failed write may have reached the store: what is there counts, and its offsets are taken. */
  restoreAfterFailure(batch: StoreWrite): void;
}

export function createTopicRegistry(store: RecordStore, saved: SavedMetadata): TopicRegistry {
  const topics = new Map<string, TopicState>();
  const bySlot = new Map<number, PartitionState>();
  let nextSlot = 0;

  function add({ firstSlot, ...spec }: SavedTopic): void {
    const partitions: PartitionState[] = [];
    const topic: TopicState = { spec, partitions };
    for (let partition = 0; partition < spec.partitions; partition++) {
      const slot = firstSlot + partition;
      const place = { topic, partition, slot };
      const state = restorePartition(place, saved.bounds.get(slot), store.lastRecord(slot));
      partitions.push(state);
      bySlot.set(slot, state);
    }
    nextSlot = Math.max(nextSlot, firstSlot + spec.partitions);
    topics.set(spec.name, topic);
  }

  function topicOf(name: string): TopicState {
    const topic = topics.get(name);
    if (topic !== undefined) return topic;
    throw new ForeshockError("topic_unknown", `topic ${name} was not created`);
  }

  for (const topic of saved.topics) add(topic);

  return {
    topics,
    put({ name, partitions, cleanup, retentionMs }) {
      const spec: TopicSpec = { name, partitions, cleanup, retentionMs };
      const existing = topics.get(name);
      const entry = { ...spec, firstSlot: existing?.partitions[0]?.slot ?? nextSlot };
      if (existing === undefined) add(entry);
      else existing.spec = spec;
      return entry;
    },
    remove: (name) => topics.delete(name),
    topic: topicOf,
    partition(name, partition) {
      const topic = topicOf(name);
      const state = topic.partitions[partition];
      if (state !== undefined) return state;
      throw new ForeshockError(
        "topic_unknown",
        `partition of ${name} must be 0–${topic.spec.partitions - 1}, got ${partition}`,
      );
    },
    partitions: () => bySlot.values(),
    restoreAfterFailure(batch) {
      for (const { slot } of batch.puts) {
        const state = bySlot.get(slot);
        if (state === undefined) continue;
        const last = store.lastRecord(slot);
        if (last !== undefined && last.offset >= state.end) state.end = last.offset + 1;
        state.nextOffset = state.end;
        state.newest = undefined;
        state.tombstones.clear();
        wakeReaders(state);
      }
    },
  };
}
