import {
  type Attributes,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type TraceState,
  trace,
} from "@opentelemetry/api";
import { OTLPMetricExporter as GrpcMetricExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as HttpMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as HttpTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import {
  BatchSpanProcessor,
  type IdGenerator,
  SamplingDecision,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { RequestEvent } from "./fleet-event.ts";
import { requestKinds, type Sender } from "./fleet-model.ts";
import {
  callMetricAttributes,
  durationBounds,
  durationName,
  firstChunkName,
} from "./metric-shape.ts";
import { resourceAttributes } from "./resource-shape.ts";
import type { RunPlan } from "./run-plan.ts";
import { type AttributeValue, type SpanShape, scopes } from "./span-shape.ts";

export interface SdkTarget {
  /** `http://host:4318` or, for gRPC, `http://host:4317`. */
  readonly endpoint: string;
  readonly protocol: "http/protobuf" | "grpc";
  /** Written into each span; undefined without sampling. */
  readonly traceState: TraceState | undefined;
  readonly hasMetrics: boolean;
}

/** One process of the fleet with its own OpenTelemetry SDK: tracer and meter provider, exporters, one resource. */
export class SdkSender implements AsyncDisposable {
  readonly #tracers: TracerProvider;
  readonly #meters: MeterProvider | undefined;
  readonly #ids = new GivenIds();
  readonly #plan: RunPlan;
  #active = 0;

  constructor(plan: RunPlan, sender: Sender, target: SdkTarget) {
    this.#plan = plan;
    const { batchSeconds, batchSpans, metricsSeconds } = plan.fleet.config.telemetry;
    const resource = resourceFromAttributes(toAttributes(resourceAttributes(sender)));
    const url = (signal: string) =>
      target.protocol === "grpc" ? target.endpoint : `${target.endpoint}/v1/${signal}`;
    const isGrpc = target.protocol === "grpc";
    const { traceState } = target;
    this.#tracers = new TracerProvider({
      resource,
      idGenerator: this.#ids,
      // What is not sampled never comes here; the sampler only states the probability.
      sampler: {
        shouldSample: () => ({
          decision: SamplingDecision.RECORD_AND_SAMPLED,
          ...(traceState === undefined ? {} : { traceState }),
        }),
        toString: () => "FleetSampler",
      },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: isGrpc
            ? new GrpcTraceExporter({ url: url("traces") })
            : new HttpTraceExporter({ url: url("traces") }),
          maxExportBatchSize: batchSpans,
          maxQueueSize: 16 * batchSpans,
          scheduledDelayMillis: batchSeconds * 1000,
        }),
      ],
    });
    if (!target.hasMetrics || sender.service !== "chatbot-api") return;
    this.#meters = new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({
          exporter: isGrpc
            ? new GrpcMetricExporter({ url: url("metrics") })
            : new HttpMetricExporter({ url: url("metrics") }),
          exportIntervalMillis: metricsSeconds * 1000,
          exportTimeoutMillis: Math.min(30_000, metricsSeconds * 1000),
        }),
      ],
    });
    this.#meters
      .getMeter(scopes.http.name, scopes.http.version)
      .createObservableUpDownCounter("http.server.active_requests", { unit: "{request}" })
      .addCallback((result) =>
        result.observe(this.#active, { "http.request.method": "POST", "url.scheme": "https" }),
      );
  }

  /** Starts and ends a span at its own times; `skewMs` is how far ahead this process's clock is. */
  speak(span: SpanShape, skewMs: number): void {
    const traceId = toHex(span.traceId);
    this.#ids.next(traceId, toHex(span.spanId));
    const parent =
      span.parentSpanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId,
            spanId: toHex(span.parentSpanId),
            traceFlags: TraceFlags.SAMPLED,
          });
    const spoken = this.#tracers.getTracer(span.scope.name, span.scope.version).startSpan(
      span.name,
      {
        kind: span.kind === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
        startTime: toHrTime(span.startMs + skewMs),
        attributes: toAttributes(span.attributes),
      },
      parent,
    );
    if (span.status === "ok") spoken.setStatus({ code: SpanStatusCode.OK });
    if (span.status === "error") {
      spoken.setStatus({ code: SpanStatusCode.ERROR, message: span.statusMessage });
    }
    spoken.end(toHrTime(span.endMs + skewMs));
  }

  /** Records a call's durations into the histograms of the GenAI conventions. */
  record(event: RequestEvent): void {
    const model = this.#plan.fleet.models[event.model];
    if (this.#meters === undefined || model === undefined) return;
    const scope = scopes[model.provider];
    const meter = this.#meters.getMeter(scope.name, scope.version);
    const attributes = toAttributes(callMetricAttributes(model, event.outcome));
    const options = { unit: "s", advice: { explicitBucketBoundaries: [...durationBounds] } };
    meter
      .createHistogram(durationName, options)
      .record((event.callEndMs - event.callStartMs) / 1000, attributes);
    const isStream = requestKinds[event.requestKind] === "stream";
    if (isStream && event.outcome === "ok") {
      meter.createHistogram(firstChunkName, options).record(event.firstTokenSeconds, attributes);
    }
  }

  /** Sets what the in-flight counter reports. */
  setActive(count: number): void {
    this.#active = count;
  }

  async flush(): Promise<void> {
    await this.#tracers.forceFlush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#tracers.shutdown(), this.#meters?.shutdown()]);
  }
}

/** Gives the ids that the simulation drew. */
class GivenIds implements IdGenerator {
  #traceId = "";
  #spanId = "";

  next(traceId: string, spanId: string): void {
    this.#traceId = traceId;
    this.#spanId = spanId;
  }

  generateTraceId(): string {
    return this.#traceId;
  }

  generateSpanId(): string {
    return this.#spanId;
  }
}

function toAttributes(pairs: readonly (readonly [string, AttributeValue])[]): Attributes {
  return Object.fromEntries(
    pairs.map(([key, value]) => [key, typeof value === "object" ? [...value] : value]),
  );
}

function toHrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1000) * 1000];
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
