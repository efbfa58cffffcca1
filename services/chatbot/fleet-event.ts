import type { Sender } from "./fleet-model.ts";

/** How a model call or an HTTP request ended. `ok` includes answers that are empty, cut by a limit or stopped. */
export type Outcome =
  | "ok"
  | "rate_limit"
  | "overloaded"
  | "server_error"
  | "bad_gateway"
  | "unavailable"
  | "timeout"
  | "client_cancelled"
  | "auth"
  | "forbidden"
  | "invalid_request"
  | "context_length"
  | "model_not_found"
  | "connection_error"
  | "stream_error";

export type FinishReason = "stop" | "length" | "content_filter";

/**
 * One user request, at its end. `call…` fields describe the model call inside it; HTTP-only requests (login,
 * session) have `model` −1. Times are true Unix ms with whole microseconds, whatever the sender's clock says.
 * A class, so that all instances share one shape: millions pass through the encoders.
 */
export class RequestEvent {
  readonly kind = "request";
  key1 = 0;
  key2 = 0;
  requestKind = 0;
  tenant = 0;
  tier = 0;
  region = 0;
  sender: Sender;
  /** Model asked for, index into the fleet; −1 for HTTP-only requests. */
  model = -1;
  /** Model whose pool answered; differs from `model` under a fallback. */
  servedBy = -1;
  startMs = 0;
  callStartMs = 0;
  callEndMs = 0;
  endMs = 0;
  /** Wait and first token of the last attempt plus what retries cost before; NaN if no token came. */
  firstTokenSeconds = Number.NaN;
  inputTokens = 0;
  outputTokens = 0;
  retries = 0;
  outcome: Outcome = "ok";
  finishReason: FinishReason = "stop";
  /** Whether the fault changed it: it failed because of it, or was more than 10 % slower. */
  isTouched = false;
  /** Whether it failed because of the fault. */
  isFaultCaused = false;
  /** Never reached the application: the edge lost it. It has no span. */
  isLostAtEdge = false;

  constructor(sender: Sender) {
    this.sender = sender;
  }
}

/** The safety filter's answer before a model call. */
export interface FilterEvent {
  readonly kind: "filter";
  readonly request: RequestEvent;
  readonly sender: Sender;
  readonly attempt: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: 200 | 503;
}

/** HTTP requests that a sender has open. */
export interface ActiveEvent {
  readonly kind: "active";
  readonly sender: Sender;
  readonly endMs: number;
  readonly count: number;
}

/** Queue of a (model, region) pool, as its model server reports it. */
export interface PoolEvent {
  readonly kind: "pool";
  readonly sender: Sender;
  readonly model: number;
  readonly region: number;
  readonly endMs: number;
  readonly running: number;
  readonly waiting: number;
}

/** What happens in a fleet, in the order of `endMs`. */
export type FleetEvent = RequestEvent | FilterEvent | ActiveEvent | PoolEvent;

/**
 * Whether a user had a failure: 5xx, 529, time-out, broken stream, connection error, a login that failed for the
 * fault, 429 and client mistakes only when the fault caused them, and a cancel after waiting in vain.
 */
export function isUserVisibleFailure(event: RequestEvent): boolean {
  switch (event.outcome) {
    case "ok":
      return false;
    case "overloaded":
    case "server_error":
    case "bad_gateway":
    case "unavailable":
    case "timeout":
    case "connection_error":
    case "stream_error":
      return true;
    case "client_cancelled":
      return Number.isNaN(event.firstTokenSeconds);
    case "rate_limit":
    case "auth":
    case "forbidden":
    case "invalid_request":
    case "context_length":
    case "model_not_found":
      return event.isFaultCaused;
  }
}
