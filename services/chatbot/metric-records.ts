import type { MetricName } from "./emitted-telemetry.ts";
import type { ActiveEvent, FleetEvent, PoolEvent } from "./fleet-event.ts";
import { requestKinds, type Sender } from "./fleet-model.ts";
import {
  callMetricAttributes,
  durationBounds,
  durationName,
  firstChunkName,
} from "./metric-shape.ts";
import { encodeRequest, encodeResource, encodeScope, writeKeyValue } from "./otlp-encoder.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import type { RunPlan } from "./run-plan.ts";
import { type Attribute, type Scope, scopes } from "./span-shape.ts";

const modelServerScope: Scope = { name: "vllm", version: "0.11.0" };

type Attributes = readonly Attribute[];

interface HistogramState {
  readonly name: MetricName;
  readonly scope: Scope;
  readonly attributes: Attributes;
  readonly buckets: Float64Array;
  count: number;
  sum: number;
}

/** Cumulative metrics of every sender, exported when its reader's interval ends. */
export class MetricExporters {
  readonly #plan: RunPlan;
  readonly #histograms: Map<string, HistogramState>[] = [];
  readonly #resources: (Uint8Array | undefined)[] = [];

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** Records a call's durations. */
  observe(event: FleetEvent): void {
    if (event.kind !== "request" || event.model < 0 || event.isLostAtEdge) return;
    const model = this.#plan.fleet.models[event.model];
    if (model === undefined) return;
    const attributes = callMetricAttributes(model, event.outcome);
    const scope = scopes[model.provider];
    const key = attributes.map(([, value]) => value).join(" ");
    const seconds = (event.callEndMs - event.callStartMs) / 1000;
    this.#record(event.sender, durationName, key, { scope, attributes, value: seconds });
    const isStream = requestKinds[event.requestKind] === "stream";
    if (isStream && event.outcome === "ok") {
      const value = event.firstTokenSeconds;
      this.#record(event.sender, firstChunkName, key, { scope, attributes, value });
    }
  }

  /** One export of a sender's metrics as `ExportMetricsServiceRequest`; undefined when there is nothing. */
  export(event: ActiveEvent | PoolEvent, skewMs: number): Uint8Array | undefined {
    const startMs = this.#plan.startMs + skewMs;
    const nowMs = event.endMs + skewMs;
    const { sender } = event;
    const resource = this.#resources[sender.index] ?? encodeResource(sender);
    this.#resources[sender.index] = resource;
    if (event.kind === "pool") {
      const labels: Attributes = [["model_name", this.#plan.fleet.models[event.model]?.name ?? ""]];
      const elements = new ProtobufWriter();
      const gauge = (name: MetricName, value: number) =>
        elements.bytesField(2, gaugeMetric(name, labels, nowMs, value));
      gauge("vllm:num_requests_running", event.running);
      gauge("vllm:num_requests_waiting", event.waiting);
      return encodeRequest(resource, [
        { scope: encodeScope(modelServerScope), elements: elements.take() },
      ]);
    }
    const parts = new Map<Scope, ProtobufWriter>();
    const partOf = (scope: Scope) => {
      const known = parts.get(scope) ?? new ProtobufWriter();
      parts.set(scope, known);
      return known;
    };
    partOf(scopes.http).bytesField(2, activeMetric(startMs, nowMs, event.count));
    for (const state of this.#histograms[sender.index]?.values() ?? []) {
      partOf(state.scope).bytesField(2, histogramMetric(state, startMs, nowMs));
    }
    const encoded = [...parts].map(([scope, elements]) => ({
      scope: encodeScope(scope),
      elements: elements.take(),
    }));
    return encodeRequest(resource, encoded);
  }

  #record(
    sender: Sender,
    name: MetricName,
    key: string,
    of: { readonly scope: Scope; readonly attributes: Attributes; readonly value: number },
  ): void {
    const ofSender = this.#histograms[sender.index] ?? new Map<string, HistogramState>();
    this.#histograms[sender.index] = ofSender;
    const fullKey = `${name} ${key}`;
    let state = ofSender.get(fullKey);
    if (state === undefined) {
      const buckets = new Float64Array(durationBounds.length + 1);
      state = { name, scope: of.scope, attributes: of.attributes, buckets, count: 0, sum: 0 };
      ofSender.set(fullKey, state);
    }
    const found = durationBounds.findIndex((bound) => of.value <= bound);
    const bucket = found < 0 ? durationBounds.length : found;
    state.buckets[bucket] = (state.buckets[bucket] ?? 0) + 1;
    state.count += 1;
    state.sum += of.value;
  }
}

const cumulative = 2;

/** `http.server.active_requests`, an UpDownCounter: a cumulative sum that is not monotonic. */
function activeMetric(startMs: number, nowMs: number, count: number): Uint8Array {
  const attributes: Attributes = [
    ["http.request.method", "POST"],
    ["url.scheme", "https"],
  ];
  const sum = new ProtobufWriter();
  sum.bytesField(1, numberPoint({ attributes, startMs, nowMs, value: count }));
  sum.tag(2, 0);
  sum.varint(cumulative);
  return metric("http.server.active_requests", "{request}", 7, sum.view());
}

function gaugeMetric(
  name: MetricName,
  attributes: Attributes,
  nowMs: number,
  value: number,
): Uint8Array {
  const gauge = new ProtobufWriter();
  gauge.bytesField(1, numberPoint({ attributes, startMs: undefined, nowMs, value }));
  return metric(name, "", 5, gauge.view());
}

function histogramMetric(state: HistogramState, startMs: number, nowMs: number): Uint8Array {
  const point = new ProtobufWriter();
  point.tag(2, 1);
  point.fixed64Nanos(startMs);
  point.tag(3, 1);
  point.fixed64Nanos(nowMs);
  point.tag(4, 1);
  point.fixed64(state.count);
  point.tag(5, 1);
  point.double(state.sum);
  const counts = new ProtobufWriter(128);
  for (const count of state.buckets) counts.fixed64(count);
  point.bytesField(6, counts.view());
  const bounds = new ProtobufWriter(128);
  for (const bound of durationBounds) bounds.double(bound);
  point.bytesField(7, bounds.view());
  writeAttributes(point, 9, state.attributes);
  const histogram = new ProtobufWriter();
  histogram.bytesField(1, point.view());
  histogram.tag(2, 0);
  histogram.varint(cumulative);
  return metric(state.name, "s", 9, histogram.view());
}

function numberPoint(of: {
  readonly attributes: Attributes;
  readonly startMs: number | undefined;
  readonly nowMs: number;
  readonly value: number;
}): Uint8Array {
  const point = new ProtobufWriter(256);
  if (of.startMs !== undefined) {
    point.tag(2, 1);
    point.fixed64Nanos(of.startMs);
  }
  point.tag(3, 1);
  point.fixed64Nanos(of.nowMs);
  point.tag(6, 1);
  point.fixed64(of.value);
  writeAttributes(point, 7, of.attributes);
  return point.take();
}

function metric(name: MetricName, unit: string, field: 5 | 7 | 9, data: Uint8Array): Uint8Array {
  const out = new ProtobufWriter(data.length + 128);
  out.textField(1, name);
  if (unit !== "") out.textField(3, unit);
  out.bytesField(field, data);
  return out.take();
}

function writeAttributes(out: ProtobufWriter, field: number, attributes: Attributes): void {
  const attribute = new ProtobufWriter(128);
  for (const [key, value] of attributes) {
    attribute.clear();
    writeKeyValue(attribute, key, value);
    out.bytesField(field, attribute.view());
  }
}
