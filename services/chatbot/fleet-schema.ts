import { z } from "zod";

const share = z.number().min(0).max(1);
const weight = z.number().nonnegative();

const regionSchema = z.strictObject({
  name: z.string().describe("cloud.region"),
  cluster: z.string().describe("k8s.cluster.name"),
  weight: weight.describe("relative traffic"),
  utcOffsetHours: z.number().min(-12).max(14).default(0).describe("shifts the daily profile"),
});

const modelSchema = z.strictObject({
  name: z.string().describe("gen_ai.request.model"),
  responseModel: z.string().describe("gen_ai.response.model"),
  provider: z.enum(["openai", "anthropic"]).describe("gen_ai.provider.name"),
  operation: z.enum(["chat", "embeddings"]).default("chat"),
  weight: weight.describe("relative traffic within its operation; 0 = not used until diverted to"),
  poolWeight: weight.optional().describe("traffic that its pools are sized for; default: weight"),
  firstTokenSeconds: z.number().positive().describe("median time to first token at the usual load"),
  firstTokenSigma: z.number().nonnegative().describe("log standard deviation of it"),
  tokensPerSecond: z.number().positive(),
  timeoutSeconds: z
    .number()
    .positive()
    .default(30)
    .describe("client's bound on wait + first token"),
  queueBoundSeconds: z.number().positive().optional().describe("overrides pools.queueBoundSeconds"),
});

const tierSchema = z.strictObject({
  name: z.string(),
  tenantShare: share.describe("share of tenants on this tier"),
  serviceTier: z.string().describe("openai.request.service_tier"),
  hasUsers: z.boolean().default(true).describe("people who give up waiting; false = programs"),
});

const defaultRegions = [
  { name: "us-east-1", cluster: "chat-use1-a", weight: 0.38, utcOffsetHours: -5 },
  { name: "eu-west-1", cluster: "chat-euw1-a", weight: 0.28, utcOffsetHours: 1 },
  { name: "us-west-2", cluster: "chat-usw2-a", weight: 0.2, utcOffsetHours: -8 },
  { name: "ap-southeast-1", cluster: "chat-apse1-a", weight: 0.14, utcOffsetHours: 8 },
];

/** Latency classes: scenarios.md-style medians for small, mid, large and reasoning models; assumed log-sd. */
const defaultModels: z.input<typeof modelSchema>[] = [
  model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", 0.26, [0.5, 0.35, 150]),
  model("gpt-4o", "gpt-4o-2024-08-06", "openai", 0.2, [1.0, 0.4, 80]),
  { ...model("o4-mini", "o4-mini-2025-04-16", "openai", 0.08, [5, 0.55, 60]), timeoutSeconds: 60 },
  model("claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic", 0.14, [0.6, 0.35, 130]),
  model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 0.24, [1.3, 0.4, 70]),
  model("claude-opus-4-1", "claude-opus-4-1-20250805", "anthropic", 0.08, [2.0, 0.45, 45]),
  {
    ...model("text-embedding-3-small", "text-embedding-3-small", "openai", 1, [0.12, 0.35, 10_000]),
    operation: "embeddings",
  },
];

function model(
  name: string,
  responseModel: string,
  provider: "openai" | "anthropic",
  modelWeight: number,
  [firstTokenSeconds, firstTokenSigma, tokensPerSecond]: [number, number, number],
): z.input<typeof modelSchema> {
  return {
    name,
    responseModel,
    provider,
    weight: modelWeight,
    firstTokenSeconds,
    firstTokenSigma,
    tokensPerSecond,
  };
}

const mixSchema = z.strictObject({
  login: share.default(0.06),
  session: share.default(0.08),
  embeddings: share.default(0.08),
  streamShare: share.default(0.7).describe("share of chat requests that stream"),
});

const poolsSchema = z.strictObject({
  utilization: z.number().positive().max(1).default(0.65).describe("u at the mean of the profile"),
  queueBoundSeconds: z.number().positive().default(60),
  deadWork: share.default(0.3).describe("of timed-out attempts that cost capacity nevertheless"),
  autoscale: share.default(0.85).describe("capacity follows profile^autoscale"),
  noiseSigma: z.number().nonnegative().default(0.04).describe("log-sd of other customers' demand"),
});

const filterSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("a safety filter before each model call"),
  utilization: z.number().positive().max(1).default(0.45),
  latencyMs: z.number().positive().default(60),
  queueBoundSeconds: z.number().positive().default(4),
});

const errorsSchema = z.strictObject({
  rateLimit: share.default(0.01).describe("requests whose every attempt gets a 429"),
  other: share.default(0.003).describe("requests that end in any other error"),
  transient: share.default(0.004).describe("first attempts that fail and succeed when retried"),
  badLogin: share.default(0.01).describe("logins with a wrong password: 401, a client's mistake"),
});

const clientsSchema = z.strictObject({
  maxRetries: z.int().min(0).max(10).default(2),
  backoffSeconds: z.number().positive().default(0.5),
  backoffMaxSeconds: z.number().positive().default(8),
  patienceSeconds: z.number().positive().default(60).describe("median; log-sd .5"),
  stopShare: share.default(0.005).describe("streams that people stop by themselves"),
  userRetryShare: share.default(0.3).describe("people who ask again after a failure"),
});

const trafficSchema = z.strictObject({
  dailyAmplitude: share.default(0.39).describe("0.39: peak/trough 2.3"),
  peakHour: z.number().min(0).max(24).default(15).describe("local time"),
  weekendFactor: z.number().nonnegative().default(0.5),
  roughness: z.number().nonnegative().default(0.3).describe("log-sd of a client's slow variation"),
  burstiness: z.number().nonnegative().default(1).describe("scales the clients' CV of gaps"),
});

const samplingSchema = z.strictObject({
  ratio: share
    .gt(0)
    .default(1)
    .describe("head sampling by trace id; writes ot=th into the trace state"),
});

const telemetrySchema = z.strictObject({
  batchSeconds: z.number().positive().default(5),
  batchSpans: z.int().positive().default(512),
  networkMs: z.number().nonnegative().default(30).describe("median way to the collector"),
  httpSpans: z.boolean().default(true).describe("HTTP SERVER spans of the application"),
  filterSpans: z.boolean().default(true).describe("HTTP SERVER spans of the safety filter"),
  anthropic: z
    .enum(["contrib", "sdk", "both"])
    .default("contrib")
    .describe("who instruments Anthropic's calls; both = one span inside the other"),
  metricsSeconds: z.number().positive().default(60).describe("export interval"),
  queueGauges: z.boolean().default(false).describe("vllm:num_requests_* of each pool"),
  contentCanary: z
    .string()
    .optional()
    .describe("text put into gen_ai.input.messages, to test that content is cut"),
  clockSkewMs: z.number().default(0).describe("of skewedShare of the senders"),
  skewedShare: share.default(0),
  lateShare: share.default(0).describe("batches that come late by lateSeconds (median, log-sd .5)"),
  lateSeconds: z.number().nonnegative().default(90),
  sampling: samplingSchema.prefault({}),
});

/** Shape, load and habits of a fleet. Everything has a default; the default is the fleet of the benches. */
export const fleetSchema = z.strictObject({
  requestsPerSecond: z
    .number()
    .positive()
    .max(1_000_000)
    .default(40)
    .describe("mean, all operations"),
  regions: z
    .array(regionSchema)
    .min(1)
    .default(() => z.array(regionSchema).parse(defaultRegions)),
  models: z
    .array(modelSchema)
    .min(1)
    .default(() => z.array(modelSchema).parse(defaultModels)),
  tiers: z
    .array(tierSchema)
    .min(1)
    .default([
      { name: "free", tenantShare: 0.5, serviceTier: "flex", hasUsers: true },
      { name: "plus", tenantShare: 0.35, serviceTier: "default", hasUsers: true },
      { name: "enterprise", tenantShare: 0.15, serviceTier: "priority", hasUsers: false },
    ]),
  tenants: z.int().min(1).max(100_000).default(150),
  zipfExponent: z.number().nonnegative().default(1).describe("of tenants' traffic by rank"),
  instancesPerRegion: z.int().min(1).max(200).default(3),
  serviceVersion: z.string().default("2026.11.1"),
  mix: mixSchema.prefault({}),
  pools: poolsSchema.prefault({}),
  filter: filterSchema.prefault({}),
  errors: errorsSchema.prefault({}),
  clients: clientsSchema.prefault({}),
  traffic: trafficSchema.prefault({}),
  telemetry: telemetrySchema.prefault({}),
});

export type FleetConfig = z.infer<typeof fleetSchema>;
export type FleetInput = z.input<typeof fleetSchema>;
export type ModelConfig = FleetConfig["models"][number];
export type RegionConfig = FleetConfig["regions"][number];
