/** How one model call (or HTTP request) ended. The order is part of the wire format: append only. */
export const outcomes = [
  "ok",
  "rate_limit",
  "overloaded",
  "server_error",
  "unavailable",
  "timeout",
  "connection_error",
  "stream_error",
  "invalid_request",
  "auth",
  "client_cancelled",
  "other",
] as const;

export type Outcome = (typeof outcomes)[number];

/** Position of an outcome in `outcomes`. */
export const outcomeIndex: Readonly<Record<Outcome, number>> = Object.fromEntries(
  outcomes.map((outcome, index) => [outcome, index]),
) as Record<Outcome, number>;

/**
 * Groups that signals are made of. `failure`: the service failed the user. `limit`: refused for quota.
 * `client`: the caller's own mistake or choice; never a reason to page by itself.
 */
export type OutcomeGroup = "ok" | "failure" | "limit" | "auth" | "client" | "cancelled";

export const outcomeGroup: Readonly<Record<Outcome, OutcomeGroup>> = {
  ok: "ok",
  rate_limit: "limit",
  overloaded: "failure",
  server_error: "failure",
  unavailable: "failure",
  timeout: "failure",
  connection_error: "failure",
  stream_error: "failure",
  invalid_request: "client",
  auth: "auth",
  client_cancelled: "cancelled",
  other: "failure",
};
