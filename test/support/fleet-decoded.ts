/** The fleet's export requests as protobufjs reads them, flattened to spans that tests can compare. */
import { createHash } from "node:crypto";
import {
  type FleetEvent,
  type FleetInput,
  loadFleet,
  loadScenario,
  planRun,
  type RunOptions,
  type RunPlan,
  simulate,
} from "../../services/chatbot/chatbot.ts";
import type { CaptureRecord } from "../../services/log/capture.ts";
import { type AnyValue, ExportTraceServiceRequest, type KeyValue } from "./otlp-proto.ts";

export type Plain = string | number | boolean | readonly Plain[];

export interface DecodedSpan {
  readonly resource: Readonly<Record<string, Plain>>;
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, Plain>>;
  readonly statusCode: number;
  readonly statusMessage: string;
}

export function decodeSpans(payload: Uint8Array): DecodedSpan[] {
  const request = ExportTraceServiceRequest.decode(payload);
  return (request.resourceSpans ?? []).flatMap((group) =>
    (group.scopeSpans ?? []).flatMap((scoped) =>
      (scoped.spans ?? []).map((span) => ({
        resource: plainAttributes(group.resource?.attributes),
        scope: scoped.scope?.name ?? "",
        name: span.name ?? "",
        kind: span.kind ?? 0,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        traceState: span.traceState ?? "",
        startNanos: BigInt(span.startTimeUnixNano ?? 0),
        endNanos: BigInt(span.endTimeUnixNano ?? 0),
        attributes: plainAttributes(span.attributes),
        statusCode: span.status?.code ?? 0,
        statusMessage: span.status?.message ?? "",
      })),
    ),
  );
}

export function plainAttributes(pairs: readonly KeyValue[] | undefined): Record<string, Plain> {
  return Object.fromEntries((pairs ?? []).map(({ key, value }) => [key ?? "", plain(value)]));
}

function plain(value: AnyValue | undefined): Plain {
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value?.intValue !== undefined) return Number(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue ?? "";
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? new Uint8Array(0)).toString("hex");
}

export function spansOf(records: Iterable<CaptureRecord>): DecodedSpan[] {
  const spans: DecodedSpan[] = [];
  for (const record of records) {
    if (record.signal === "traces" && !record.isHeartbeat)
      spans.push(...decodeSpans(record.payload));
  }
  return spans;
}

/** A digest of everything that a record says, in order. */
export function digestOf(records: Iterable<CaptureRecord>): string {
  const hash = createHash("sha256");
  for (const { signal, isHeartbeat, partition, appendMs, payload } of records) {
    hash.update(`${signal} ${isHeartbeat} ${partition} ${appendMs} ${payload.length}\n`);
    hash.update(payload);
  }
  return hash.digest("hex");
}

export function planOf(
  scenario: string,
  options: Partial<RunOptions> & { readonly shape?: FleetInput } = {},
): RunPlan {
  const { shape, ...rest } = options;
  return planRun({
    scenario: loadScenario(scenario),
    seed: 1,
    fleet: loadFleet(shape ?? {}),
    ...rest,
  });
}

export function requestsOf(plan: RunPlan) {
  return [...simulate(plan)].filter((event: FleetEvent) => event.kind === "request");
}
