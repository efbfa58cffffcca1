/**
 * The incident stage: joins the frames of all detect tasks and makes every global decision. Pure; one task, `incident/0`.
 * All state survives JSON, and what is decided depends on frames and the judgement configuration alone.
 */
import type { Judgement } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { type Frame, frameRecord } from "../contracts/frame.ts";
import { incidentRecord } from "../contracts/incident.ts";
import { checkpointChunkBytes } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { OutputRecord, Reducer, ReducerStage, Snapshot, TaskContext } from "../stage.ts";
import { decideWindow } from "./decide.ts";
import { detectTasks, joinFrame } from "./join.ts";
import { type IncidentState, initialState } from "./state.ts";

export const incidentStage: ReducerStage = {
  kind: "reducer",
  name: "incident",
  reads: [topics.frames],
  writes: [topics.incidents],
  stateVersion: 7,
  checkpoint: "interval",
  create: createIncident,
};

function createIncident(context: TaskContext, saved?: readonly Uint8Array[]): Reducer {
  const state = saved === undefined ? initialState() : readSnapshot(saved);
  return {
    step: (record) => {
      let frame: Frame;
      try {
        frame = record.frame ?? frameRecord.decode(record.value);
      } catch (error) {
        if (!(error instanceof ForeshockError)) throw error;
        return { outputs: [], rejected: { code: error.code, reason: error.message } };
      }
      const joined = joinFrame(state.join, frame, tasksAt(context, frame.windowStartMs));
      if ("refused" in joined)
        return { outputs: [], rejected: { code: "record_invalid", reason: joined.refused } };
      const outputs: OutputRecord[] = [];
      for (const window of joined.windows)
        for (const incident of decideWindow(state, window, judgementOf(context)))
          outputs.push({
            topic: topics.incidents,
            partition: 0,
            value: incidentRecord.encode(incident),
          });
      return { outputs };
    },
    snapshot: () => writeSnapshot(state),
  };
}

function judgementOf(context: TaskContext): Judgement {
  return context.judgement;
}

/** Detect tasks by the manifest that is effective at a window. */
function tasksAt(context: TaskContext, windowStartMs: number): string[] {
  const effective = context.manifests.findLast(
    (manifest) => manifest.effectiveFromMs <= windowStartMs,
  );
  return detectTasks((effective ?? context.manifests[0])?.windowsPartitions ?? 1);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function writeSnapshot(state: IncidentState): Snapshot {
  const bytes = encoder.encode(JSON.stringify(state));
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += checkpointChunkBytes)
    chunks.push(bytes.slice(from, from + checkpointChunkBytes));
  return { chunks };
}

function readSnapshot(chunks: readonly Uint8Array[]): IncidentState {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  try {
    return JSON.parse(decoder.decode(bytes)) as IncidentState;
  } catch (cause) {
    throw new ForeshockError("checkpoint_invalid", "incident: snapshot is not JSON", { cause });
  }
}
