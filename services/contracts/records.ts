/** The smaller records: deliveries, commands, dead letters, control (manifest and epochs), checkpoints. */
import * as z from "zod";
import { severities, transitions } from "./incident.ts";
import { jsonRecord } from "./json-record.ts";

/** What happened to one notification for one sink (topic `foreshock.deliveries`). Keyed by (incident, transition, sink). */
export const deliverySchema = z.object({
  /** `incident/revision-or-kind/sink`: the same again after a crash, so that receivers can drop a repeat. */
  key: z.string(),
  incident: z.string(),
  transition: z.enum([...transitions, "renotified"]),
  sink: z.string(),
  severity: z.enum(severities),
  atMs: z.number(),
  outcome: z.enum(["delivered", "failed", "silenced", "acknowledged"]),
  attempts: z.number(),
  /** Append time of the deciding record to the sink's answer, ms. */
  delayMs: z.number(),
  detail: z.string(),
});
export type Delivery = z.infer<typeof deliverySchema>;
export const deliveryRecord = jsonRecord("delivery", 1, deliverySchema);

/** What a person wants (topic `foreshock.commands`), written by the console. */
export const commandSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("acknowledge"),
    incident: z.string(),
    by: z.string(),
    atMs: z.number(),
    note: z.string().default(""),
    verdict: z.enum(["useful", "not useful"]).optional(),
  }),
  z.object({
    kind: z.literal("silence"),
    id: z.string(),
    /** Attribute values that all must match an incident's dimensions; empty matches everything. */
    matchers: z.record(z.string(), z.string()),
    by: z.string(),
    atMs: z.number(),
    untilMs: z.number(),
    note: z.string().default(""),
  }),
  z.object({ kind: z.literal("unsilence"), id: z.string(), by: z.string(), atMs: z.number() }),
]);
export type Command = z.infer<typeof commandSchema>;
export const commandRecord = jsonRecord("command", 1, commandSchema);

/** A record that could not be read (topic `foreshock.deadletter`). */
export const deadLetterSchema = z.object({
  stage: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  appendMs: z.number(),
  code: z.string(),
  reason: z.string(),
  /** The record itself, base64; empty for telemetry, which may hold content: it lies where the place says. */
  value: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;
export const deadLetterRecord = jsonRecord("dead letter", 1, deadLetterSchema);

/** Facts that reducers must agree on (topic `foreshock.control`), each effective from a window boundary. */
export const controlSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("manifest"),
    number: z.number(),
    effectiveFromMs: z.number(),
    /** Source tasks, such as `otlp_spans/0`, in merge order. */
    tasks: z.array(z.string()),
    windowsPartitions: z.number(),
  }),
  z.object({
    kind: z.literal("epoch"),
    number: z.number(),
    effectiveFromMs: z.number(),
    /** Hash of the configuration that results depend on, and of the algorithms' versions. */
    hash: z.string(),
    judgement: z.record(z.string(), z.unknown()),
  }),
]);
export type Control = z.infer<typeof controlSchema>;
export type Manifest = Extract<Control, { kind: "manifest" }>;
export type Epoch = Extract<Control, { kind: "epoch" }>;
export const controlRecord = jsonRecord("control", 1, controlSchema);

/**
 * Last record of a checkpoint (topic `foreshock.checkpoints`, key `task/generation/manifest`); chunks lie under
 * `task/generation/slot/index`, and `task/claim` is the last owner's claim.
 */
export const checkpointSchema = z.object({
  task: z.string(),
  stage: z.string(),
  stateVersion: z.number(),
  epoch: z.number(),
  /** Number of its owner: later owners have higher ones. 0: from before there were any. */
  generation: z.number().default(0),
  /** Of its owner's checkpoints, from 1 on. */
  sequence: z.number().default(0),
  slot: z.enum(["a", "b"]),
  atMs: z.number(),
  /** Next offset to read, by `topic/partition`. */
  offsets: z.record(z.string(), z.number()),
  /** Where reading starts again, where that lies before `offsets`: the state is rebuilt from the log itself. */
  rewind: z.record(z.string(), z.number()),
  /** Last sequence taken from each upstream task, by `topic/partition/task`. */
  consumed: z.record(z.string(), z.number()),
  /** Last sequence written, by `topic/partition`. */
  produced: z.record(z.string(), z.number()),
  /** Hex SHA-256 of each chunk, in order. */
  chunks: z.array(z.string()),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;
export const checkpointRecord = jsonRecord("checkpoint", 1, checkpointSchema);

/** Largest chunk of a checkpoint, bytes. */
export const checkpointChunkBytes = 512 * 1024;
/** Largest record anywhere in the log, bytes; larger requests are split before they are acknowledged. */
export const recordLimitBytes = 900 * 1024;
