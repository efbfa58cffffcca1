/** What the imitated provider does to a call, asked for by `behave:NAME` in what the model is sent. */
import type { Outcome } from "../../services/contracts/outcomes.ts";

export interface Behaviour {
  /** How the call ends, seen from its caller. */
  readonly outcome: Outcome;
  /** HTTP status of a refusal; undefined where the answer begins. */
  readonly status?: number;
  /** The API's own error type, where the two providers do not differ. */
  readonly errorType?: string;
  /** `first`: only the first attempt is refused, the second is answered. */
  readonly attempts?: "first";
  readonly ending?: "hang" | "cut" | "error event" | "slow" | "truncated" | "empty" | "tool";
}

export const behaviours = {
  ok: { outcome: "ok" },
  empty: { outcome: "ok", ending: "empty" },
  truncated: { outcome: "ok", ending: "truncated" },
  tool: { outcome: "ok", ending: "tool" },
  "429": { outcome: "rate_limit", status: 429 },
  "529": { outcome: "overloaded", status: 529 },
  "500": { outcome: "server_error", status: 500 },
  "503": { outcome: "unavailable", status: 503 },
  "400": { outcome: "invalid_request", status: 400 },
  "401": { outcome: "auth", status: 401 },
  /** No answer until the caller's patience ends. */
  timeout: { outcome: "timeout", ending: "hang" },
  /** The connection breaks after the first chunks. */
  cut: { outcome: "stream_error", ending: "cut" },
  /** An error event after the first chunks. */
  event: { outcome: "stream_error", ending: "error event" },
  /** Chunks slowly: the caller leaves after the first. */
  cancel: { outcome: "client_cancelled", ending: "slow" },
  /** 429 first, then an answer: retried inside the client, or by what is above it. */
  flaky: { outcome: "ok", status: 429, attempts: "first" },
} as const satisfies Readonly<Record<string, Behaviour>>;

export type BehaviourName = keyof typeof behaviours;

/** Found in everything that is sent as a prompt and answered, so that content can be looked for. */
export const canary = "canary8c41e7";

export interface Wish {
  readonly behaviour: BehaviourName;
  /** Number of the call in its run, to tell attempts of one call from other calls. */
  readonly call: string;
  readonly served: boolean;
}

/** What the prompt asks for, `behave:NAME call:ID [served]`; plain answers where it says nothing. The last mention counts. */
export function wishIn(body: string): Wish {
  const mentions = [...body.matchAll(/behave:(\w+) call:(\w+)( served)?/g)];
  const [, name = "ok", call = "", served] = mentions.at(-1) ?? [];
  const isKnown = Object.hasOwn(behaviours, name);
  if (!isKnown) throw new Error(`behave:${name}: must be one of ${Object.keys(behaviours).join()}`);
  return { behaviour: name as BehaviourName, call, served: served !== undefined };
}
