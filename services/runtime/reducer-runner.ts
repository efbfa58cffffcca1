/**
 * Runs one task of a reducing stage: read, step, append, checkpoint, commit, in that order. Outputs carry (task, sequence);
 * what an upstream task repeats after a crash is dropped, and a gap stops the task.
 */
import { ForeshockError } from "../contracts/errors.ts";
import { incidentRecord } from "../contracts/incident.ts";
import { headers, signalOfTopic, topics } from "../contracts/topics.ts";
import { decodeWindowHead } from "../contracts/window-read.ts";
import type { AppendRecord, LogRecord, TopicPartition } from "../log/log.ts";
import type { OutputRecord, Reducer, ReducerStage } from "../stage.ts";
import { type CrashPoint, crashPoint } from "./crash-points.ts";
import {
  deadLetter,
  fewBytes,
  gatherMs,
  type RunnerDeps,
  readBytes,
  readWaitMs,
  untilDone,
} from "./runner-deps.ts";

/** The name of the task that reads a partition: `otlp_spans/0` for a source, `detect/0` for a stage behind. */
export function taskName(stage: ReducerStage, source: TopicPartition): string {
  return signalOfTopic[source.topic] === undefined
    ? `${stage.name}/${source.partition}`
    : `${source.topic}/${source.partition}`;
}

/** Steps a reducer over records and numbers its outputs; shared by the live runner and nothing else that writes. */
export class ReducerTask {
  readonly task: string;
  readonly consumed: Map<string, number>;
  readonly produced: Map<string, number>;
  private readonly reducer: Reducer;

  constructor(
    task: string,
    reducer: Reducer,
    consumed: Readonly<Record<string, number>> = {},
    produced: Readonly<Record<string, number>> = {},
  ) {
    this.task = task;
    this.reducer = reducer;
    this.consumed = new Map(Object.entries(consumed));
    this.produced = new Map(Object.entries(produced));
  }

  /** Whether the record is new: not a repeat of an upstream task's sequence. Throws `sequence_gap` when one is missing. */
  admits(record: LogRecord): boolean {
    const upstream = record.headers[headers.task];
    if (upstream === undefined) return true;
    const sequence = Number(record.headers[headers.sequence]);
    const channel = `${record.topic}/${record.partition}/${upstream}`;
    const last = this.consumed.get(channel);
    if (last !== undefined && sequence <= last) return false;
    if (last !== undefined && sequence !== last + 1)
      throw new ForeshockError(
        "sequence_gap",
        `${this.task}: ${channel} goes on with sequence ${sequence} at offset ${record.offset}, expected ${last + 1}`,
      );
    this.consumed.set(channel, sequence);
    return true;
  }

  step(record: LogRecord) {
    return this.reducer.step(record);
  }

  number(output: OutputRecord): AppendRecord {
    const channel = `${output.topic}/${output.partition}`;
    const sequence = (this.produced.get(channel) ?? 0) + 1;
    this.produced.set(channel, sequence);
    return {
      ...output,
      headers: { [headers.task]: this.task, [headers.sequence]: String(sequence) },
    };
  }

  snapshot() {
    return this.reducer.snapshot();
  }
}

export async function runReducerTask(
  stage: ReducerStage,
  source: TopicPartition,
  deps: RunnerDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock, metrics, checkpoints } = deps;
  const { topic, partition } = source;
  const name = taskName(stage, source);
  const saved = await checkpoints.load(name);
  const usable = saved?.manifest.stateVersion === stage.stateVersion ? saved : undefined;
  if (saved !== undefined && usable === undefined)
    deps.report(
      "warn",
      `${name}: state version ${saved.manifest.stateVersion} became ${stage.stateVersion}; learning again`,
    );
  const epoch = deps.control.epochs.at(-1);
  const reducer = stage.create(
    { task: name, partition, ...deps.control, judgement: deps.config.judgement },
    usable?.chunks,
  );
  const task = new ReducerTask(name, reducer, saved?.manifest.consumed, saved?.manifest.produced);
  const place = `${topic}/${partition}`;
  const doneBefore = saved?.manifest.offsets[place] ?? 0;
  let offset =
    saved?.manifest.rewind[place] ??
    saved?.manifest.offsets[place] ??
    (await log.offsets(topic, partition)).start;
  let checkpointMs = clock.nowMs();
  /** Whether something was stepped since the last checkpoint. */
  let isBehind = false;
  const labels = { stage: stage.name, topic, partition: String(partition) };

  // A crash between checkpoint and commit leaves the commit behind, and with it retention and the lag that others see.
  if (saved !== undefined) await commit(offset);

  while (!signal.aborted) {
    const records = await untilDone(
      deps,
      `${name}: reading ${place}`,
      () =>
        log.read(
          {
            topic,
            partition,
            fromOffset: offset,
            maxBytes: readBytes,
            waitMs: deps.readWaitMs ?? readWaitMs,
          },
          signal,
        ),
      signal,
    );
    if (records.length === 0) {
      if (signalOfTopic[topic] !== undefined) await appendHeartbeat(deps, source, signal);
      metrics.set("foreshock_stage_lag_records", 0, labels);
      if (isBehind && isIntervalOver()) await saveCheckpoint();
      continue;
    }
    const outputs: AppendRecord[] = [];
    let outputCount = 0;
    for (const record of records) {
      offset = record.offset + 1;
      if (!task.admits(record)) {
        metrics.add("foreshock_stage_repeats_total", 1, { stage: stage.name });
        continue;
      }
      const result = task.step(record);
      for (const output of result.outputs) outputs.push(task.number(output));
      outputCount += result.outputs.length;
      if (result.rejected !== undefined && record.offset >= doneBefore) {
        outputs.push(deadLetter(stage.name, record, result.rejected));
        metrics.add("foreshock_deadletter_records_total", 1, {
          stage: stage.name,
          code: result.rejected.code,
        });
        deps.report(
          "warn",
          `${name}: ${place} offset ${record.offset} is not readable (${result.rejected.reason}); kept in the dead letters`,
        );
      }
    }
    if (outputs.length > 0) {
      await untilDone(deps, `${name}: writing`, () => log.append(outputs, signal), signal);
      if (outputCount > 0) crashPoint(`reducer:${stage.name}:after-append` as CrashPoint);
    }
    metrics.add("foreshock_stage_records_total", records.length, { stage: stage.name });
    metrics.add("foreshock_stage_outputs_total", outputs.length, { stage: stage.name });
    measure(stage, outputs, deps);

    isBehind = true;
    const isDue = stage.checkpoint === "each-output" ? outputCount > 0 : isIntervalOver();
    if (isDue) {
      await saveCheckpoint();
      const { end } = await log.offsets(topic, partition);
      metrics.set("foreshock_stage_lag_records", end - offset, labels);
    }
    // Little came: let more come together, since a turn of a task costs as much as some hundred spans.
    if (bytesOf(records) < fewBytes) await clock.sleep(gatherMs, signal);
  }

  function isIntervalOver(): boolean {
    return clock.nowMs() - checkpointMs >= deps.config.checkpoint.intervalMs;
  }

  async function commit(at: number): Promise<void> {
    const offsets = [{ topic, partition, offset: at, metadata: "" }];
    const call = () => log.commit(stage.name, offsets);
    await untilDone(deps, `${name}: committing ${place}`, call, signal);
  }

  async function saveCheckpoint(): Promise<void> {
    const nowMs = clock.nowMs();
    checkpointMs = nowMs;
    isBehind = false;
    const snapshot = task.snapshot();
    const resume = snapshot.rewindTo ?? offset;
    const size = await untilDone(
      deps,
      `${name}: saving a checkpoint`,
      () =>
        checkpoints.save(
          {
            task: name,
            stage: stage.name,
            stateVersion: stage.stateVersion,
            epoch: epoch?.number ?? 0,
            atMs: nowMs,
            offsets: { [place]: offset },
            rewind: { [place]: resume },
            consumed: Object.fromEntries(task.consumed),
            produced: Object.fromEntries(task.produced),
          },
          snapshot.chunks,
          signal,
        ),
      signal,
    );
    metrics.set("foreshock_checkpoint_bytes", size, { task: name });
    metrics.add("foreshock_checkpoints_total", 1, { stage: stage.name });
    crashPoint(`reducer:${stage.name}:after-checkpoint` as CrashPoint);
    // Not the current offset: retention must keep what a restart reads again.
    await commit(resume);
    crashPoint(`reducer:${stage.name}:after-commit` as CrashPoint);
  }
}

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length, 0);
}

/** Lets time pass in a silent source partition; a zero-byte export request is a valid one. */
async function appendHeartbeat(
  deps: RunnerDeps,
  source: TopicPartition,
  signal: AbortSignal,
): Promise<void> {
  await untilDone(
    deps,
    `${source.topic}/${source.partition}: heartbeat`,
    () =>
      deps.log.append(
        [{ ...source, value: new Uint8Array(0), headers: { [headers.heartbeat]: "1" } }],
        signal,
      ),
    signal,
  );
}

/** Reads the runner's own outputs for the operator's figures; the reducers themselves know no clock and no metrics. */
function measure(stage: ReducerStage, outputs: readonly AppendRecord[], deps: RunnerDeps): void {
  const { metrics, clock } = deps;
  for (const output of outputs) {
    if (output.topic === topics.windows && output.partition === 0) {
      const window = decodeWindowHead(output.value);
      metrics.set(
        "foreshock_watermark_delay_seconds",
        (window.appendMs - window.watermarkMs) / 1000,
        { task: window.task },
      );
      metrics.add("foreshock_late_spans_total", window.pipeline.lateSpans);
      metrics.add("foreshock_clamped_spans_total", window.pipeline.clampedSpans);
      metrics.add("foreshock_duplicate_spans_total", window.pipeline.duplicateSpans);
    } else if (output.topic === topics.closed && stage.name === "detect") {
      const window = decodeWindowHead(output.value);
      metrics.set("foreshock_cells", window.cellCount, { partition: String(output.partition) });
      metrics.record(
        "foreshock_verdict_delay_seconds",
        Math.max(0, clock.nowMs() - window.windowStartMs - window.windowMs) / 1000,
      );
    } else if (output.topic === topics.incidents) {
      metrics.add("foreshock_transitions_total", 1, {
        transition: incidentRecord.decode(output.value).transition,
      });
    }
  }
}
