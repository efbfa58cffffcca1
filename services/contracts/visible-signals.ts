import type { SignalName } from "./frame.ts";

/** Kinds of requests that failed the user, each with its own usual ratio; one request has one of them. */
export const visibleSignals = [
  "failures",
  "rate_limited",
  "auth_failures",
  "cancelled",
  "empty_answers",
  "missing_finish",
  "refused_answers",
] as const satisfies readonly SignalName[];
export type VisibleSignal = (typeof visibleSignals)[number];
