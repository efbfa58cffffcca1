/** Which signals belong together: one incident has one family, so that unlike troubles stay apart. */
import type { SignalName } from "../contracts/frame.ts";

/**
 * service: slow, failing, overloaded, the ladder of an outage. quality: answers that arrive but are no good.
 * quota: few tenants run into their own limits. client: callers' mistakes. silence: no requests where there should be.
 * decline: fewer requests than this time of the week usually has.
 */
export const families = ["service", "quality", "quota", "client", "silence", "decline"] as const;
export type Family = (typeof families)[number];

const bySignal: Readonly<Record<SignalName, Family | "context">> = {
  failures: "service",
  rate_limited: "service",
  auth_failures: "service",
  cancelled: "service",
  ttft: "service",
  duration: "service",
  time_per_output_token: "service",
  retries: "service",
  in_flight: "service",
  queued: "service",
  stalled: "service",
  stragglers: "service",
  substituted: "service",
  empty_answers: "quality",
  refused_answers: "quality",
  missing_finish: "quality",
  truncated_answers: "context",
  log_errors: "context",
  client_errors: "client",
  output_tokens: "context",
  traffic: "context",
};

/** Rate limits of few tenants are theirs; of many, the service's. */
export function familyOf(signal: SignalName, isLimitBroad: boolean): Family | "context" {
  return signal === "rate_limited" && !isLimitBroad ? "quota" : bySignal[signal];
}

export const latencySignals = ["ttft", "duration"] as const satisfies readonly SignalName[];
/** What makes people wait. */
export const slownessSignals = [
  ...latencySignals,
  "time_per_output_token",
] as const satisfies readonly SignalName[];
