/** Records of spans and metrics through the deciding stages in one process: windows as they close, and incidents. */
import { aggregateStage } from "../../services/aggregate/aggregate.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import {
  type Frame,
  frameRecord,
  type SignalName,
  type SignalVerdict,
} from "../../services/contracts/frame.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import { sourceTopics, topics } from "../../services/contracts/topics.ts";
import type { WindowRecord } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { detectStage } from "../../services/detect/detect.ts";
import { incidentStage } from "../../services/incident/incident.ts";
import type { OutputRecord, Reducer } from "../../services/stage.ts";
import { sceneStartMs } from "./aggregate-harness.ts";
import { contextFor } from "./run-scenario.ts";

/** A record in the words of a test; `ms` of its arrival from the start of the scene. */
export interface SceneRecord {
  readonly ms: number;
  readonly signal: "traces" | "metrics";
  readonly bytes: Uint8Array;
}

export interface SceneOutcome {
  readonly closed: readonly WindowRecord[];
  readonly incidents: readonly Incident[];
  /** States of a signal in a window (counted from the start of the scene), of the cells that have it in key order. */
  states(signal: SignalName, window: number): readonly SignalVerdict["state"][];
}

const signals = ["traces", "metrics"] as const;
const heartbeatMs = 1_000;

/** Plays records in the order of their arrival; silent partitions get heartbeats, until `untilMs`. */
export function playScene(records: readonly SceneRecord[], untilMs: number): SceneOutcome {
  const judgement = judgementSchema.parse({});
  const tasks = signals.map((signal) => `${sourceTopics[signal]}/0`);
  const aggregate = new Map<string, Reducer>(
    tasks.map((task) => [task, aggregateStage.create(contextFor(task, judgement, tasks))]),
  );
  const detect = detectStage.create(contextFor("detect/0", judgement, tasks));
  const incident = incidentStage.create(contextFor("incident/0", judgement, tasks));
  const closed: WindowRecord[] = [];
  const incidents: Incident[] = [];
  let offset = 0;
  const step = (reducer: Reducer, topic: string, value: Uint8Array, ms: number) => {
    const appendMs = sceneStartMs + ms;
    const record = { topic, partition: 0, offset: offset++, appendMs, value, headers: {} };
    const { outputs, rejected } = reducer.step(record);
    if (rejected !== undefined) throw new Error(rejected.reason);
    return outputs;
  };
  const frames = new Map<number, Frame>();
  const onDetected = ({ topic, value }: OutputRecord, ms: number) => {
    if (topic === topics.closed) closed.push(decodeWindow(value));
    else {
      const frame = frameRecord.decode(value);
      frames.set((frame.windowStartMs - sceneStartMs) / frame.windowMs, frame);
      for (const made of step(incident, topics.frames, value, ms))
        incidents.push(incidentRecord.decode(made.value));
    }
  };
  const beats = signals.flatMap((signal) =>
    Array.from({ length: Math.floor(untilMs / heartbeatMs) }, (_, i) => ({
      ms: (i + 1) * heartbeatMs,
      signal,
      bytes: new Uint8Array(0),
    })),
  );
  for (const { ms, signal, bytes } of [...records, ...beats].sort((a, b) => a.ms - b.ms)) {
    const topic = sourceTopics[signal];
    for (const batch of step(aggregate.get(`${topic}/0`) as Reducer, topic, bytes, ms))
      for (const made of step(detect, topics.windows, batch.value, ms)) onDetected(made, ms);
  }
  return {
    closed,
    incidents,
    states: (wanted, window) =>
      (frames.get(window)?.cells ?? [])
        .flatMap(({ signals }) => signals.filter(({ signal }) => signal === wanted))
        .map(({ state }) => state),
  };
}

/** When the first page was decided, as the start of its window in ms from the start of the scene. */
export function firstPageMs({ incidents }: SceneOutcome): number | undefined {
  const page = incidents.find(({ transition }) => transition === "paged");
  return page === undefined ? undefined : page.windowStartMs - sceneStartMs;
}
