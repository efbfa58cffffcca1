/** Sums over outcome columns, from the contract's own groups: a new outcome is in them at once. */
import {
  type Outcome,
  type OutcomeGroup,
  outcomeGroup,
  outcomes,
} from "../../services/contracts/outcomes.ts";

const inGroups = (...groups: readonly OutcomeGroup[]): readonly Outcome[] =>
  outcomes.filter((outcome) => groups.includes(outcomeGroup[outcome]));

const added = (names: readonly Outcome[]) => names.map((name) => `outcome_${name}`).join(" + ");

/** Requests that the service failed, of a row. */
export const failures = `(${added(inGroups("failure"))})`;

/** Requests that were not refused for the caller's own quota, login or mistake: what failures are a share of. */
export const served = `(requests - ${inGroups("limit", "auth", "client")
  .map((name) => `outcome_${name}`)
  .join(" - ")})`;

export const failureRatio = `sum(${failures}) / nullIf(sum(${served}), 0)`;

/** All outcomes but `ok`, with words for a legend. */
export const errorWords: Readonly<Record<Exclude<Outcome, "ok">, string>> = {
  rate_limit: "rate limited",
  overloaded: "overloaded",
  server_error: "server error",
  unavailable: "unavailable",
  timeout: "time-out",
  connection_error: "connection error",
  stream_error: "broken stream",
  invalid_request: "invalid request",
  auth: "refused login or key",
  client_cancelled: "cancelled by caller",
  other: "other",
};

/** A column for each class of error: its share of all requests. */
export const errorShares = Object.entries(errorWords)
  .map(([outcome, words]) => `sum(outcome_${outcome}) / sum(requests) AS "${words}"`)
  .join(",\n  ");
