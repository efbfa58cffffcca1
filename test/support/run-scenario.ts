/**
 * A scenario through the deciding stages in one process, without a log: records → aggregate → detect → incident, each step at
 * once. The direct way leaves out spans, aggregation and codecs (`fleet-windows.ts`, `direct-detect.ts`): several times as fast.
 */

import { aggregateStage } from "../../services/aggregate/aggregate.ts";
import {
  planRun,
  type RunOptions,
  type RunPlan,
  simulate,
  TruthCollector,
  toRecords,
} from "../../services/chatbot/chatbot.ts";
import type { FleetEvent } from "../../services/chatbot/fleet-event.ts";
import type { TruthHeader } from "../../services/chatbot/truth.ts";
import { type Judgement, judgementSchema } from "../../services/contracts/config.ts";
import { type Frame, frameRecord } from "../../services/contracts/frame.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import type { Epoch, Manifest } from "../../services/contracts/records.ts";
import { sourceTopics, topics } from "../../services/contracts/topics.ts";
import type { WindowRecord } from "../../services/contracts/window.ts";
import { detectStage } from "../../services/detect/detect.ts";
import { incidentStage } from "../../services/incident/incident.ts";
import type { InputRecord, Reducer, TaskContext } from "../../services/stage.ts";
import { DirectDetect } from "./direct-detect.ts";
import { FleetWindows } from "./fleet-windows.ts";

export interface ScenarioRun {
  readonly truth: TruthHeader;
  readonly incidents: readonly Incident[];
}

const sourceTasks = ["otlp_spans/0", "otlp_metrics/0"];

export function contextFor(
  task: string,
  judgement: Judgement,
  tasks: readonly string[] = ["otlp_spans/0"],
): TaskContext {
  const manifest: Manifest = {
    kind: "manifest",
    number: 1,
    effectiveFromMs: 0,
    tasks: [...tasks],
    windowsPartitions: 1,
  };
  const epoch: Epoch = { kind: "epoch", number: 1, effectiveFromMs: 0, hash: "", judgement };
  return { task, partition: 0, manifests: [manifest], epochs: [epoch], judgement };
}

/** A task's share of a window, as aggregate hands it to detect. */
interface Batch {
  readonly appendMs: number;
  readonly value: Uint8Array;
}

/** Plays a run to its end. `isDirect` leaves out spans and aggregation. */
export function runScenario(
  options: RunOptions,
  how: { readonly isDirect?: boolean } = {},
): ScenarioRun {
  const plan = planRun(options);
  const judgement = judgementSchema.parse({});
  const truth = new TruthCollector(plan);
  const isDirect = how.isDirect === true;
  const tasks = isDirect ? ["otlp_spans/0"] : sourceTasks;
  const incident = incidentStage.create(contextFor("incident/0", judgement, tasks));
  const incidents: Incident[] = [];
  for (const frame of framesOf(plan, watch(plan, truth), { judgement, isDirect }))
    for (const made of step(incident, topics.frames, { frame, appendMs: frame.appendMs }))
      incidents.push(incidentRecord.decode(made.value));
  return { truth: truth.finish().header, incidents };
}

export interface FramesHow {
  readonly judgement: Judgement;
  /** Without spans and aggregation. */
  readonly isDirect: boolean;
}

/** The frames that detect makes of a run's events: as they are the direct way, else decoded. */
export function framesOf(
  plan: RunPlan,
  events: Iterable<FleetEvent>,
  { judgement, isDirect }: FramesHow,
): Generator<Frame> {
  return isDirect
    ? detectWindows(windowsOf(plan, events, judgement), judgement)
    : detectBatches(batchesOf(plan, events, judgement), judgement);
}

/** Keeps what detect reads of a run, so that it can be detected again and again; takes all events at once. */
export function rehearse(
  plan: RunPlan,
  events: Iterable<FleetEvent>,
  { judgement, isDirect }: FramesHow,
): () => Generator<Frame> {
  if (isDirect) {
    const windows = [...windowsOf(plan, events, judgement)];
    return () => detectWindows(windows, judgement);
  }
  const batches = [...batchesOf(plan, events, judgement)];
  return () => detectBatches(batches, judgement);
}

function* windowsOf(
  plan: RunPlan,
  events: Iterable<FleetEvent>,
  judgement: Judgement,
): Generator<WindowRecord> {
  const windows = new FleetWindows(plan.fleet, judgement.window.lengthMs);
  for (const event of events) {
    const closed = windows.observe(event);
    if (closed.length > 0) yield* closed;
  }
}

function* detectWindows(windows: Iterable<WindowRecord>, judgement: Judgement): Generator<Frame> {
  const detect = new DirectDetect(judgement);
  for (const window of windows) yield detect.step(window);
}

/** What aggregate makes of the run's spans and metrics: encoded shares of windows. */
function* batchesOf(
  plan: RunPlan,
  events: Iterable<FleetEvent>,
  judgement: Judgement,
): Generator<Batch> {
  const aggregate = new Map(
    sourceTasks.map((task) => [
      task,
      aggregateStage.create(contextFor(task, judgement, sourceTasks)),
    ]),
  );
  const partitions = { traces: 1, metrics: 1, logs: 1 };
  for (const record of toRecords(events, { plan, partitions })) {
    const topic = sourceTopics[record.signal];
    const task = aggregate.get(`${topic}/0`);
    if (task === undefined) continue;
    const { appendMs } = record;
    const headers = record.isHeartbeat ? { "foreshock-heartbeat": "1" } : {};
    for (const { value } of step(task, topic, { value: record.payload, appendMs, headers }))
      yield { value, appendMs };
  }
}

function* detectBatches(batches: Iterable<Batch>, judgement: Judgement): Generator<Frame> {
  const detect = detectStage.create(contextFor("detect/0", judgement, sourceTasks));
  for (const { value, appendMs } of batches)
    for (const frame of step(detect, topics.windows, { value, appendMs }))
      if (frame.topic === topics.frames) yield frameRecord.decode(frame.value);
}

function* watch(plan: RunPlan, truth: TruthCollector): Generator<FleetEvent> {
  for (const event of simulate(plan)) {
    truth.observe(event);
    yield event;
  }
}

const noBytes = new Uint8Array(0);
let offset = 0;

function step(
  reducer: Reducer,
  topic: string,
  of: Pick<InputRecord, "appendMs"> & Partial<Pick<InputRecord, "value" | "frame" | "headers">>,
) {
  const record = { topic, partition: 0, offset: offset++, value: noBytes, headers: {}, ...of };
  const result = reducer.step(record);
  if (result.rejected !== undefined) throw new Error(result.rejected.reason);
  return result.outputs;
}
