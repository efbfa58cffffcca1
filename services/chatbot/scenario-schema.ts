import { z } from "zod";
import { quantitySchema } from "./quantity.ts";

const minutes = quantitySchema;
const names = z.array(z.string()).min(1);

export const inputBuckets = ["0-1k", "1k-4k", "4k-16k", "16k+"] as const;

/** Which requests, pools or senders a fault hits. Absent = all. `pick` lets the seed choose, by traffic. */
const targetSchema = z.strictObject({
  provider: names.optional(),
  model: names.optional(),
  region: names.optional(),
  operation: z
    .array(z.enum(["chat", "stream", "embeddings", "login", "session"]))
    .min(1)
    .optional(),
  tier: names.optional(),
  tenant: names.optional(),
  version: z.enum(["current", "next"]).optional(),
  inputBucket: z.array(z.enum(inputBuckets)).min(1).optional(),
  instanceShare: z.number().gt(0).max(1).optional().describe("share of the senders, by hash"),
  pick: z
    .strictObject({
      provider: z.int().min(1).optional(),
      model: z.int().min(1).optional(),
      region: z.int().min(1).optional(),
      tenant: z.int().min(1).optional(),
    })
    .optional()
    .describe("how many values the seed chooses, the likelier the more traffic they have"),
});

/** Outcome classes; what a library reports for each is in `error-wording.ts`. */
const errorClasses = [
  "rate_limit",
  "overloaded",
  "server_error",
  "bad_gateway",
  "unavailable",
  "timeout",
  "auth",
  "forbidden",
  "invalid_request",
  "context_length",
  "model_not_found",
  "connection_error",
] as const;

const errorMix = z
  .partialRecord(z.enum(errorClasses), z.number().positive())
  .describe("relative frequency of classes");

const effectSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("error"),
    classes: errorMix,
    blame: z
      .enum(["service", "client"])
      .default("service")
      .describe("client: refusals that the caller earned; never a user-visible failure"),
    afterSeconds: quantitySchema.default(0.2).describe("time that a failed attempt takes"),
    retriesHelp: z
      .boolean()
      .default(false)
      .describe("true: each attempt draws anew; false: a request that is hit stays hit"),
  }),
  z.strictObject({ kind: z.literal("capacity"), of: z.enum(["model", "filter"]).default("model") }),
  z.strictObject({
    kind: z.literal("traffic"),
    loadsPools: z.boolean().default(true).describe("false: refused before it costs capacity"),
  }),
  z.strictObject({ kind: z.literal("first_token"), share: z.number().min(0).max(1).default(1) }),
  z.strictObject({ kind: z.literal("latency"), addSeconds: quantitySchema }),
  z.strictObject({ kind: z.literal("token_speed"), share: z.number().min(0).max(1).default(1) }),
  z.strictObject({ kind: z.literal("cancel"), afterSeconds: quantitySchema }),
  z.strictObject({ kind: z.literal("output_tokens"), factor: z.number().min(0).max(10) }),
  z.strictObject({ kind: z.literal("input_tokens") }),
  z.strictObject({ kind: z.literal("stream_cut") }),
  z.strictObject({
    kind: z.literal("divert"),
    toModel: z.string(),
    shows: z
      .enum(["request", "response"])
      .describe("request: the client asks for the other model; response: only the answer tells"),
  }),
  z.strictObject({ kind: z.literal("failover") }),
  z.strictObject({ kind: z.literal("edge_loss") }),
  z.strictObject({ kind: z.literal("rate_limit_tenants") }),
  z.strictObject({ kind: z.literal("rollout"), version: z.string() }),
  z.strictObject({ kind: z.literal("restart"), everyMinutes: quantitySchema }),
  z.strictObject({ kind: z.literal("profile_shift") }),
  z.strictObject({ kind: z.literal("clock_skew") }),
  z.strictObject({ kind: z.literal("late_batches"), lateSeconds: quantitySchema }),
  z.strictObject({ kind: z.literal("collector_gap") }),
  z.strictObject({ kind: z.literal("duplicates"), lastMinutes: quantitySchema }),
]);

const rampSchema = z.discriminatedUnion("shape", [
  z.strictObject({ shape: z.literal("step") }),
  z.strictObject({ shape: z.literal("linear"), minutes }),
  z
    .strictObject({ shape: z.literal("exponential"), doublingMinutes: minutes })
    .describe("distance from neutral doubles from `from` to `to`"),
  z.strictObject({
    shape: z.literal("ladder"),
    shares: z.array(z.number().min(0)).min(1).describe("of the way from `from` to `to`"),
    gapMinutes: minutes,
  }),
  z.strictObject({
    shape: z.literal("sawtooth"),
    minutes,
    teeth: z.int().min(1),
    reset: z.number().min(0).max(1).default(0).describe("where a tooth falls back to"),
  }),
  z.strictObject({
    shape: z.literal("square"),
    onMinutes: minutes,
    offMinutes: minutes,
    minutes: minutes.describe("time over which the squares grow to full"),
  }),
]);

const faultSchema = z.strictObject({
  name: z.string(),
  about: z.string().optional(),
  target: targetSchema.prefault({}),
  effect: effectSchema,
  startMinutes: minutes.default(0).describe("after the scenario's onset"),
  startsAt: z
    .strictObject({ fault: z.string(), rampShare: z.number().min(0).max(1) })
    .optional()
    .describe("starts when an earlier fault has come this far up its ramp; startMinutes adds"),
  follows: z
    .string()
    .optional()
    .describe(
      "an earlier fault whose start, top and end this one shares; its own times are ignored",
    ),
  ramp: rampSchema,
  from: z.number().optional().describe("level at its start; default: the effect's neutral level"),
  to: z.number().describe("level at the top: a share, or a factor, or what the effect says"),
  jitter: quantitySchema.default(1).describe("multiplies the way from neutral to `to`"),
  limits: z.tuple([z.number(), z.number()]).optional().describe("bounds of `to` after the jitter"),
  holdMinutes: minutes.optional().describe("at the top; default: the scenario's holdMinutes"),
  recoverMinutes: minutes.default(5),
  spread: z
    .strictObject({ by: z.enum(["region", "model", "provider"]), gapMinutes: minutes })
    .optional()
    .describe("reaches the targeted values one after another, in an order that the seed draws"),
});

/** A fault, a confounder or clean traffic; `services/chatbot/scenarios/*.yaml`. */
export const scenarioSchema = z.strictObject({
  scenario: z.string().describe("S01…S20, C01…C16, clean"),
  title: z.string(),
  about: z.string(),
  kind: z.enum(["fault", "confounder", "clean"]),
  lead: z.enum(["large", "small", "none", "detect_only"]).optional(),
  startHourUtc: z.number().min(0).max(24).default(16).describe("hour of the onset, where free"),
  startDay: z.int().min(0).max(13).default(0).describe("days after Monday 2026-03-02"),
  durationMinutes: z.number().positive().default(60).describe("length of a run without faults"),
  demoCompress: z.number().min(1).default(1).describe("compression at which it takes about 90 s"),
  quietMinutes: z.number().min(0).default(30).describe("before the onset"),
  holdMinutes: minutes.default({ median: 60, sigma: 1, min: 10, max: 240 }),
  tailMinutes: z.number().min(0).default(15).describe("after the last fault has gone"),
  twoWaves: z
    .strictObject({
      share: z.number().min(0).max(1).default(0.3),
      firstLevel: quantitySchema.default({ uniform: [0.3, 0.6] }),
      firstHoldMinutes: minutes.default({ median: 15, sigma: 0.5, min: 3, max: 60 }),
      gapMinutes: minutes.default({ median: 60, sigma: 1, min: 10, max: 600 }),
    })
    .optional(),
  fleet: z.record(z.string(), z.unknown()).optional().describe("deep-merged over the fleet"),
  faults: z.array(faultSchema).default([]),
});

export type Scenario = z.infer<typeof scenarioSchema>;
export type Fault = Scenario["faults"][number];
export type Effect = Fault["effect"];
export type Target = Fault["target"];
export type ErrorClass = (typeof errorClasses)[number];
