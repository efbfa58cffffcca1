/**
 * Retention on Kafka. Kafka deletes by age alone, whoever has not read yet; so topics are made to keep a multiple of
 * their retention, and Foreshock itself deletes what is older than the retention and read by every registered group.
 * Ingest is refused when a group is half a retention behind, which leaves it the rest of that multiple to come back.
 */
import type { Clock } from "../runtime/clock.ts";
import type { KafkaGroups } from "./kafka-groups.ts";
import { earliest, type KafkaPositions, latest, partitionsOf } from "./kafka-positions.ts";
import type { KafkaTopic, KafkaTopics } from "./kafka-topics.ts";
import type { Pressure } from "./log.ts";

const retryAfterMs = 1000;
/** An answer may be told for so many times its age while the next one is looked up: nobody's request waits for it then. */
const staleAges = 10;

export interface KafkaRetention {
  /** Deletes what may go, in every topic that was ensured here. */
  run(): Promise<void>;
  pressure(): Promise<Pressure>;
  /** To be called after a commit: what was known of pressure may be over. */
  forget(): void;
}

export function createKafkaRetention(options: {
  readonly topics: KafkaTopics;
  readonly groups: KafkaGroups;
  readonly positions: KafkaPositions;
  readonly clock: Clock;
  /** Pressure is looked up at most so often, ms. */
  readonly pressureAgeMs: number;
}): KafkaRetention {
  const { topics, groups, positions, clock } = options;
  let known: { readonly atMs: number; readonly pressure: Pressure } | undefined;
  let looking: Promise<Pressure> | undefined;

  function deleting(): readonly KafkaTopic[] {
    return topics
      .ensured()
      .filter(({ spec }) => spec.cleanup === "delete" && Number.isFinite(spec.retentionMs));
  }

  /** By partition, up to where each record is older than `ageMs`. */
  async function olderThan(topic: KafkaTopic, ageMs: number): Promise<Map<number, number>> {
    const partitions = partitionsOf(topic);
    const time = Math.floor(clock.nowMs() - ageMs);
    // The end first: asked for later, it would lie behind records that came in between, and these would be taken for old.
    const ends = await positions.offsets(topic, partitions, latest);
    const younger = await positions.offsets(topic, partitions, time);
    return new Map(
      partitions.map((partition) => {
        const offset = younger.get(partition) ?? -1;
        return [partition, offset >= 0 ? offset : (ends.get(partition) ?? 0)];
      }),
    );
  }

  async function trim(topic: KafkaTopic, registered: readonly string[]): Promise<void> {
    const old = await olderThan(topic, topic.spec.retentionMs);
    const starts = await positions.offsets(topic, [...old.keys()], earliest);
    const isDue = [...old].some(([partition, offset]) => offset > (starts.get(partition) ?? 0));
    if (!isDue) return;
    const commits = await Promise.all(registered.map((group) => groups.committed(group, topic)));
    const before = new Map<number, number>();
    for (const [partition, offset] of old) {
      const start = starts.get(partition) ?? 0;
      const read = commits.map((commit) => commit.get(partition)?.offset ?? start);
      const until = Math.min(offset, ...read);
      if (until > start) before.set(partition, until);
    }
    if (before.size > 0) await positions.deleteBefore(topic, before);
  }

  async function lookUp(): Promise<Pressure> {
    const wanted = deleting();
    for (const [topic, registered] of await groups.registeredFor(wanted)) {
      if (registered.length === 0) continue;
      const limitMs = topic.spec.retentionMs / 2;
      const old = await olderThan(topic, limitMs);
      if ([...old.values()].every((offset) => offset === 0)) continue;
      const starts = await positions.offsets(topic, [...old.keys()], earliest);
      for (const group of registered) {
        const commits = await groups.committed(group, topic);
        for (const [partition, offset] of old) {
          const start = starts.get(partition) ?? 0;
          const from = commits.get(partition)?.offset ?? start;
          if (Math.max(from, start) >= offset) continue;
          const reason = `group ${group} has not read ${topic.spec.name}/${partition} for more than ${limitMs} ms, half the retention`;
          return { state: "refusing", reason, retryAfterMs };
        }
      }
    }
    return { state: "open" };
  }

  /** What comes out is remembered; a failure is told to whoever waits for it, and nothing is known any more. */
  async function look(): Promise<Pressure> {
    const atMs = clock.nowMs();
    try {
      const pressure = await lookUp();
      known = { atMs, pressure };
      return pressure;
    } catch (error) {
      known = undefined;
      throw error;
    } finally {
      looking = undefined;
    }
  }

  return {
    async run() {
      for (const [topic, registered] of await groups.registeredFor(deleting()))
        await trim(topic, registered);
    },
    async pressure() {
      const before = known;
      const ageMs = clock.nowMs() - (before?.atMs ?? Number.NEGATIVE_INFINITY);
      if (ageMs > options.pressureAgeMs) looking ??= look();
      if (before === undefined || ageMs > staleAges * options.pressureAgeMs)
        return looking ?? look();
      looking?.catch(() => {});
      return before.pressure;
    },
    forget() {
      // A commit can only relieve.
      if (known?.pressure.state === "refusing") known = undefined;
    },
  };
}
