import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Compression } from "./kafka-batch.ts";
import { type KafkaConnection, openKafkaClient } from "./kafka-client.ts";
import { closedError, withLogErrors } from "./kafka-errors.ts";
import { createKafkaGroups } from "./kafka-groups.ts";
import { createKafkaPositions, earliest, latest, partitionsOf } from "./kafka-positions.ts";
import { createKafkaProducer } from "./kafka-producer.ts";
import { createKafkaReader } from "./kafka-reader.ts";
import { createKafkaRetention } from "./kafka-retention.ts";
import { createKafkaTopics, type KafkaTopic } from "./kafka-topics.ts";
import type { AppendRecord, CommitOffset, Log, LogRecord } from "./log.ts";
import { checkName } from "./topic-catalog.ts";

export interface KafkaLogOptions extends KafkaConnection {
  readonly clock: Clock;
  /** Before every topic and group, for several Foreshocks on one cluster. Default none. */
  readonly prefix?: string;
  /** Default zstd. */
  readonly compression?: Compression;
  /** Copies of each partition of topics made here; 0, the default: three, or as many as there are brokers. */
  readonly replicationFactor?: number;
  /** Kafka itself deletes what is older than so many retentions. Default 4. */
  readonly holdFactor?: number;
  /** A member that is silent for so long loses its partitions, ms. Default 10000. */
  readonly sessionTimeoutMs?: number;
  /** Default 1000. */
  readonly heartbeatIntervalMs?: number;
  /** An append fails when it was not acknowledged after so long, ms. Default 15000. */
  readonly deliveryTimeoutMs?: number;
  /** Retention runs so often, ms. Default 60000. */
  readonly maintenanceIntervalMs?: number;
  /** Pressure is looked up at most so often, ms. Default 1000. */
  readonly pressureAgeMs?: number;
}

const renewIntervalMs = 3_600_000;

/**
 * The log on Apache Kafka (2.3 or later), durable when all in-sync replicas have it. Throws `unavailable` (retryable)
 * when no broker answers and `config_invalid` when access is refused.
 *
 * What differs from the embedded log: append times are the brokers' (`LogAppendTime`) and fall when a leader's clock
 * does; records that a registered group has not read are kept for `holdFactor` retentions, then Kafka deletes them; a
 * group is registered until it was away for Kafka's `offsets.retention.minutes`; a commit for a partition that
 * went to another member throws `unavailable`. Retention is kept up by the processes that called `ensureTopics`.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const { clock, prefix = "" } = options;
  const client = await withLogErrors("connecting", () => openKafkaClient(options));
  const topics = createKafkaTopics(client, {
    prefix,
    replicationFactor: options.replicationFactor ?? 0,
    holdFactor: options.holdFactor ?? 4,
  });
  const positions = createKafkaPositions(client);
  const groups = createKafkaGroups({
    client,
    positions,
    prefix,
    times: {
      sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 1_000,
    },
  });
  const reader = createKafkaReader(client, clock);
  const producer = createKafkaProducer(client, {
    clock,
    compression: options.compression ?? "zstd",
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 15_000,
  });
  const retention = createKafkaRetention({
    topics,
    groups,
    positions,
    clock,
    pressureAgeMs: options.pressureAgeMs ?? 1_000,
  });
  const closing = new AbortController();
  const appends = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  function ensureOpen(): void {
    if (closed !== undefined) throw closedError();
  }

  /** A call to Kafka while the log is open: its errors are ours, and those of closing say so. */
  async function call<T>(what: string, work: () => Promise<T>): Promise<T> {
    ensureOpen();
    try {
      return await withLogErrors(what, work);
    } catch (error) {
      if (closing.signal.aborted && !(error instanceof ForeshockError)) throw closedError();
      throw error;
    }
  }

  const find = (topic: string, partition?: number) =>
    withLogErrors(`topic ${topic}`, () => topics.find(topic, partition));

  async function append(records: readonly AppendRecord[], signal?: AbortSignal) {
    signal?.throwIfAborted();
    const found: KafkaTopic[] = [];
    for (const { topic, partition, key } of records) {
      const at = topics.known(topic, partition) ?? (await find(topic, partition));
      if (at.spec.cleanup === "compact" && key === undefined)
        throw new ForeshockError(
          "record_invalid",
          `records of compacted topic ${topic} need a key`,
        );
      found.push(at);
    }
    signal?.throwIfAborted();
    return producer.append(records, found, signal);
  }

  /** Closing waits for it. */
  function appendWhileOpen(records: readonly AppendRecord[], signal?: AbortSignal) {
    if (closed !== undefined) return Promise.reject(closedError());
    const appending = append(records, signal);
    appends.add(appending);
    const settle = () => appends.delete(appending);
    appending.then(settle, settle);
    return appending;
  }

  async function offsetsOf(name: string, partition: number) {
    const topic = await find(name, partition);
    const [starts, ends] = await Promise.all([
      positions.offsets(topic, [partition], earliest),
      positions.offsets(topic, [partition], latest),
    ]);
    return { start: starts.get(partition) ?? 0, end: ends.get(partition) ?? 0 };
  }

  async function latestByKey(name: string, partition: number): Promise<readonly LogRecord[]> {
    const topic = await find(name, partition);
    const newest = new Map<string, LogRecord>();
    const range = { partition, ...(await offsetsOf(name, partition)) };
    for await (const record of reader.scan(topic, range)) {
      if (record.key === undefined) continue;
      // Out and in again, so that the map's order is that of the newest offsets.
      newest.delete(record.key);
      // A copy: the rest of the fetch that it came in would stay with it.
      if (record.value.length > 0)
        newest.set(record.key, { ...record, value: Buffer.from(record.value) });
    }
    return [...newest.values()];
  }

  async function commit(group: string, offsets: readonly CommitOffset[]): Promise<void> {
    checkName("group", group);
    const placed = await Promise.all(
      offsets.map(async (offset) => ({
        ...offset,
        at: await find(offset.topic, offset.partition),
      })),
    );
    await groups.commit(group, placed);
    retention.forget();
  }

  async function lag(group: string, names: readonly string[]) {
    const all = await Promise.all(
      names.map(async (name) => {
        const topic = await find(name);
        const [starts, ends, committed] = await Promise.all([
          positions.offsets(topic, partitionsOf(topic), earliest),
          positions.offsets(topic, partitionsOf(topic), latest),
          groups.committed(group, topic),
        ]);
        return partitionsOf(topic).map((partition) => {
          const start = starts.get(partition) ?? 0;
          const from = Math.max(start, committed.get(partition)?.offset ?? start);
          const lagRecords = Math.max(0, (ends.get(partition) ?? 0) - from);
          return { topic: name, partition, lagRecords };
        });
      }),
    );
    return all.flat();
  }

  async function maintain(): Promise<void> {
    const everyMs = options.maintenanceIntervalMs ?? 60_000;
    let renewedMs = clock.nowMs();
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(everyMs, closing.signal);
        await retention.run();
        if (clock.nowMs() - renewedMs < renewIntervalMs) continue;
        await groups.renew();
        renewedMs = clock.nowMs();
      } catch {
        // Tried again next time; until then the log keeps more, and a broker that is away shows elsewhere.
      }
    }
  }

  async function close(): Promise<void> {
    closing.abort(closedError());
    await groups.idle();
    await Promise.allSettled(appends);
    await Promise.all([producer.idle(), reader.close(), maintenance]);
    await client.close();
  }

  const maintenance = maintain();

  return {
    ensureTopics: (specs) => call("ensuring topics", () => topics.ensure(specs)),
    topics: () => call("listing topics", () => topics.list()),
    append: appendWhileOpen,
    read: (request, signal) =>
      call("reading", async () => {
        signal?.throwIfAborted();
        const topic = await find(request.topic, request.partition);
        return reader.read(topic, request, signal);
      }),
    offsets: (topic, partition) => call("offsets", () => offsetsOf(topic, partition)),
    latestByKey: (topic, partition) => call("reading", () => latestByKey(topic, partition)),
    join: (group, names, handler, signal) =>
      call(`joining group ${group}`, async () => {
        checkName("group", group);
        const joined = await Promise.all(names.map((name) => find(name)));
        if (signal.aborted) return;
        await groups.join(group, joined, handler, AbortSignal.any([signal, closing.signal]));
      }),
    committed: (group, name, partition) =>
      call("committed offsets", async () => {
        const topic = await find(name, partition);
        return (await groups.committed(group, topic)).get(partition);
      }),
    commit: (group, offsets) => call("committing", () => commit(group, offsets)),
    lag: (group, names) => call("lag", () => lag(group, names)),
    pressure: () => call("pressure", () => retention.pressure()),
    [Symbol.asyncDispose]: () => {
      closed ??= close();
      return closed;
    },
  };
}
