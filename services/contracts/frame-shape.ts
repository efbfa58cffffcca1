/**
 * The shape of frames: what detect says of every live cell in a window (topic `foreshock.frames`). The incident stage decides on frames
 * alone, so they carry counts beside every judgement, and dimensions where anything is unusual.
 */
import * as z from "zod";
import type { CellKey } from "./cell.ts";
import { outcomes } from "./outcomes.ts";

/** What is judged of a cell. Names stay; ask `signalCatalog` for how to say them. */
export const signalNames = [
  "failures",
  "rate_limited",
  "auth_failures",
  "cancelled",
  "client_errors",
  "ttft",
  "duration",
  "time_per_output_token",
  "retries",
  "empty_answers",
  "truncated_answers",
  "refused_answers",
  "missing_finish",
  "output_tokens",
  "substituted",
  "traffic",
  "in_flight",
  "queued",
  "stalled",
  "log_errors",
  "stragglers",
] as const;

export type SignalName = (typeof signalNames)[number];

/** Signals in records. Never reuse an id. */
export const signalIds = {
  failures: 1,
  rate_limited: 2,
  auth_failures: 3,
  cancelled: 4,
  client_errors: 5,
  ttft: 6,
  duration: 7,
  time_per_output_token: 8,
  retries: 9,
  empty_answers: 10,
  truncated_answers: 11,
  refused_answers: 12,
  missing_finish: 13,
  output_tokens: 14,
  substituted: 15,
  traffic: 16,
  in_flight: 17,
  queued: 18,
  stalled: 19,
  log_errors: 20,
  stragglers: 21,
} as const satisfies Record<SignalName, number>;

/** In records as positions: append only. */
export const verdictStates = [
  "warming",
  "normal",
  "watching",
  "anomalous",
  "blind",
  /** A sampler keeps errors alone: the ratio cannot be known. */
  "sampled",
] as const;
export const directions = ["none", "up", "down"] as const;

export interface SignalInfo {
  /** In a user's words, as the first line of an alert says it: `first tokens`. */
  readonly words: string;
  readonly unit: "ratio" | "µs" | "requests/s" | "tokens" | "requests";
  /** Which way is bad. */
  readonly bad: "up" | "down" | "both";
  /** Name in `--incidents` files. */
  readonly label: string;
  /** A user feels it, or it only foretells. */
  readonly role: "visible" | "precursor" | "context";
}

export const signalCatalog: Readonly<Record<SignalName, SignalInfo>> = {
  failures: {
    words: "failing requests",
    unit: "ratio",
    bad: "up",
    label: "error_ratio",
    role: "visible",
  },
  rate_limited: {
    words: "rate-limited requests",
    unit: "ratio",
    bad: "up",
    label: "rate_limit_ratio",
    role: "visible",
  },
  auth_failures: {
    words: "refused logins and keys",
    unit: "ratio",
    bad: "up",
    label: "auth_ratio",
    role: "visible",
  },
  cancelled: {
    words: "requests given up by the caller",
    unit: "ratio",
    bad: "up",
    label: "cancelled_ratio",
    role: "visible",
  },
  client_errors: {
    words: "invalid requests",
    unit: "ratio",
    bad: "up",
    label: "client_error_ratio",
    role: "context",
  },
  ttft: { words: "first tokens", unit: "µs", bad: "up", label: "ttft_p95", role: "precursor" },
  duration: { words: "answers", unit: "µs", bad: "up", label: "duration_p95", role: "precursor" },
  time_per_output_token: {
    words: "token speed",
    unit: "µs",
    bad: "up",
    label: "time_per_output_token_p50",
    role: "precursor",
  },
  retries: { words: "retries", unit: "ratio", bad: "up", label: "retry_ratio", role: "precursor" },
  empty_answers: {
    words: "empty or far too short answers",
    unit: "ratio",
    bad: "up",
    label: "empty_ratio",
    role: "visible",
  },
  truncated_answers: {
    words: "truncated answers",
    unit: "ratio",
    bad: "up",
    label: "truncated_ratio",
    role: "context",
  },
  refused_answers: {
    words: "refused answers",
    unit: "ratio",
    bad: "up",
    label: "refused_ratio",
    role: "visible",
  },
  missing_finish: {
    words: "answers without an end",
    unit: "ratio",
    bad: "up",
    label: "missing_finish_ratio",
    role: "visible",
  },
  output_tokens: {
    words: "answer length",
    unit: "tokens",
    bad: "down",
    label: "output_tokens_p50",
    role: "context",
  },
  substituted: {
    words: "answers by another model",
    unit: "ratio",
    bad: "up",
    label: "substituted_ratio",
    role: "precursor",
  },
  traffic: { words: "traffic", unit: "requests/s", bad: "both", label: "traffic", role: "context" },
  in_flight: {
    words: "requests in flight",
    unit: "requests",
    bad: "up",
    label: "in_flight",
    role: "precursor",
  },
  queued: {
    words: "requests in queues",
    unit: "requests",
    bad: "up",
    label: "queued",
    role: "precursor",
  },
  stalled: {
    words: "windows in which no request in flight ended",
    unit: "ratio",
    bad: "up",
    label: "stalled",
    role: "precursor",
  },
  log_errors: {
    words: "errors in logs",
    unit: "ratio",
    bad: "up",
    label: "log_error_ratio",
    role: "context",
  },
  stragglers: {
    words: "answers far slower than usual",
    unit: "ratio",
    bad: "up",
    label: "straggler_ratio",
    role: "precursor",
  },
};

const nullableNumber = z.number().nullable();

export const signalVerdictSchema = z.object({
  signal: z.enum(signalNames),
  state: z.enum(verdictStates),
  /** The baseline does not learn, because an incident is open on the cell. */
  isFrozen: z.boolean(),
  /** In the signal's unit; null when the window has no evidence. */
  seen: nullableNumber,
  expected: nullableNumber,
  low: nullableNumber,
  high: nullableNumber,
  /** Requests that are bad in this signal's sense (failed, slow against the baseline, …), of how many that could be. */
  bad: z.number(),
  of: z.number(),
  direction: z.enum(directions),
  /** −log10 of the false-alarm probability of this window, all its detectors taken together; 0 … 30. */
  surprise: z.number(),
  /** Detectors that spoke, strongest first. */
  reasons: z.array(z.object({ detector: z.string(), surprise: z.number() })),
});

export type SignalVerdict = z.infer<typeof signalVerdictSchema>;

const sparse = z.object({ buckets: z.array(z.number()), counts: z.array(z.number()) });

export const cellFrameSchema = z.object({
  cell: z.string().transform((key) => key as CellKey),
  /**
   * Those that ended; where nothing ends any more (see detect's `stall.ts`) those in flight, and as failures, too. Counts of a frame
   * are evidence: where spans are sampled, they are the spans seen. Only `usualRequests` is of all requests.
   */
  requests: z.number(),
  failures: z.number(),
  limited: z.number(),
  authFailures: z.number(),
  tenants: z.number(),
  tenantsFailed: z.number(),
  tenantsLimited: z.number(),
  /** Requests a window that the cell has on average (decayed): its weight in shares. */
  usualRequests: z.number(),
  /** Windows since the last request; 0 when this window has some. */
  quietWindows: z.number(),
  /**
   * Known causes of slowness, so that they can be discounted: recent requests and input tokens against what is usual
   * (1: as usual; null: unknown), and the factor on latencies that detect has already taken out for them.
   */
  context: z
    .object({
      trafficRatio: nullableNumber,
      inputTokensRatio: nullableNumber,
      explainedFactor: z.number(),
    })
    .optional(),
  signals: z.array(signalVerdictSchema),
  /** Only while something is unusual: counts by value of the dimensions that attribution looks at. */
  dimensions: z.array(
    z.object({
      dimension: z.string(),
      values: z.array(
        z.object({
          value: z.string(),
          requests: z.number(),
          failures: z.number(),
          limited: z.number(),
          /** Requests slower than the cell's own usual 95th percentile. */
          slow: z.number(),
          latency: sparse.optional(),
        }),
      ),
    }),
  ),
  examples: z.array(
    z.object({
      traceId: z.string(),
      spanId: z.string(),
      outcome: z.enum(outcomes),
      durationUs: z.number(),
      timeToFirstTokenUs: z.number(),
    }),
  ),
});

export type CellFrame = z.infer<typeof cellFrameSchema>;

export const frameSchema = z.object({
  task: z.string(),
  epoch: z.number(),
  windowStartMs: z.number(),
  windowMs: z.number(),
  appendMs: z.number(),
  part: z.number(),
  parts: z.number(),
  pipeline: z.object({
    spans: z.number(),
    lateSpans: z.number(),
    clampedSpans: z.number(),
    duplicateSpans: z.number(),
    senders: z.number(),
  }),
  cells: z.array(cellFrameSchema),
});

export type Frame = z.infer<typeof frameSchema>;
