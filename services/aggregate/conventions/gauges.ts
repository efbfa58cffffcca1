/** Gauges of requests in flight and in queues, by what servers and proxies call them, and whose they are. */

export interface GaugeOf {
  /** Which attributes name the cell: a route of the application, a model of a model server, an upstream of a proxy. */
  readonly of: "route" | "model" | "upstream";
  /** Name in windows. */
  readonly name: string;
  /** Who serves, where no attribute says. */
  readonly provider?: string;
}

const vllm = { of: "model", provider: "vllm" } as const;
const sglang = { of: "model", provider: "sglang", name: "in_flight" } as const;
const envoy = { of: "upstream", provider: "envoy", name: "in_flight" } as const;

/** By the name of the metric. */
export const gauges: Readonly<Record<string, GaugeOf>> = {
  // Source: OpenTelemetry, HTTP metrics (an UpDownCounter).
  "http.server.active_requests": { of: "route", name: "http.server.active_requests" },
  // Source: vllm-project/vllm, `vllm/v1/metrics/loggers.py`; labels `model_name`, `engine`. With `_` by Collectors that normalise.
  "vllm:num_requests_running": { ...vllm, name: "vllm:num_requests_running" },
  "vllm:num_requests_waiting": { ...vllm, name: "vllm:num_requests_waiting" },
  vllm_num_requests_running: { ...vllm, name: "vllm:num_requests_running" },
  vllm_num_requests_waiting: { ...vllm, name: "vllm:num_requests_waiting" },
  // Source: sgl-project/sglang, `srt/metrics/collector.py`; label `model_name`.
  "sglang:num_running_reqs": sglang,
  "sglang:num_queue_reqs": sglang,
  // Source: Envoy, cluster statistics; from its Prometheus endpoint and from its OpenTelemetry stats sink.
  envoy_cluster_upstream_rq_active: envoy,
  envoy_cluster_upstream_rq_pending_active: envoy,
  "cluster.upstream_rq_active": envoy,
  "cluster.upstream_rq_pending_active": envoy,
};
