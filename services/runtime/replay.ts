/**
 * The reducing stages without a log between them: the same reducers, stepped over records in order. A replay, a backtest and
 * the fleet's benches run on it; live runs differ only in where records wait.
 */

import type { Judgement } from "../contracts/config.ts";
import { type Frame, frameRecord } from "../contracts/frame.ts";
import { type Incident, incidentRecord } from "../contracts/incident.ts";
import { headers, type Signal, sourceTopics, topics } from "../contracts/topics.ts";
import type { WindowRecord } from "../contracts/window.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import { stages } from "../pipeline.ts";
import type { OutputRecord, Reducer, ReducerStage, Rejection, StageName } from "../stage.ts";
import { fixedControl } from "./control.ts";

export interface ReplayRecord {
  readonly signal: Signal;
  readonly partition: number;
  readonly appendMs: number;
  readonly payload: Uint8Array;
  readonly isHeartbeat: boolean;
}

export interface ReplayListener {
  readonly onIncident?: (incident: Incident, bytes: Uint8Array) => void;
  /** Each source task's share of a window, as aggregate wrote it; the pipeline's counts are the same in every partition. */
  readonly onBatch?: (window: WindowRecord, partition: number) => void;
  readonly onClosed?: (window: WindowRecord, bytes: Uint8Array) => void;
  readonly onFrame?: (frame: Frame, bytes: Uint8Array) => void;
  readonly onRejected?: (record: ReplayRecord, rejection: Rejection) => void;
}

export interface ReplayOptions {
  readonly judgement: Judgement;
  /** Source partitions that have records, such as `otlp_spans/0`: time waits for each of them. */
  readonly tasks: readonly string[];
  readonly windowsPartitions: number;
}

export const taskOf = (signal: Signal, partition: number) => `${sourceTopics[signal]}/${partition}`;

const heartbeatHeaders = { [headers.heartbeat]: "1" };
const noHeaders = {};

export class Replay {
  private readonly aggregates = new Map<string, Reducer>();
  private readonly detects: Reducer[];
  private readonly incident: Reducer;
  private readonly offsets = new Map<string, number>();
  private readonly listener: ReplayListener;
  private lastAppendMs = 0;
  private readonly windowMs: number;
  private readonly allowedSkewMs: number;

  constructor(options: ReplayOptions, listener: ReplayListener) {
    const { judgement, tasks, windowsPartitions } = options;
    const control = fixedControl(judgement, tasks, windowsPartitions);
    const isUnread = listener.onFrame === undefined && listener.onClosed === undefined;
    const make = (name: StageName, task: string, partition: number) =>
      reducerStage(name).create({
        task,
        partition,
        ...control,
        judgement,
        ...(isUnread && { handsOver: 1 }),
      });
    for (const task of tasks)
      this.aggregates.set(task, make("aggregate", task, Number(task.split("/")[1])));
    this.detects = Array.from({ length: windowsPartitions }, (_, partition) =>
      make("detect", `detect/${partition}`, partition),
    );
    this.incident = make("incident", "incident/0", 0);
    this.listener = listener;
    this.windowMs = judgement.window.lengthMs;
    this.allowedSkewMs = judgement.window.allowedSkewMs;
  }

  /** Steps everything that one record leads to. */
  feed(record: ReplayRecord): void {
    const task = taskOf(record.signal, record.partition);
    const aggregate = this.aggregates.get(task);
    if (aggregate === undefined) throw new RangeError(`replay: ${task} is not among the tasks`);
    this.lastAppendMs = Math.max(this.lastAppendMs, record.appendMs);
    const result = aggregate.step({
      topic: sourceTopics[record.signal],
      partition: record.partition,
      offset: this.next(task),
      appendMs: record.appendMs,
      value: record.payload,
      headers: record.isHeartbeat ? heartbeatHeaders : noHeaders,
    });
    if (result.rejected !== undefined) this.listener.onRejected?.(record, result.rejected);
    this.pass(result.outputs, record.appendMs);
  }

  /** The end of the input: every open window closes. */
  finish(): void {
    // A span may end later than it arrives, by the skew that is allowed.
    const newestEndMs = this.lastAppendMs + this.allowedSkewMs;
    const untilMs = (Math.floor(newestEndMs / this.windowMs) + 1) * this.windowMs;
    for (const aggregate of this.aggregates.values()) {
      const result = aggregate.finish?.(untilMs);
      if (result !== undefined) this.pass(result.outputs, this.lastAppendMs);
    }
  }

  private pass(outputs: readonly OutputRecord[], appendMs: number): void {
    for (const output of outputs) {
      const { topic, partition, value } = output;
      if (topic === topics.windows) {
        if (this.listener.onBatch !== undefined)
          this.listener.onBatch(decodeWindow(value), partition);
        this.pass(this.stepOf(this.detects[partition], output, appendMs), appendMs);
      } else if (topic === topics.frames) {
        this.listener.onFrame?.(frameRecord.decode(value), value);
        this.pass(this.stepOf(this.incident, output, appendMs), appendMs);
      } else if (topic === topics.closed) {
        this.listener.onClosed?.(decodeWindow(value), value);
      } else if (topic === topics.incidents) {
        this.listener.onIncident?.(incidentRecord.decode(value), value);
      }
    }
  }

  private stepOf(
    reducer: Reducer | undefined,
    output: OutputRecord,
    appendMs: number,
  ): readonly OutputRecord[] {
    if (reducer === undefined)
      throw new RangeError(`replay: no task for ${output.topic}/${output.partition}`);
    const offset = this.next(`${output.topic}/${output.partition}`);
    return reducer.step({ ...output, offset, appendMs, headers: noHeaders }).outputs;
  }

  private next(place: string): number {
    const offset = this.offsets.get(place) ?? 0;
    this.offsets.set(place, offset + 1);
    return offset;
  }
}

function reducerStage(name: StageName): ReducerStage {
  const stage = stages[name];
  if (stage.kind !== "reducer") throw new TypeError(`${name} is not a reducing stage`);
  return stage;
}
