/** What notify remembers: open incidents, what each sink was told of them, silences, and work that is not done yet. */
import * as z from "zod";
import { ForeshockError } from "../contracts/errors.ts";
import { incidentSchema, severities, transitions } from "../contracts/incident.ts";
import { checkpointChunkBytes } from "../contracts/records.ts";
import type { SendReason, Told, Tracked } from "./route.ts";

export const notifyStateVersion = 1;

const toldSchema: z.ZodType<Told> = z.object({
  severities: z.array(z.enum(severities)),
  degradedCells: z.number(),
  degradedShare: z.number(),
  failing: z.number().optional(),
  places: z.array(z.record(z.string(), z.string())).optional(),
  /** Of states from before it was kept, nobody is told again. */
  hasForecast: z.boolean().default(true),
  atMs: z.number(),
  renotified: z.number(),
  isResolved: z.boolean(),
  keptAliveMs: z.number(),
  silencedKeys: z.array(z.string()),
  reopened: z.number().default(0),
});

const trackedSchema: z.ZodType<Tracked> = z.object({
  incident: incidentSchema,
  place: z.record(z.string(), z.string()),
  told: z.record(z.string(), toldSchema),
});

const taskSchema = z.object({
  key: z.string(),
  sink: z.string(),
  transition: z.enum([...transitions, "renotified"]),
  why: z.enum([
    "severity_rose",
    "grew_much",
    "place_named",
    "forecast_made",
    "resolved",
    "not_acknowledged_in_time",
    "silence_over",
    "keep_alive",
  ] satisfies (SendReason | "keep_alive")[]),
  incident: incidentSchema,
  place: z.record(z.string(), z.string()),
  severities: z.array(z.enum(severities)),
  /** Append time of the deciding record, or the time at which it fell due, Unix ms. */
  decidedMs: z.number(),
  attempts: z.number(),
  dueMs: z.number(),
});
export type Task = z.infer<typeof taskSchema>;

const silenceSchema = z.object({
  id: z.string(),
  matchers: z.record(z.string(), z.string()),
  untilMs: z.number(),
});

const stateSchema = z.object({
  incidents: z.record(z.string(), trackedSchema),
  silences: z.record(z.string(), silenceSchema),
  /** Acknowledged incidents and when; a command may come before the incident that it speaks of. */
  acknowledged: z.record(z.string(), z.number()),
  tasks: z.array(taskSchema),
});
export type NotifyState = z.infer<typeof stateSchema>;

export const emptyState = (): NotifyState => ({
  incidents: {},
  silences: {},
  acknowledged: {},
  tasks: [],
});

/** The state in chunks of at most 512 KiB. */
export function encodeState(state: NotifyState): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += checkpointChunkBytes)
    chunks.push(bytes.subarray(at, at + checkpointChunkBytes));
  return chunks;
}

/** Throws `checkpoint_invalid` when the chunks are not a state of this version. */
export function decodeState(chunks: readonly Uint8Array[]): NotifyState {
  try {
    return stateSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  } catch (cause) {
    throw new ForeshockError(
      "checkpoint_invalid",
      `notify: the saved state (${chunks.length} chunks) is not one of version ${notifyStateVersion}`,
      { cause },
    );
  }
}
