/** Foreshock's own metrics through the OpenTelemetry SDK, shown to Prometheus; liveness and readiness beside them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Counter, Gauge, Histogram, Meter } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { ForeshockError } from "../contracts/errors.ts";
import {
  type Labels,
  type MetricDefinition,
  type MetricName,
  type Metrics,
  metricDefinitions,
} from "../contracts/metrics.ts";

export interface Telemetry extends AsyncDisposable {
  readonly metrics: Metrics;
  /** `host:port` of /metrics, /healthz and /readyz. */
  readonly address: string;
}

export interface Readiness {
  /** Undefined when ready, else why not, for people. */
  notReadyBecause(): string | undefined;
}

export async function startTelemetry(
  options: { readonly host: string; readonly port: number },
  readiness: Readiness,
): Promise<Telemetry> {
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  // A provider of its own, not the process's global one: two applications in one process each show their own figures.
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "foreshock" }),
    readers: [exporter],
  });
  const metrics = instruments(provider.getMeter("foreshock"));
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const watch = setInterval(() => {
    metrics.set("foreshock_event_loop_delay_seconds", delay.percentile(99) / 1e9);
    delay.reset();
  }, 10_000);
  watch.unref();

  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/metrics") return exporter.getMetricsRequestHandler(request, response);
    if (path === "/healthz")
      return response.writeHead(200, { "content-type": "text/plain" }).end("alive\n");
    if (path === "/readyz") {
      const reason = readiness.notReadyBecause();
      return response
        .writeHead(reason === undefined ? 200 : 503, { "content-type": "text/plain" })
        .end(`${reason ?? "ready"}\n`);
    }
    return response
      .writeHead(404, { "content-type": "text/plain" })
      .end("try /metrics, /healthz or /readyz\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new ForeshockError(
          cause.code === "EADDRINUSE" ? "port_in_use" : "unavailable",
          `metrics.port ${options.port} on ${options.host}: ${cause.code === "EADDRINUSE" ? "another program has it; set metrics.port (FORESHOCK_METRICS_PORT) to a free one or to 0" : cause.message}`,
          { cause },
        ),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    metrics,
    address: `${options.host}:${port}`,
    [Symbol.asyncDispose]() {
      closed ??= (async () => {
        clearInterval(watch);
        delay.disable();
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
        await provider.shutdown();
      })();
      return closed;
    },
  };
}

/** An instrument for every definition, made at start so that each metric shows from the first scrape on. */
function instruments(meter: Meter): Metrics {
  const counters = new Map<MetricName, Counter>();
  const gauges = new Map<MetricName, Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  for (const [name, definition] of Object.entries(metricDefinitions) as [
    MetricName,
    MetricDefinition,
  ][]) {
    const options = { description: definition.help };
    // The exporter adds `_total` to counters itself.
    if (definition.kind === "counter")
      counters.set(name, meter.createCounter(name.replace(/_total$/, ""), options));
    else if (definition.kind === "gauge") gauges.set(name, meter.createGauge(name, options));
    else
      histograms.set(
        name,
        meter.createHistogram(name, {
          ...options,
          ...(definition.buckets === undefined
            ? {}
            : { advice: { explicitBucketBoundaries: [...definition.buckets] } }),
        }),
      );
    if (definition.labels.length === 0) counters.get(name)?.add(0);
  }
  return {
    add: (name: MetricName, value: number, labels?: Labels) =>
      counters.get(name)?.add(value, labels),
    set: (name: MetricName, value: number, labels?: Labels) =>
      gauges.get(name)?.record(value, labels),
    record: (name: MetricName, value: number, labels?: Labels) =>
      histograms.get(name)?.record(value, labels),
  };
}
