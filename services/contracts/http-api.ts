/**
 * The console's HTTP API: what the page reads and other programs may. Times are Unix ms, values in their signal's unit.
 * Every error is an `ApiError` with a status that fits.
 */
import * as z from "zod";
import { signalNames, verdictStates } from "./frame.ts";
import { attributionSchema, incidentSchema, phases, severities, transitions } from "./incident.ts";
import { deliverySchema } from "./records.ts";

export const cellStates = ["page", "ticket", "watching", "silent", "learning", "normal"] as const;
/** Worst first. silent: requests were to be expected and none came. learning: no signal is judged yet. */
export type CellState = (typeof cellStates)[number];

const nullableNumber = z.number().nullable();

/** One window of a signal; null where there is no evidence: a gap is a gap. */
const pointSchema = z.object({
  atMs: z.number(),
  seen: nullableNumber,
  expected: nullableNumber,
  low: nullableNumber,
  high: nullableNumber,
});
export type Point = z.infer<typeof pointSchema>;

const signalViewSchema = z.object({
  signal: z.enum(signalNames),
  /** In a user's words: `first tokens`. */
  words: z.string(),
  unit: z.string(),
  state: z.enum(verdictStates),
  seen: nullableNumber,
  expected: nullableNumber,
  low: nullableNumber,
  high: nullableNumber,
  bad: z.number(),
  of: z.number(),
});
export type SignalView = z.infer<typeof signalViewSchema>;

const cellViewSchema = z.object({
  cell: z.string(),
  kind: z.enum(["genai", "http"]),
  provider: z.string(),
  model: z.string(),
  region: z.string(),
  operation: z.string(),
  state: z.enum(cellStates),
  requestsPerSecond: z.number(),
  /** The worst open incident that names the cell. */
  incident: z.string().nullable(),
  /** The one signal that matters most now; null when the window has none. */
  main: signalViewSchema.nullable(),
  /** The main signal of the last quarter of an hour, oldest first; empty in events, which bring only the newest point. */
  points: z.array(pointSchema),
  newest: pointSchema.nullable(),
});
export type CellView = z.infer<typeof cellViewSchema>;

const incidentSummarySchema = z.object({
  incident: z.string(),
  revision: z.number(),
  title: z.string(),
  severity: z.enum(severities),
  phase: z.enum(phases),
  sinceMs: z.number(),
  resolvedMs: nullableNumber,
  degradedCells: z.number(),
  liveCells: z.number(),
  degradedShare: z.number(),
  bad: z.number(),
  of: z.number(),
  /** Part of its requests, of the kind that has it worst, that fails in the newest window, beyond the usual; null when it is over or there are none. */
  failingNow: nullableNumber,
  breachMedianMs: nullableNumber,
  /** End of the forecast's interval; null where there is none. */
  breachHighMs: nullableNumber,
  acknowledgedBy: z.string().nullable(),
  isSilenced: z.boolean(),
});
export type IncidentSummary = z.infer<typeof incidentSummarySchema>;

const silenceViewSchema = z.object({
  id: z.string(),
  matchers: z.record(z.string(), z.string()),
  by: z.string(),
  untilMs: z.number(),
  note: z.string(),
});

const healthLevels = ["empty", "stale", "page", "ticket", "watching", "learning", "good"] as const;
export type HealthLevel = (typeof healthLevels)[number];

const pipelineViewSchema = z.object({
  windowMs: z.number(),
  /** End of the newest judged window: how far the picture reaches; null while no telemetry has come. */
  newestDataMs: nullableNumber,
  /** Data older than this is called stale, ms. */
  staleAfterMs: z.number(),
  /** End of the newest window to the moment its verdict was in the log, ms. */
  verdictDelayMs: nullableNumber,
  spansPerSecond: z.number(),
  /** In the last quarter of an hour. */
  lateSpans: z.number(),
  clampedSpans: z.number(),
  duplicateSpans: z.number(),
  senders: z.number(),
});
export type PipelineView = z.infer<typeof pipelineViewSchema>;

/** GET /api/now, and the event `now`. */
export const nowSchema = z.object({
  atMs: z.number(),
  health: z.object({ level: z.enum(healthLevels), sentence: z.string(), ageMs: nullableNumber }),
  pipeline: pipelineViewSchema,
  /** Open ones worst first, then those resolved in the last day, newest first. */
  incidents: z.array(incidentSummarySchema),
  /** Worst first beyond the limit, then in order of provider, model, region, operation. */
  cells: z.array(cellViewSchema),
  /** Cells beyond what is listed. */
  hiddenCells: z.number(),
  silences: z.array(silenceViewSchema),
  endpoints: z.object({ otlpHttp: z.string(), otlpGrpc: z.string() }),
});
export type Now = z.infer<typeof nowSchema>;

/** GET /api/incidents */
export const incidentListSchema = z.object({ incidents: z.array(incidentSummarySchema) });

const timelineEntrySchema = z.object({
  atMs: z.number(),
  kind: z.enum(["sign", ...transitions, "renotified", "delivery", "failure", "silenced"]),
  what: z.string(),
  where: z.string(),
});
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;

/** GET /api/incidents/:id?timeZone=Europe/Berlin */
export const incidentDetailSchema = z.object({
  summary: incidentSummarySchema,
  /** The newest record of the incident. */
  incident: incidentSchema,
  /** The alert as every sink says it. */
  text: z.string(),
  timeline: z.array(timelineEntrySchema),
  deliveries: z.array(deliverySchema),
  acknowledged: z.object({ by: z.string(), atMs: z.number(), note: z.string() }).nullable(),
  /** The leading signal in the cell where it is worst; null when the log no longer holds it. */
  series: z
    .object({
      signal: z.enum(signalNames),
      words: z.string(),
      unit: z.string(),
      where: z.string(),
      points: z.array(pointSchema),
    })
    .nullable(),
  /** Of the incident's cells, how many were anomalous or at least unusual, per window. */
  spread: z.array(z.object({ atMs: z.number(), anomalous: z.number(), watching: z.number() })),
  attribution: z.array(attributionSchema),
});
export type IncidentDetail = z.infer<typeof incidentDetailSchema>;

/** POST /api/incidents/:id/acknowledge */
export const acknowledgeRequestSchema = z.strictObject({
  by: z.string().min(1).max(100),
  note: z.string().max(1_000).default(""),
  verdict: z.enum(["useful", "not useful"]).optional(),
});

/** POST /api/silences */
export const silenceRequestSchema = z.strictObject({
  /** Attribute names and values that all must fit; `incident` names one incident. */
  matchers: z
    .record(z.string().min(1).max(200), z.string().max(500))
    .refine((matchers) => Object.keys(matchers).length <= 16, "at most 16 matchers"),
  minutes: z.number().min(1).max(10_080),
  by: z.string().min(1).max(100),
  note: z.string().max(1_000).default(""),
});

/** Answer to every POST and DELETE: it is in the log; effects follow within a second. */
export const acceptedSchema = z.object({ accepted: z.literal(true), id: z.string() });

const apiErrorCodes = [
  "bad_request",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "too_large",
  "unsupported_media_type",
  "busy",
  "not_ready",
  "internal",
] as const;
export const apiErrorSchema = z.object({
  error: z.object({ code: z.enum(apiErrorCodes), message: z.string() }),
});
export type ApiError = z.infer<typeof apiErrorSchema>;
export type ApiErrorCode = (typeof apiErrorCodes)[number];
