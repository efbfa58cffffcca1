/** Incidents: one record a transition (topic `foreshock.incidents`). Everything that an alert says is in it. */
import * as z from "zod";
import { type CellKey, parseCellKey } from "./cell.ts";
import { signalNames } from "./frame.ts";
import { jsonRecord } from "./json-record.ts";

export const transitions = [
  "opened",
  "ticketed",
  "paged",
  "grew",
  "acknowledged",
  "resolved",
] as const;
export type Transition = (typeof transitions)[number];

/**
 * pending: something is unusual, not yet enough to tell anyone. firing: a ticket or a page is out. resolving: evidence has
 * gone, waiting out the hysteresis. resolved: over.
 */
export const phases = ["pending", "firing", "resolving", "resolved"] as const;

export const severities = ["none", "ticket", "page"] as const;
export type Severity = (typeof severities)[number];

const nullableNumber = z.number().nullable();
const cell = z.string().transform((key) => key as CellKey);

/** One line of proof: what was seen in a cell, against what was expected. Values in the signal's unit. */
export const evidenceSchema = z.object({
  signal: z.enum(signalNames),
  cell,
  seen: nullableNumber,
  expected: nullableNumber,
  low: nullableNumber,
  high: nullableNumber,
  bad: z.number(),
  of: z.number(),
  surprise: z.number(),
  /** First window in which this signal was unusual, Unix ms. */
  sinceMs: z.number(),
});

export const attributionSchema = z.object({
  dimension: z.string(),
  value: z.string(),
  bad: z.number(),
  of: z.number(),
  /** Share of all bad requests that carry this value, 0 … 1. */
  share: z.number(),
  /** Share of all requests that carry it, 0 … 1: what `share` would be if the value did not matter. */
  expectedShare: z.number(),
  /** Whether the alert names it as the place. */
  isNamed: z.boolean(),
});

export const incidentSchema = z.object({
  /** Stable over restarts and replays: derived from the first cell, signal and window. */
  incident: z.string(),
  /** Counts an incident's records from 1. */
  revision: z.number(),
  epoch: z.number(),
  /** Append time that let the deciding window close, Unix ms. */
  atMs: z.number(),
  windowStartMs: z.number(),
  windowMs: z.number(),
  transition: z.enum(transitions),
  phase: z.enum(phases),
  severity: z.enum(severities),
  /** First line of the alert without its severity. */
  title: z.string(),
  /** The smallest true places, attribute names as the telemetry has them; empty: a uniform fault. */
  dimensions: z.array(z.record(z.string(), z.string())),
  /** Degraded cells now, worst first (at most 50), and how many there are of how many live ones. */
  cells: z.array(cell),
  degradedCells: z.number(),
  liveCells: z.number(),
  /** Share of usual traffic in degraded cells, 0 … 1. */
  degradedShare: z.number(),
  /** Ratio of their requests that fail beyond the usual, over the last minute or two, 0 … 1; absent from older records. */
  failing: z.number().optional(),
  signals: z.array(z.enum(signalNames)),
  leadingSignal: z.enum(signalNames),
  evidence: z.array(evidenceSchema),
  attribution: z.array(attributionSchema),
  /** Start of the first window that was unusual, Unix ms. */
  sinceMs: z.number(),
  openedMs: z.number(),
  resolvedMs: nullableNumber,
  spread: z.object({
    doublingMinutes: nullableNumber,
    /** Cells that show a weaker form of the same. */
    next: z.array(cell),
  }),
  /** When the stated threshold will be passed, Unix ms; null where no forecast is made. */
  forecast: z
    .object({
      what: z.string(),
      breachLowMs: z.number(),
      breachMedianMs: z.number(),
      breachHighMs: nullableNumber,
      coverage: z.number(),
    })
    .nullable(),
  /** Since the incident began: requests that failed or were slow, of how many, and an estimate of the tenants touched. */
  totals: z.object({ bad: z.number(), of: z.number(), tenants: z.number() }),
  examples: z.array(z.object({ traceId: z.string(), spanId: z.string(), why: z.string() })),
  /** Why this severity, in a sentence; a ticket says why it is not a page. */
  reason: z.string(),
  /** What spoke, strongest first: `first tokens (1 in 40,000 windows)`, `retries ×1.4`. */
  whyNow: z.array(z.string()).optional(),
});

export type Incident = z.infer<typeof incidentSchema>;
export type Evidence = z.infer<typeof evidenceSchema>;
export type Attribution = z.infer<typeof attributionSchema>;

export const incidentRecord = jsonRecord("incident", 1, incidentSchema);

/** A line of a `--incidents` file. `at` is record time, so that a replay can be scored as if it had been live. */
export function incidentLine(
  incident: Incident,
  labelOf: (signal: Incident["leadingSignal"]) => string,
): string {
  // biome-ignore lint/style/noRestrictedGlobals: formats a given time, reads no clock
  const iso = (ms: number) => new Date(ms).toISOString();
  const { forecast } = incident;
  return JSON.stringify({
    incident: incident.incident,
    at: iso(incident.atMs),
    transition: incident.transition,
    severity: incident.severity,
    title: incident.title,
    dimensions: incident.dimensions,
    cells: incident.degradedCells,
    degraded_share: incident.degradedShare,
    signals: incident.signals.map(labelOf),
    ...(forecast === null
      ? {}
      : {
          forecast: {
            breach_low: iso(forecast.breachLowMs),
            breach_median: iso(forecast.breachMedianMs),
            ...(forecast.breachHighMs === null ? {} : { breach_high: iso(forecast.breachHighMs) }),
          },
        }),
    reason: incident.reason,
  });
}

/**
 * Of the evidence that is wanted, that of the cell which most of the requests in trouble are of: what is said of it holds for most
 * people. Calls of models come before HTTP routes, which hold them.
 */
export function mostHit(
  { evidence }: Pick<Incident, "evidence">,
  isWanted: (evidence: Evidence) => boolean,
): Evidence | undefined {
  const isRoute = (one: Evidence) => Number(parseCellKey(one.cell).kind === "http");
  return evidence
    .filter(isWanted)
    .toSorted((a, b) => isRoute(a) - isRoute(b) || b.bad - a.bad || b.surprise - a.surprise)[0];
}
