/**
 * The log port: what every stage reads from and writes to. Two drivers, one contract suite
 * (`test/contract/log-contract.ts`): LMDB on disk and Apache Kafka.
 *
 * - Offsets are dense integers from 0 in each partition; `append` keeps the order given, per partition.
 * - The append time is set by the log, Unix ms, and never falls within a partition.
 * - `append` resolves only when the records are durable; a rejected append may have been written in part
 *   or whole (retry makes duplicates, which consumers drop by sequence).
 * - `read` returns records from `fromOffset` on, at most about `maxBytes`, at least one if there is one.
 * - Reading below the start of the log, or above its end, throws `data_lost`; reading at the end waits up to
 *   `waitMs`, then returns [].
 * - Compacted topics have holes where records were replaced: go on from the last record's offset + 1.
 * - Closing finishes what is under way; calls after it throw `log_closed`.
 */
export interface Log extends AsyncDisposable {
  /**
   * Creates what is missing; throws `topic_mismatch` naming each difference of what exists. A topic's
   * retention may change: the newest wanted one holds.
   */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Topics that exist, with the partition count that was fixed when they were made. */
  topics(): Promise<readonly TopicSpec[]>;

  /**
   * Appends in order, durable when it resolves; values must not change until then. Throws `log_full` (retryable)
   * when the log is full: sources ask `pressure` before, which refuses earlier.
   */
  append(records: readonly AppendRecord[], signal?: AbortSignal): Promise<readonly Appended[]>;

  read(request: ReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]>;
  /** First offset kept and the next offset to be written. */
  offsets(
    topic: string,
    partition: number,
  ): Promise<{ readonly start: number; readonly end: number }>;

  /** Newest record of every key of a compacted topic's partition, in offset order; tombstones (empty values) left out. */
  latestByKey(topic: string, partition: number): Promise<readonly LogRecord[]>;

  /**
   * Joins a group and yields the partitions that this member owns. LMDB: all of them, at once and for ever.
   * Kafka: what the group coordinator gives. Resolves when `signal` aborts or the log closes, after every handler has
   * returned; rejects with the error of a handler that failed before.
   * Joining registers the group, for good: it holds back retention from what it has not committed past, so
   * a reader that never commits must not join.
   */
  join(
    group: string,
    topics: readonly string[],
    handler: AssignmentHandler,
    signal: AbortSignal,
  ): Promise<void>;
  committed(group: string, topic: string, partition: number): Promise<Committed | undefined>;
  commit(group: string, offsets: readonly CommitOffset[]): Promise<void>;
  /** Groups known to the log, with lag in records per partition. */
  lag(group: string, topics: readonly string[]): Promise<readonly PartitionLag[]>;

  /** How near the log is to refusing appends; ingest asks before it acknowledges. */
  pressure(): Promise<Pressure>;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** `delete` drops old records by age; `compact` keeps the newest record of each key. */
  readonly cleanup: "delete" | "compact";
  /** For `delete`: records older than this may go, but never before every registered group has read them. */
  readonly retentionMs: number;
}

export interface AppendRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key?: string;
  readonly value: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Appended {
  readonly offset: number;
  readonly appendMs: number;
}

export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly appendMs: number;
  readonly key: string | undefined;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReadRequest {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
  readonly maxBytes?: number;
  readonly waitMs?: number;
}

export interface Committed {
  readonly offset: number;
  readonly metadata: string;
}

export interface CommitOffset extends Committed {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  readonly lagRecords: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface AssignmentHandler {
  /** Called with each newly owned partition; `revoked` aborts when it is taken away or the log closes. */
  onAssigned(partition: TopicPartition, revoked: AbortSignal): Promise<void>;
}

export type Pressure =
  | { readonly state: "open" }
  | { readonly state: "refusing"; readonly reason: string; readonly retryAfterMs: number };
