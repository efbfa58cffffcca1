import { type Outcome, RequestEvent } from "./fleet-event.ts";
import type { Sender, TargetFacts, Tenant } from "./fleet-model.ts";

/** A request under way: the event that it will become, and what only the simulation knows. */
export class RequestState {
  readonly event: RequestEvent;
  /** Facts that targets select by; `region` and `model` follow fail-over and diversion. */
  readonly facts: TargetFacts;
  attempt = 0;
  /** A failure that every attempt meets, decided at the start. */
  fate: Fate | undefined = undefined;
  /** Absolute time after which a person gives up waiting for the first token. */
  patienceEndMs = Infinity;
  readonly wanted: Wanted;

  constructor(sender: Sender, facts: TargetFacts, wanted: Wanted) {
    this.event = new RequestEvent(sender);
    this.facts = facts;
    this.wanted = wanted;
  }
}

/** What a user asks for, before fail-over and diversion. */
export interface Wanted {
  readonly tenant: Tenant;
  readonly requestKind: number;
  readonly model: number;
  readonly region: number;
  /** How often its user asked before. */
  readonly asked: number;
}

export interface Fate {
  readonly outcome: Outcome;
  /** Of each attempt. */
  readonly seconds: number;
  readonly isFaultCaused: boolean;
}

/** What the Python SDKs of OpenAI and Anthropic retry: 408, 409, 429, 5xx, time-outs and connection errors. */
export function isRetried(outcome: Outcome): boolean {
  switch (outcome) {
    case "rate_limit":
    case "overloaded":
    case "server_error":
    case "bad_gateway":
    case "unavailable":
    case "timeout":
    case "connection_error":
      return true;
    default:
      return false;
  }
}
