/**
 * Which metrics stand for what, and who says so: the one table of mappings. `docs/metrics.md` is written from it.
 *
 * Of metrics that give the same measure of a cell the one that stands first here counts: they tell of the same requests once
 * more (a client's and a server's duration, a counter and a histogram). Nothing is added up over two metrics.
 */

/** What a metric gives a cell. */
export type Gives =
  /** A count of requests, by how they ended. */
  | "requests"
  /** A histogram with an entry a request: its count and its times. */
  | "request-times"
  /** Histograms of times, an entry a request. */
  | "duration"
  | "first-token"
  | "per-token"
  /** Histograms of tokens; which, says `gen_ai.token.type`. */
  | "tokens"
  | "input-tokens"
  | "output-tokens"
  | "retries"
  /** Levels. */
  | "in-flight"
  | "queued"
  | "cache-usage";

/** How the attributes say that a request ended. */
export type EndsBy = "error.type" | "status" | "envoy-code" | "finished-reason";

export interface MetricMapping {
  /** Names under which it arrives: its own, and what exporters and scrapers make of it. */
  readonly names: readonly string[];
  /** Which attributes name the cell: a route of the application, a model, an upstream of a proxy. */
  readonly of: "route" | "model" | "upstream";
  readonly gives: Gives;
  /** Who serves, where no attribute says. */
  readonly provider?: string;
  readonly endsBy?: EndsBy;
  /** Name of the level in windows. */
  readonly gauge?: string;
  /** µs (or tokens) in one of the metric's units, where its unit does not say. */
  readonly scale?: number;
  readonly source: string;
}

const seconds = 1_000_000;
const milliseconds = 1_000;

const genAi = "OpenTelemetry GenAI conventions, metrics (gen_ai.*)";
const http = "OpenTelemetry HTTP conventions, metrics";
const vllmSource = "vllm-project/vllm, vllm/v1/metrics/loggers.py";
const sglangSource = "sgl-project/sglang, python/sglang/srt/metrics/collector.py";
const envoySource = "Envoy, cluster statistics (cluster_stats.rst)";

const ofModel = { of: "model", source: genAi, scale: seconds } as const;
const ofRoute = { of: "route", source: http } as const;
const vllm = { of: "model", provider: "vllm", source: vllmSource, scale: seconds } as const;
const sglang = { of: "model", provider: "sglang", source: sglangSource, scale: seconds } as const;
const envoy = { of: "upstream", provider: "envoy", source: envoySource } as const;

/** A name of OpenTelemetry's, and what Prometheus' exporters make of it. */
function exported(name: string, unit: "seconds" | "milliseconds" | "" = ""): readonly string[] {
  const bare = name.replaceAll(".", "_");
  return unit === "" ? [name, bare] : [name, `${bare}_${unit}`, bare];
}

/** A name of Prometheus' with a colon, and what scrapers that normalise make of it. */
const scraped = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => [name, name.replace(":", "_")]);

/** Envoy's, from its Prometheus endpoint and from its OpenTelemetry stats sink. */
const upstream = (name: string): readonly string[] => [
  `envoy_cluster_upstream_${name}`,
  `cluster.upstream_${name}`,
];

export const metricMappings: readonly MetricMapping[] = [
  {
    ...ofModel,
    names: exported("gen_ai.client.operation.duration", "seconds"),
    gives: "request-times",
    endsBy: "error.type",
  },
  {
    ...ofModel,
    names: exported("gen_ai.server.request.duration", "seconds"),
    gives: "request-times",
    endsBy: "error.type",
  },
  {
    ...ofModel,
    names: exported("gen_ai.client.operation.time_to_first_chunk", "seconds"),
    gives: "first-token",
  },
  {
    ...ofModel,
    names: exported("gen_ai.server.time_to_first_token", "seconds"),
    gives: "first-token",
  },
  {
    ...ofModel,
    names: exported("gen_ai.server.time_per_output_token", "seconds"),
    gives: "per-token",
  },
  {
    ...ofModel,
    scale: 1,
    names: exported("gen_ai.client.token.usage"),
    gives: "tokens",
  },
  {
    ...ofRoute,
    names: exported("http.server.request.duration", "seconds"),
    gives: "request-times",
    endsBy: "status",
    scale: seconds,
  },
  {
    ...ofRoute,
    names: exported("http.server.duration", "milliseconds"),
    gives: "request-times",
    endsBy: "status",
    scale: milliseconds,
  },
  {
    ...ofRoute,
    names: exported("http.server.active_requests"),
    gives: "in-flight",
    gauge: "http.server.active_requests",
  },
  {
    ...vllm,
    names: scraped("vllm:request_success_total", "vllm:request_success"),
    gives: "requests",
    endsBy: "finished-reason",
  },
  { ...vllm, names: scraped("vllm:e2e_request_latency_seconds"), gives: "duration" },
  { ...vllm, names: scraped("vllm:time_to_first_token_seconds"), gives: "first-token" },
  { ...vllm, names: scraped("vllm:request_time_per_output_token_seconds"), gives: "per-token" },
  { ...vllm, scale: 1, names: scraped("vllm:request_prompt_tokens"), gives: "input-tokens" },
  { ...vllm, scale: 1, names: scraped("vllm:request_generation_tokens"), gives: "output-tokens" },
  {
    ...vllm,
    names: scraped("vllm:num_requests_running"),
    gives: "in-flight",
    gauge: "vllm:num_requests_running",
  },
  {
    ...vllm,
    names: scraped("vllm:num_requests_waiting"),
    gives: "queued",
    gauge: "vllm:num_requests_waiting",
  },
  {
    ...vllm,
    names: scraped("vllm:kv_cache_usage_perc"),
    gives: "cache-usage",
    gauge: "kv_cache_usage",
  },
  {
    ...vllm,
    names: scraped("vllm:gpu_cache_usage_perc"),
    gives: "cache-usage",
    gauge: "kv_cache_usage",
  },
  { ...sglang, names: scraped("sglang:e2e_request_latency_seconds"), gives: "request-times" },
  { ...sglang, names: scraped("sglang:time_to_first_token_seconds"), gives: "first-token" },
  { ...sglang, names: scraped("sglang:num_running_reqs"), gives: "in-flight", gauge: "in_flight" },
  { ...sglang, names: scraped("sglang:num_queue_reqs"), gives: "queued", gauge: "queued" },
  {
    ...sglang,
    names: scraped("sglang:token_usage"),
    gives: "cache-usage",
    gauge: "kv_cache_usage",
  },
  { ...envoy, names: upstream("rq"), gives: "requests", endsBy: "envoy-code" },
  { ...envoy, scale: milliseconds, names: upstream("rq_time"), gives: "duration" },
  { ...envoy, names: upstream("rq_retry"), gives: "retries" },
  { ...envoy, names: upstream("rq_active"), gives: "in-flight", gauge: "in_flight" },
  { ...envoy, names: upstream("rq_pending_active"), gives: "queued", gauge: "queued" },
];

const byName = new Map<string, number>();
for (const [number, { names }] of metricMappings.entries())
  for (const name of names) if (!byName.has(name)) byName.set(name, number);

/** Position of the metric's mapping in `metricMappings`, which is its rank as well; undefined for one that stands for nothing. */
export function mappingOf(name: string): number | undefined {
  return byName.get(name);
}

export function isLevel({ gives }: MetricMapping): boolean {
  return gives === "in-flight" || gives === "queued" || gives === "cache-usage";
}
