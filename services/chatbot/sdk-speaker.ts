import { createTraceState } from "@opentelemetry/api";
import type { FleetEvent } from "./fleet-event.ts";
import type { Sender } from "./fleet-model.ts";
import type { RunPlan } from "./run-plan.ts";
import { samplingOf } from "./sampling.ts";
import { SdkSender, type SdkTarget } from "./sdk-sender.ts";
import { filterSpanShape, requestSpans, type SpanShape } from "./span-shape.ts";
import { Transit } from "./transit.ts";

interface SpeakerOptions {
  /** OTLP endpoint without a path: `http://127.0.0.1:4318`, or 4317 for gRPC. */
  readonly endpoint: string;
  /** Default `http/protobuf`. */
  readonly protocol?: "http/protobuf" | "grpc";
  /** Whether the SDKs export metrics too. Default true. */
  readonly metrics?: boolean;
}

/** The whole fleet's mouth: a real OpenTelemetry SDK for each sender, started when it first speaks. */
export interface SdkSpeaker extends AsyncDisposable {
  /** Speaks an event's spans with their own start and end times, now; returns how many there were. */
  speak(event: FleetEvent): number;
  /** Resolves when every SDK has exported what it holds. SDKs drop spans beyond 16 batches, so flush before. */
  flush(): Promise<void>;
  /** Flushes and shuts the SDKs down. Idempotent. */
  close(): Promise<void>;
}

/**
 * Lateness, collector gaps and replays happen on the way of the network and are not spoken; clock skew is.
 */
export function openSdkSpeaker(plan: RunPlan, options: SpeakerOptions): SdkSpeaker {
  const sampling = samplingOf(plan.fleet.config.telemetry.sampling.ratio);
  const target: SdkTarget = {
    endpoint: options.endpoint.replace(/\/$/, ""),
    protocol: options.protocol ?? "http/protobuf",
    traceState: sampling.traceState === "" ? undefined : createTraceState(sampling.traceState),
    hasMetrics: options.metrics ?? true,
  };
  const senders = new Map<number, SdkSender>();
  const clocks = new Transit(plan, undefined);
  let closed: Promise<void> | undefined;

  function senderOf(sender: Sender): SdkSender {
    const known = senders.get(sender.index);
    if (known !== undefined) return known;
    const started = new SdkSender(plan, sender, target);
    senders.set(sender.index, started);
    return started;
  }

  function speakSpans(spans: readonly SpanShape[], atMs: number): number {
    const sampled = spans.filter((span) => sampling.keeps(span.traceId));
    for (const span of sampled) {
      senderOf(span.sender).speak(span, clocks.skewMs(span.sender, atMs));
    }
    return sampled.length;
  }

  function speak(event: FleetEvent): number {
    switch (event.kind) {
      case "request":
        if (event.isLostAtEdge) return 0;
        senderOf(event.sender).record(event);
        return speakSpans(requestSpans(plan.fleet, event), event.endMs);
      case "filter":
        return speakSpans([filterSpanShape(plan.fleet, event)], event.endMs);
      case "active":
        senderOf(event.sender).setActive(event.count);
        return 0;
      case "pool":
        return 0;
    }
  }

  async function shutDown(): Promise<void> {
    await Promise.all([...senders.values()].map((sender) => sender[Symbol.asyncDispose]()));
  }

  function close(): Promise<void> {
    closed ??= shutDown();
    return closed;
  }

  return {
    speak,
    async flush() {
      await Promise.all([...senders.values()].map((sender) => sender.flush()));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Wall time and waiting. */
interface SpeakClock {
  nowMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

interface SpeakOptions extends SpeakerOptions {
  /** Events are spoken when it reaches their end; those of the past at once. */
  readonly clock: SpeakClock;
  /** Stops early; what was spoken is still flushed. */
  readonly signal?: AbortSignal;
}

/** Spans spoken without a wait after which the SDKs are flushed. */
const flushAfterSpans = 2000;

/**
 * Speaks events in real time: give the plan a `startMs` of now, or earlier to catch up. Resolves when everything is
 * spoken, flushed and shut down.
 */
export async function speakThroughSdk(
  plan: RunPlan,
  events: Iterable<FleetEvent>,
  options: SpeakOptions,
): Promise<{ readonly spans: number }> {
  const { clock, signal } = options;
  await using speaker = openSdkSpeaker(plan, options);
  let spans = 0;
  let unflushed = 0;
  for (const event of events) {
    if (event.endMs > clock.nowMs()) {
      await clock.sleep(event.endMs - clock.nowMs(), signal).catch((error: unknown) => {
        if (signal?.aborted !== true) throw error;
      });
    }
    if (signal?.aborted === true) break;
    const spoken = speaker.speak(event);
    spans += spoken;
    unflushed += spoken;
    if (unflushed >= flushAfterSpans) {
      await speaker.flush();
      unflushed = 0;
    }
  }
  return { spans };
}
