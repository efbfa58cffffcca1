/**
 * A scenario through the deciding stages in one process, without a log: records → aggregate → detect → incident, each step at
 * once. The direct way leaves out spans and aggregation (`fleet-windows.ts`): three times as fast, for tuning.
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
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import type { Epoch, Manifest } from "../../services/contracts/records.ts";
import { sourceTopics, topics } from "../../services/contracts/topics.ts";
import { encodeWindow } from "../../services/contracts/window-write.ts";
import { detectStage } from "../../services/detect/detect.ts";
import { incidentStage } from "../../services/incident/incident.ts";
import type { Reducer, TaskContext } from "../../services/stage.ts";
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
  const detect = detectStage.create(contextFor("detect/0", judgement, tasks));
  const incident = incidentStage.create(contextFor("incident/0", judgement, tasks));
  const incidents: Incident[] = [];
  const feed = (value: Uint8Array, appendMs: number) => {
    for (const frame of step(detect, topics.windows, value, appendMs)) {
      if (frame.topic !== topics.frames) continue;
      for (const made of step(incident, topics.frames, frame.value, appendMs))
        incidents.push(incidentRecord.decode(made.value));
    }
  };
  const watched = watch(plan, truth);
  if (isDirect) {
    const windows = new FleetWindows(plan.fleet, judgement.window.lengthMs);
    for (const event of watched)
      for (const window of windows.observe(event)) feed(encodeWindow(window), window.appendMs);
  } else {
    const aggregate = new Map(
      sourceTasks.map((task) => [
        task,
        aggregateStage.create(contextFor(task, judgement, sourceTasks)),
      ]),
    );
    const partitions = { traces: 1, metrics: 1, logs: 1 };
    for (const record of toRecords(watched, { plan, partitions })) {
      const topic = sourceTopics[record.signal];
      const task = aggregate.get(`${topic}/0`);
      if (task === undefined) continue;
      const headers = record.isHeartbeat ? { "foreshock-heartbeat": "1" } : {};
      for (const batch of step(task, topic, record.payload, record.appendMs, headers))
        feed(batch.value, record.appendMs);
    }
  }
  return { truth: truth.finish().header, incidents };
}

function* watch(plan: RunPlan, truth: TruthCollector): Generator<FleetEvent> {
  for (const event of simulate(plan)) {
    truth.observe(event);
    yield event;
  }
}

let offset = 0;

function step(
  reducer: Reducer,
  topic: string,
  value: Uint8Array,
  appendMs: number,
  headers: Readonly<Record<string, string>> = {},
) {
  const result = reducer.step({ topic, partition: 0, offset: offset++, appendMs, value, headers });
  if (result.rejected !== undefined) throw new Error(result.rejected.reason);
  return result.outputs;
}
