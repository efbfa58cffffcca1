/** What truly happened, kept from the fleet's events and from the records of detection and incidents: never from what was stored. */
import type { FleetEvent, RequestEvent } from "../../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds } from "../../../services/chatbot/fleet-model.ts";
import { routeOf, traceId } from "../../../services/chatbot/span-shape.ts";
import { type CellKey, parseCellKey } from "../../../services/contracts/cell.ts";
import type { Frame, SignalVerdict } from "../../../services/contracts/frame.ts";
import type { Incident } from "../../../services/contracts/incident.ts";
import type { Outcome } from "../../../services/contracts/outcomes.ts";
import type { Delivery } from "../../../services/contracts/records.ts";
import type { DecodedSpan } from "../fleet-decoded.ts";

/** A model call or an HTTP request, as its telemetry says it. Times µs where not said otherwise. */
export interface Call {
  readonly kind: "genai" | "http";
  readonly provider: string;
  readonly model: string;
  readonly region: string;
  readonly operation: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: Outcome;
  readonly durationUs: number;
  /** NaN where no first token came, or where calls do not stream. */
  readonly firstTokenUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly isStreamed: boolean;
  readonly finish: RequestEvent["finishReason"];
  readonly tenant: number;
  readonly trace: string;
  readonly isEmbedding: boolean;
}

export interface CellVerdict {
  readonly key: CellKey;
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly region: string;
  readonly operation: string;
  readonly windowStartMs: number;
  readonly signals: readonly SignalVerdict[];
}

export interface World {
  readonly calls: readonly Call[];
  readonly verdicts: readonly CellVerdict[];
  readonly incidents: readonly Incident[];
  readonly deliveries: readonly Delivery[];
  /** Spans of the one trace that is looked at. */
  readonly traceSpans: readonly DecodedSpan[];
  readonly trace: string;
}

/** Names that the telemetry has for what the fleet tells apart. */
const told: Partial<Record<RequestEvent["outcome"], Outcome>> = {
  bad_gateway: "unavailable",
  forbidden: "auth",
  context_length: "invalid_request",
  model_not_found: "invalid_request",
};

const callOutcome = (event: RequestEvent): Outcome =>
  told[event.outcome] ?? (event.outcome as Outcome);

/** What the application's status code says of the same: a cancel and a stream that broke had their 200 already. */
function httpOutcome(event: RequestEvent): Outcome {
  const outcome = callOutcome(event);
  if (outcome === "client_cancelled" || outcome === "stream_error") return "ok";
  return outcome === "overloaded" || outcome === "connection_error" ? "unavailable" : outcome;
}

export const micros = (ms: number) => Math.round(ms * 1000);

export function callsOf(fleet: FleetModel, event: FleetEvent): readonly Call[] {
  const nothing = {
    model: "",
    firstTokenUs: Number.NaN,
    inputTokens: 0,
    outputTokens: 0,
    isStreamed: false,
    finish: "stop",
    isEmbedding: false,
  } as const;
  if (event.kind === "filter")
    return [
      {
        ...nothing,
        kind: "http",
        provider: "safety-filter",
        region: fleet.regions[event.request.region]?.name ?? "",
        operation: "POST /v1/classify",
        startMs: event.startMs,
        endMs: event.endMs,
        outcome: event.status === 200 ? "ok" : "unavailable",
        durationUs: micros(event.endMs - event.startMs),
        tenant: event.request.tenant,
        trace: Buffer.from(traceId(event.request)).toString("hex"),
      },
    ];
  if (event.kind !== "request" || event.isLostAtEdge) return [];
  const kind = requestKinds[event.requestKind] ?? "chat";
  const trace = Buffer.from(traceId(event)).toString("hex");
  const region = fleet.regions[event.region]?.name ?? "";
  const http: Call = {
    ...nothing,
    kind: "http",
    provider: "chatbot-api",
    region,
    operation: `POST ${routeOf[kind]}`,
    startMs: event.startMs,
    endMs: event.endMs,
    outcome: httpOutcome(event),
    durationUs: micros(event.endMs - event.startMs),
    tenant: event.tenant,
    trace,
  };
  const model = fleet.models[event.model];
  if (model === undefined) return [http];
  const isOk = event.outcome === "ok";
  return [
    http,
    {
      kind: "genai",
      provider: model.provider,
      model: model.name,
      region,
      operation: model.operation,
      startMs: event.callStartMs,
      endMs: event.callEndMs,
      outcome: callOutcome(event),
      durationUs: micros(event.callEndMs - event.callStartMs),
      firstTokenUs: kind === "stream" ? event.firstTokenSeconds * 1e6 : Number.NaN,
      inputTokens: isOk ? event.inputTokens : 0,
      outputTokens: isOk ? event.outputTokens : 0,
      isStreamed: kind === "stream",
      finish: event.finishReason,
      tenant: event.tenant,
      trace,
      isEmbedding: kind === "embeddings",
    },
  ];
}

export function verdictsOf(frame: Frame): readonly CellVerdict[] {
  return frame.cells.map(({ cell, signals }) => ({
    key: cell,
    ...parseCellKey(cell),
    windowStartMs: frame.windowStartMs,
    signals,
  }));
}
