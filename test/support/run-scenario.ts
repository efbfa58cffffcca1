/** A scenario through the deciding stages in one process, without a log: events → windows → detect → incident. */
import {
  planRun,
  type RunOptions,
  simulate,
  TruthCollector,
} from "../../services/chatbot/chatbot.ts";
import type { TruthHeader } from "../../services/chatbot/truth.ts";
import { type Judgement, judgementSchema } from "../../services/contracts/config.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import type { Epoch, Manifest } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import { encodeWindow, type WindowRecord } from "../../services/contracts/window.ts";
import { detectStage } from "../../services/detect/detect.ts";
import { incidentStage } from "../../services/incident/incident.ts";
import type { TaskContext } from "../../services/stage.ts";
import { FleetWindows } from "./fleet-windows.ts";

export interface ScenarioRun {
  readonly truth: TruthHeader;
  readonly incidents: readonly Incident[];
}

const manifest: Manifest = {
  kind: "manifest",
  number: 1,
  effectiveFromMs: 0,
  tasks: ["otlp_spans/0"],
  windowsPartitions: 1,
};

export function contextFor(task: string, judgement: Judgement): TaskContext {
  const epoch: Epoch = { kind: "epoch", number: 1, effectiveFromMs: 0, hash: "", judgement };
  return { task, partition: 0, manifests: [manifest], epochs: [epoch], judgement };
}

/** Plays a run to its end, or until `isEnough` says that the rest does not matter. */
export function runScenario(
  options: RunOptions,
  watch: {
    readonly isEnough?: (incident: Incident) => boolean;
    readonly onFrame?: (value: Uint8Array) => void;
  } = {},
): ScenarioRun {
  const plan = planRun(options);
  const judgement = judgementSchema.parse({});
  const truth = new TruthCollector(plan);
  const windows = new FleetWindows(plan.fleet, judgement.window.lengthMs);
  const detect = detectStage.create(contextFor("detect/0", judgement));
  const incident = incidentStage.create(contextFor("incident/0", judgement));
  const incidents: Incident[] = [];
  let offset = 0;
  let isDone = false;
  const take = (window: WindowRecord) => {
    const record = (topic: string, value: Uint8Array) => ({
      topic,
      partition: 0,
      offset: offset++,
      appendMs: window.appendMs,
      value,
      headers: {},
    });
    const judged = detect.step(record(topics.windows, encodeWindow(window)));
    if (judged.rejected !== undefined) throw new Error(judged.rejected.reason);
    for (const output of judged.outputs) {
      if (output.topic !== topics.frames) continue;
      watch.onFrame?.(output.value);
      const decided = incident.step(record(topics.frames, output.value));
      if (decided.rejected !== undefined) throw new Error(decided.rejected.reason);
      for (const made of decided.outputs) {
        const one = incidentRecord.decode(made.value);
        incidents.push(one);
        if (watch.isEnough?.(one) === true) isDone = true;
      }
    }
  };
  for (const event of simulate(plan)) {
    truth.observe(event);
    for (const window of windows.observe(event)) if (!isDone) take(window);
  }
  return { truth: truth.finish().header, incidents };
}
