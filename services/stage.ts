/** The shapes of a stage. Reducers are pure; sinks and servers touch the world. `pipeline.ts` lists them all. */
import type { Config, Judgement } from "./contracts/config.ts";
import type { Frame } from "./contracts/frame.ts";
import type { Metrics } from "./contracts/metrics.ts";
import type { Epoch, Manifest } from "./contracts/records.ts";
import type { TopicName } from "./contracts/topics.ts";
import type { History } from "./history/history.ts";
import type { Log, LogRecord } from "./log/log.ts";
import type { Clock } from "./runtime/clock.ts";

export type StageName =
  | "ingest"
  | "aggregate"
  | "detect"
  | "incident"
  | "notify"
  | "archive"
  | "console";

/** A record as a reducer sees it: position and arrival time come from the log. */
export interface InputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly appendMs: number;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** What `value` would say, where it was handed over instead of written; `value` is then empty. */
  readonly frame?: Frame;
}

/** A record to be written. The runner adds the task and its sequence. */
export interface OutputRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly value: Uint8Array;
  /** See `TaskContext.handsOver`. */
  readonly frame?: Frame;
}

/** A record that a reducer could not read: it goes to the dead letters, and the reducer goes on. */
export interface Rejection {
  readonly code: string;
  readonly reason: string;
}

export interface StepResult {
  readonly outputs: readonly OutputRecord[];
  readonly rejected?: Rejection;
}

/** What a reducer task is made from; all of it is in the log, so a replay makes the same. */
export interface TaskContext {
  /** `otlp_spans/0` for aggregate, `detect/0` for detect, `incident/0` for incident. */
  readonly task: string;
  readonly partition: number;
  readonly manifests: readonly Manifest[];
  readonly epochs: readonly Epoch[];
  /** The judgement configuration of the newest epoch. */
  readonly judgement: Judgement;
  /**
   * The next stage takes outputs in this process, with no log between, and nobody else reads them (a backtest): frames are handed over as
   * they are, so many windows at a time, the rest when the task finishes. Closed windows, which no reducing stage reads, are not written.
   */
  readonly handsOver?: number;
}

/**
 * One task of a reducing stage. `step` sees records only: no clock, no randomness; it may keep and change its own state.
 * Saving and restoring equals never stopping.
 */
export interface Reducer {
  step(record: InputRecord): StepResult;
  /** Ends the input: closes every window that starts before `untilMs`, as at the end of a capture. */
  finish?(untilMs: number): StepResult;
  /**
   * The state in chunks of at most 512 KiB, and where to read on. Where `rewindTo` is given, stepping on starts at
   * that offset instead of the current one (the state is in the log itself, and outputs already made are not made again).
   */
  snapshot(): Snapshot;
}

export interface Snapshot {
  readonly chunks: readonly Uint8Array[];
  readonly rewindTo?: number;
}

export interface ReducerStage {
  readonly kind: "reducer";
  readonly name: StageName;
  readonly reads: readonly TopicName[];
  readonly writes: readonly TopicName[];
  readonly stateVersion: number;
  /** `saved` are the chunks of a snapshot of the same `stateVersion`. */
  create(context: TaskContext, saved?: readonly Uint8Array[]): Reducer;
  /** Whether now is a good moment for a checkpoint; the runner also takes one after `checkpoint.intervalMs`. */
  readonly checkpoint: "each-output" | "interval";
}

/** What stages that touch the world are given. */
export interface EdgeContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Undefined when history is switched off. */
  readonly history: History | undefined;
  /** A line for the operator, on standard error. */
  readonly report: (level: "debug" | "info" | "warn" | "error", message: string) => void;
}

/**
 * Writes ranges of records to a store, exactly once: the runner commits the intended range before `write` and repeats exactly
 * that range under the same token after a crash.
 */
export interface RangeSinkStage {
  readonly kind: "range-sink";
  readonly name: StageName;
  readonly reads: readonly TopicName[];
  readonly writes: readonly TopicName[];
  /** Version of how records become rows: a range begun under another version is counted, not blindly repeated. */
  readonly encoderVersion: number;
  open(context: EdgeContext): Promise<RangeSink>;
}

export interface RangeSink extends AsyncDisposable {
  /**
   * Resolves when all rows of the records are durable. The records are one topic partition's offsets [from, to) without gaps.
   * Throws a retryable error to be called again with the same range.
   */
  write(range: RecordRange, signal: AbortSignal): Promise<readonly RangeRejection[]>;
}

export interface RecordRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** `topic/partition/from-to`. */
  readonly token: string;
  readonly records: readonly LogRecord[];
}

export interface RangeRejection extends Rejection {
  readonly offset: number;
}

/** Acts on the world for each record (notify): at least once, keyed, with a state that survives restarts. */
export interface EffectStage {
  readonly kind: "effect";
  readonly name: StageName;
  readonly reads: readonly TopicName[];
  readonly writes: readonly TopicName[];
  readonly stateVersion: number;
  open(context: EdgeContext, saved: readonly Uint8Array[] | undefined): Promise<Effect>;
}

export interface Effect extends AsyncDisposable {
  /** Takes a record into the state and begins what it asks for; must not wait for the world. */
  take(record: LogRecord): readonly OutputRecord[] | Rejection;
  /** Called after each batch and at least every second: does what is due, returns what happened. */
  act(nowMs: number, signal: AbortSignal): Promise<readonly OutputRecord[]>;
  snapshot(): readonly Uint8Array[];
}

/** Listens on a port (ingest, console) for as long as the process lives. */
export interface ServerStage {
  readonly kind: "server";
  readonly name: StageName;
  readonly reads: readonly TopicName[];
  readonly writes: readonly TopicName[];
  open(context: EdgeContext): Promise<RunningServer>;
}

export interface RunningServer extends AsyncDisposable {
  /** Addresses that people and programs use, such as `{ "OTLP gRPC": "127.0.0.1:4317" }`. */
  readonly addresses: Readonly<Record<string, string>>;
}

export type Stage = ReducerStage | RangeSinkStage | EffectStage | ServerStage;
