import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type AppendTime, createAppender } from "./appender.ts";
import { createGroups } from "./groups.ts";
import { runJoin } from "./join.ts";
import type {
  AppendRecord,
  CommitOffset,
  Committed,
  Log,
  LogRecord,
  PartitionLag,
  ReadRequest,
  TopicSpec,
} from "./log.ts";
import { metadataFormat, metadataKey, readMetadata, type SavedTopic } from "./log-metadata.ts";
import { type PartitionState, restorePartition, type TopicState } from "./partition-state.ts";
import { createPressureGauge } from "./pressure.ts";
import { waitForRecords, wakeReaders } from "./read-waiters.ts";
import type { RecordStore, StoreWrite } from "./record-store.ts";
import { createRetention } from "./retention.ts";
import { checkName, checkTopicSpec, topicDifferences } from "./topic-catalog.ts";
import { createWriteQueue } from "./write-queue.ts";

/** A log of one process: besides the port, what an operator and tests need of it. */
export interface EmbeddedLog extends Log {
  /** Removes what retention lets go at that time (Unix ms). The log does so by itself, periodically. */
  retain(nowMs: number): Promise<void>;
  /** Removes a group with its commits, so that it holds back retention no longer. */
  forgetGroup(group: string): Promise<void>;
}

export interface EmbeddedLogOptions {
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly appendTime: AppendTime;
  /** Now, Unix ms, as retention and back-pressure count it. */
  readonly retentionNow: () => number;
  readonly limits: EmbeddedLogLimits;
  /** Called once, when nothing is under way any more. */
  readonly onClosed?: () => void;
}

export interface EmbeddedLogLimits {
  /** Records may take so many bytes; `append` throws `log_full` beyond it. */
  readonly maxBytes: number;
  /** A transaction takes so many bytes of waiting appends; one append may be larger. */
  readonly maxBatchBytes: number;
  /** Retention runs so often. */
  readonly maintenanceIntervalMs: number;
  /** Closing waits so long for writes under way. */
  readonly closeTimeoutMs: number;
}

const defaultReadBytes = 1024 * 1024;

/** The log port over a record store: everything but where the bytes lie. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { store, clock, limits } = options;
  const saved = readMetadata(store.metadata());
  const topics = new Map<string, TopicState>();
  const groups = createGroups();
  const bySlot: PartitionState[] = [];
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  for (const topic of saved.topics) addTopic(topic);
  for (const { group, topic } of saved.members) groups.register(group, topic);
  for (const { committed, ...position } of saved.commits) groups.commit(position, committed);

  const queue = createWriteQueue({
    maxBatchBytes: limits.maxBatchBytes,
    write: (batch) => store.write(batch),
    onFailed: restoreAfterFailure,
  });
  const gauge = createPressureGauge({ store, groups, topics, maxBytes: limits.maxBytes });
  const appender = createAppender({ queue, store, appendTime: options.appendTime });
  const retention = createRetention({ store, groups, topics, write: saveMetadata });

  function addTopic({ firstSlot, ...spec }: SavedTopic): void {
    const partitions: PartitionState[] = [];
    const topic: TopicState = { spec, partitions };
    for (let partition = 0; partition < spec.partitions; partition++) {
      const slot = firstSlot + partition;
      const place = { topic, partition, slot };
      const state = restorePartition(place, saved.bounds.get(slot), store.lastRecord(slot));
      partitions.push(state);
      bySlot[slot] = state;
    }
    topics.set(spec.name, topic);
  }

  /** A failed write may have reached the store: what is there counts, and its offsets are taken. */
  function restoreAfterFailure(batch: StoreWrite): void {
    for (const { slot } of batch.puts) {
      const state = bySlot[slot];
      if (state === undefined) continue;
      const last = store.lastRecord(slot);
      if (last !== undefined && last.offset >= state.end) state.end = last.offset + 1;
      state.nextOffset = state.end;
      state.newest = undefined;
      state.tombstones.clear();
      wakeReaders(state);
    }
  }

  function ensureOpen(): void {
    if (closed !== undefined) throw closedError();
  }

  function topicOf(name: string): TopicState {
    const topic = topics.get(name);
    if (topic !== undefined) return topic;
    throw new ForeshockError("topic_unknown", `topic ${name} was not created`);
  }

  function partitionOf(name: string, partition: number): PartitionState {
    const topic = topicOf(name);
    const state = topic.partitions[partition];
    if (state !== undefined) return state;
    throw new ForeshockError(
      "topic_unknown",
      `partition of ${name} must be 0–${topic.spec.partitions - 1}, got ${partition}`,
    );
  }

  /** Writes metadata through the queue; `apply` runs once it is durable. */
  function saveMetadata(stage: (batch: StoreWrite) => void, apply = () => {}): Promise<void> {
    return new Promise((resolve, reject) => {
      queue.push({
        bytes: 256,
        stage,
        done() {
          apply();
          resolve();
        },
        fail: reject,
      });
    });
  }

  async function ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    ensureOpen();
    for (const spec of specs) checkTopicSpec(spec);
    const differences = topicDifferences(specs, (name) => topics.get(name)?.spec);
    if (differences.length > 0) {
      throw new ForeshockError(
        "topic_mismatch",
        `existing topics differ: ${differences.join("; ")}`,
      );
    }
    const writes: [string, string][] = [];
    const added: string[] = [];
    for (const spec of specs) {
      const existing = topics.get(spec.name);
      if (existing?.spec.retentionMs === spec.retentionMs) continue;
      const firstSlot = existing?.partitions[0]?.slot ?? bySlot.length;
      const { name, partitions, cleanup, retentionMs } = spec;
      const entry: SavedTopic = { name, partitions, cleanup, retentionMs, firstSlot };
      if (existing === undefined) {
        addTopic(entry);
        added.push(name);
      } else existing.spec = { name, partitions, cleanup, retentionMs };
      writes.push([metadataKey.topic(name), JSON.stringify(entry)]);
    }
    try {
      await saveMetadata((batch) => batch.metadata.push(...writes));
    } catch (error) {
      for (const name of added) topics.delete(name);
      throw error;
    }
  }

  async function append(records: readonly AppendRecord[], signal?: AbortSignal) {
    ensureOpen();
    signal?.throwIfAborted();
    const states = records.map((record) => partitionOf(record.topic, record.partition));
    return appender.append(records, { states, admit: gauge.admit, signal });
  }

  function readNow(state: PartitionState, request: ReadRequest): readonly LogRecord[] {
    const { topic, partition, fromOffset, maxBytes = defaultReadBytes } = request;
    if (!(fromOffset >= state.start && fromOffset <= state.end)) {
      throw new ForeshockError(
        "data_lost",
        `offset ${fromOffset} of ${topic}/${partition} is outside the log, which holds ${state.start}–${state.end}`,
      );
    }
    if (fromOffset === state.end) return [];
    const { slot, end: to } = state;
    return store.read({ topic, partition, slot, from: fromOffset, to, maxBytes });
  }

  async function read(request: ReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    ensureOpen();
    signal?.throwIfAborted();
    const state = partitionOf(request.topic, request.partition);
    const records = readNow(state, request);
    const waitMs = request.waitMs ?? 0;
    if (records.length > 0 || waitMs <= 0) return records;
    await waitForRecords(state, { clock, waitMs, signal });
    return readNow(state, request);
  }

  async function latestByKey(name: string, partition: number): Promise<readonly LogRecord[]> {
    ensureOpen();
    const state = partitionOf(name, partition);
    const { slot, start: from, end: to } = state;
    const place = { topic: name, partition, slot, to, maxBytes: defaultReadBytes };
    const newest = new Map<string, LogRecord>();
    for (let next = from; next < to; ) {
      const records = store.read({ ...place, from: next });
      for (const record of records) {
        if (record.key !== undefined) {
          newest.delete(record.key);
          newest.set(record.key, record);
        }
        next = record.offset + 1;
      }
      if (records.length === 0) break;
    }
    return [...newest.values()].filter((record) => record.value.length > 0);
  }

  async function commit(group: string, offsets: readonly CommitOffset[]): Promise<void> {
    ensureOpen();
    checkName("group", group);
    for (const { topic, partition } of offsets) partitionOf(topic, partition);
    await saveMetadata(
      (batch) => {
        for (const { topic, partition, offset, metadata } of offsets) {
          const text = JSON.stringify({ offset, metadata } satisfies Committed);
          batch.metadata.push([metadataKey.commit(group, topic, partition), text]);
        }
      },
      () => {
        for (const { topic, partition, offset, metadata } of offsets) {
          groups.commit({ group, topic, partition }, { offset, metadata });
        }
      },
    );
  }

  async function register(group: string, names: readonly string[]): Promise<void> {
    // Known at once, so that retention running meanwhile respects it.
    for (const name of names) groups.register(group, name);
    await saveMetadata((batch) => {
      for (const name of names) batch.metadata.push([metadataKey.member(group, name), "true"]);
    });
  }

  async function lag(group: string, names: readonly string[]): Promise<readonly PartitionLag[]> {
    ensureOpen();
    return names.flatMap((topic) =>
      topicOf(topic).partitions.map(({ partition, start, end }) => {
        const from = groups.committed({ group, topic, partition })?.offset ?? start;
        return { topic, partition, lagRecords: Math.max(0, end - Math.max(from, start)) };
      }),
    );
  }

  async function maintain(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(limits.maintenanceIntervalMs, closing.signal);
        await retention.run(options.retentionNow());
        gauge.maintained();
      } catch (error) {
        if (!closing.signal.aborted) gauge.maintained(error);
      }
    }
  }

  async function close(): Promise<void> {
    const error = closedError();
    closing.abort(error);
    for (const state of bySlot) for (const waiter of [...state.waiters]) waiter.fail(error);
    const done = new AbortController();
    const timeout = clock.sleep(limits.closeTimeoutMs, done.signal).then(
      () => "late" as const,
      () => "stopped" as const,
    );
    const idle = maintenance.then(() => queue.idle()).then(() => "idle" as const);
    const outcome = await Promise.race([idle, timeout]);
    done.abort();
    // A write that hangs still uses the store: leave both, and the ownership, to the end of the process.
    if (outcome === "late") return queue.abandon(error);
    await store.close();
    options.onClosed?.();
  }

  if (saved.isNew) {
    await saveMetadata((batch) =>
      batch.metadata.push([metadataKey.format(), String(metadataFormat)]),
    );
  }
  const maintenance = maintain();

  return {
    ensureTopics,
    topics: async () => {
      ensureOpen();
      return [...topics.values()].map((topic) => topic.spec);
    },
    append,
    read,
    offsets: async (topic, partition) => {
      ensureOpen();
      const { start, end } = partitionOf(topic, partition);
      return { start, end };
    },
    latestByKey,
    join: async (group, names, handler, signal) => {
      ensureOpen();
      checkName("group", group);
      const owned = names.flatMap((topic) =>
        topicOf(topic).partitions.map(({ partition }) => ({ topic, partition })),
      );
      if (signal.aborted) return;
      await register(group, names);
      await runJoin(owned, handler, [signal, closing.signal]);
    },
    committed: async (group, topic, partition) => {
      ensureOpen();
      partitionOf(topic, partition);
      return groups.committed({ group, topic, partition });
    },
    commit,
    lag,
    pressure: async () => {
      ensureOpen();
      return gauge.read(options.retentionNow());
    },
    retain: async (nowMs) => {
      ensureOpen();
      await retention.run(nowMs);
      gauge.maintained();
    },
    forgetGroup: async (group) => {
      ensureOpen();
      await saveMetadata(
        (batch) => {
          for (const { spec, partitions } of topics.values()) {
            batch.metadata.push([metadataKey.member(group, spec.name), undefined]);
            for (const { partition } of partitions) {
              batch.metadata.push([metadataKey.commit(group, spec.name, partition), undefined]);
            }
          }
        },
        () => groups.forget(group),
      );
    },
    [Symbol.asyncDispose]: () => {
      closed ??= close();
      return closed;
    },
  };
}

function closedError(): ForeshockError {
  return new ForeshockError("log_closed", "the log is closed");
}
