import type { CaptureRecord, CaptureSignal } from "../log/capture.ts";
import { partitionFor } from "../log/partitioner.ts";
import { EventQueue } from "./event-queue.ts";
import type { FleetEvent } from "./fleet-event.ts";
import type { Sender } from "./fleet-model.ts";
import { Heartbeats } from "./heartbeats.ts";
import { MetricExporters } from "./metric-records.ts";
import { OtlpSpanEncoder } from "./otlp-encoder.ts";
import { childKey, normalAt, unitAt } from "./random.ts";
import type { RunPlan } from "./run-plan.ts";
import { samplingOf } from "./sampling.ts";
import { SenderBatch } from "./sender-batch.ts";
import { filterSpanShape, requestSpans, type SpanShape } from "./span-shape.ts";
import { Transit } from "./transit.ts";

export interface RecordOptions {
  readonly plan: RunPlan;
  /** Source partitions of each signal; default 4, 1, 1. */
  readonly partitions?: Readonly<Record<CaptureSignal, number>>;
  /** Whether metrics are exported too. Default true. */
  readonly metrics?: boolean;
  /** Whether silent partitions get heartbeats. Default true. */
  readonly heartbeats?: boolean;
  /** How long heartbeats go on after the last record, so that windows close. Default 30 s. */
  readonly tailMs?: number;
}

export const defaultPartitions = { traces: 4, metrics: 1, logs: 1 } as const;

/**
 * What a collector would append to the source topics if the events' senders exported them: batches of up to 512
 * spans or 5 s, a way through the network, arrival order, and whatever the plan's faults do to telemetry. As fast
 * as it is read; append times are simulated time.
 */
export function* toRecords(
  events: Iterable<FleetEvent>,
  options: RecordOptions,
): Generator<CaptureRecord, void, undefined> {
  const exporter = new Exporter(options);
  for (const event of events) {
    yield* exporter.release(event.endMs);
    exporter.take(event);
  }
  yield* exporter.finish();
}

class Exporter {
  readonly #plan: RunPlan;
  readonly #partitions: Readonly<Record<CaptureSignal, number>>;
  readonly #encoder: OtlpSpanEncoder;
  readonly #sampling: ReturnType<typeof samplingOf>;
  readonly #batches: (SenderBatch | undefined)[] = [];
  readonly #flushes = new EventQueue<SenderBatch>();
  readonly #transit: Transit;
  readonly #metrics: MetricExporters | undefined;
  readonly #tailMs: number;

  constructor(options: RecordOptions) {
    this.#plan = options.plan;
    const { telemetry } = options.plan.fleet.config;
    this.#partitions = options.partitions ?? defaultPartitions;
    this.#sampling = samplingOf(telemetry.sampling.ratio);
    this.#encoder = new OtlpSpanEncoder(this.#sampling.traceState);
    const hasHeartbeats = options.heartbeats ?? true;
    const heartbeats = hasHeartbeats
      ? new Heartbeats(this.#partitions, options.plan.startMs)
      : undefined;
    this.#transit = new Transit(options.plan, heartbeats);
    const hasMetrics = options.metrics ?? true;
    this.#metrics = hasMetrics ? new MetricExporters(options.plan) : undefined;
    this.#tailMs = options.tailMs ?? 30_000;
  }

  take(event: FleetEvent): void {
    const { fleet } = this.#plan;
    this.#metrics?.observe(event);
    switch (event.kind) {
      case "request":
        for (const span of requestSpans(fleet, event)) this.#add(span, event.endMs);
        return;
      case "filter":
        this.#add(filterSpanShape(fleet, event), event.endMs);
        return;
      case "active":
      case "pool": {
        const payload = this.#metrics?.export(
          event,
          this.#transit.skewMs(event.sender, event.endMs),
        );
        if (payload === undefined) return;
        const partition = partitionFor(event.sender.instanceId, this.#partitions.metrics);
        this.#send("metrics", event.sender, event.endMs, [{ partition, payload }]);
        return;
      }
    }
  }

  /** Records that have arrived by now, in order of arrival. */
  *release(nowMs: number): Generator<CaptureRecord, void, undefined> {
    while (this.#flushes.nextMs <= nowMs) {
      const atMs = this.#flushes.nextMs;
      yield* this.#transit.arrivedBy(atMs);
      const batch = this.#flushes.pop();
      if (batch?.isScheduled) this.#flush(batch, atMs);
    }
    yield* this.#transit.arrivedBy(nowMs);
  }

  *finish(): Generator<CaptureRecord, void, undefined> {
    yield* this.release(this.#plan.endMs);
    yield* this.release(this.#plan.endMs + this.#plan.fleet.config.telemetry.batchSeconds * 1000);
    yield* this.#transit.arrivedBy(
      Math.max(this.#plan.endMs, this.#transit.latestMs) + this.#tailMs,
    );
  }

  #add(span: SpanShape, nowMs: number): void {
    if (!this.#sampling.keeps(span.traceId)) return;
    const batch = this.#batchOf(span.sender);
    batch.add(span, this.#transit.skewMs(span.sender, nowMs));
    const { batchSeconds, batchSpans } = this.#plan.fleet.config.telemetry;
    if (batch.spans >= batchSpans) {
      this.#flush(batch, nowMs);
    } else if (!batch.isScheduled) {
      // The processor's timer runs from its start, so each sender has its own phase.
      const intervalMs = batchSeconds * 1000;
      const phaseMs = unitAt(span.sender.key, 11) * intervalMs;
      const turns = Math.floor((nowMs - phaseMs) / intervalMs) + 1;
      batch.isScheduled = true;
      this.#flushes.push(phaseMs + turns * intervalMs, batch);
    }
  }

  #batchOf(sender: Sender): SenderBatch {
    const known = this.#batches[sender.index];
    if (known !== undefined) return known;
    const batch = new SenderBatch(sender, this.#encoder, this.#partitions.traces);
    this.#batches[sender.index] = batch;
    return batch;
  }

  #flush(batch: SenderBatch, nowMs: number): void {
    this.#send("traces", batch.sender, nowMs, batch.flush());
  }

  #send(
    signal: CaptureSignal,
    sender: Sender,
    nowMs: number,
    requests: readonly { readonly partition: number; readonly payload: Uint8Array }[],
  ): void {
    const key = childKey(sender.key, Math.floor(nowMs - this.#plan.startMs));
    const wayMs = this.#plan.fleet.config.telemetry.networkMs * Math.exp(0.4 * normalAt(key, 1));
    const lateMs = this.#transit.lateMs(sender, key, nowMs);
    for (const request of requests) {
      this.#transit.send({ signal, ...request }, nowMs + wayMs + lateMs);
    }
  }
}
