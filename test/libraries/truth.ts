/** What a run's provider saw, call by call: the file beside each capture. */
import type { Outcome } from "../../services/contracts/outcomes.ts";
import type { BehaviourName } from "./behaviours.ts";
import type { Attempt } from "./provider-server.ts";

export interface TrueCall {
  readonly call: string;
  readonly behaviour: BehaviourName;
  readonly provider: string;
  readonly api: string;
  readonly operation: string;
  readonly model: string;
  readonly streamed: boolean;
  /** Whether the driver called it inside a span of the application. */
  readonly served: boolean;
  /** Of each attempt, in order. */
  readonly outcomes: readonly Outcome[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly toldTokens: boolean;
}

export interface Truth {
  readonly library: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Day of the run. */
  readonly captured: string;
  readonly firstChunkMs: number;
  readonly calls: readonly TrueCall[];
}

/** Attempts of one call together; what was answered is the last one's. */
export function callsOf(attempts: readonly Attempt[]): TrueCall[] {
  const calls = new Map<string, TrueCall>();
  for (const { outcome, ...attempt } of attempts) {
    const before = calls.get(attempt.call)?.outcomes ?? [];
    calls.set(attempt.call, { ...attempt, outcomes: [...before, outcome] });
  }
  return [...calls.values()];
}
