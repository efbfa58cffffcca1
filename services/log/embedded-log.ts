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
import { metadataFormat, metadataKey, readMetadata } from "./log-metadata.ts";
import { latestRecords, readRecords } from "./log-reader.ts";
import { createPressureGauge } from "./pressure.ts";
import type { RecordStore, StoreWrite } from "./record-store.ts";
import { createRetention } from "./retention.ts";
import { checkName, checkTopicSpec, topicDifferences } from "./topic-catalog.ts";
import { createTopicRegistry } from "./topic-registry.ts";
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

interface EmbeddedLogLimits {
  /** Records may take so many bytes; `append` throws `log_full` beyond it. */
  readonly maxBytes: number;
  /** A transaction takes so many bytes of waiting appends; one append may be larger. */
  readonly maxBatchBytes: number;
  /** Retention runs so often. */
  readonly maintenanceIntervalMs: number;
  /** Closing waits so long for writes under way. */
  readonly closeTimeoutMs: number;
}

/** The log port over a record store: everything but where the bytes lie. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { store, clock, limits } = options;
  const saved = readMetadata(store.metadata());
  const registry = createTopicRegistry(store, saved);
  const { topics } = registry;
  const groups = createGroups();
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  for (const { group, topic } of saved.members) groups.register(group, topic);
  for (const { committed, ...position } of saved.commits) groups.commit(position, committed);

  const queue = createWriteQueue({
    maxBatchBytes: limits.maxBatchBytes,
    write: (batch) => store.write(batch),
    onFailed: registry.restoreAfterFailure,
  });
  const gauge = createPressureGauge({ store, groups, topics, maxBytes: limits.maxBytes });
  const appender = createAppender({ queue, store, appendTime: options.appendTime });
  const retention = createRetention({ store, groups, topics, write: saveMetadata });

  function ensureOpen(): void {
    if (closed !== undefined) throw closedError();
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
    const isNew = (spec: TopicSpec) => !topics.has(spec.name);
    const added = specs.filter(isNew).map((spec) => spec.name);
    const changed = specs.filter(
      (spec) => isNew(spec) || topics.get(spec.name)?.spec.retentionMs !== spec.retentionMs,
    );
    const entries = changed.map((spec) => registry.put(spec));
    try {
      await saveMetadata((batch) => {
        for (const entry of entries) {
          batch.metadata.push([metadataKey.topic(entry.name), JSON.stringify(entry)]);
        }
      });
    } catch (error) {
      for (const name of added) registry.remove(name);
      throw error;
    }
  }

  async function append(records: readonly AppendRecord[], signal?: AbortSignal) {
    ensureOpen();
    signal?.throwIfAborted();
    const states = records.map((record) => registry.partition(record.topic, record.partition));
    return appender.append(records, { states, admit: gauge.admit, signal });
  }

  async function read(request: ReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    ensureOpen();
    signal?.throwIfAborted();
    const state = registry.partition(request.topic, request.partition);
    return readRecords(state, request, { store, clock, signal });
  }

  async function commit(group: string, offsets: readonly CommitOffset[]): Promise<void> {
    ensureOpen();
    checkName("group", group);
    for (const { topic, partition } of offsets) registry.partition(topic, partition);
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
      registry.topic(topic).partitions.map(({ partition, start, end }) => {
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
    for (const { waiters } of registry.partitions()) {
      for (const waiter of [...waiters]) waiter.fail(error);
    }
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
      const { start, end } = registry.partition(topic, partition);
      return { start, end };
    },
    latestByKey: async (topic, partition) => {
      ensureOpen();
      return latestRecords(registry.partition(topic, partition), store);
    },
    join: async (group, names, handler, signal) => {
      ensureOpen();
      checkName("group", group);
      const owned = names.flatMap((topic) =>
        registry.topic(topic).partitions.map(({ partition }) => ({ topic, partition })),
      );
      if (signal.aborted) return;
      await register(group, names);
      await runJoin(owned, handler, [signal, closing.signal]);
    },
    committed: async (group, topic, partition) => {
      ensureOpen();
      registry.partition(topic, partition);
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
