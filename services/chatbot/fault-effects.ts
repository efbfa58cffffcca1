import { matches } from "./fleet-model.ts";
import { unitAt } from "./random.ts";
import { amountOf, errorFate } from "./request-birth.ts";
import { slot } from "./request-slots.ts";
import type { Fate, RequestState } from "./request-state.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";

/** What the faults that act on single requests (not on pools) do to an attempt. */
export class FaultEffects {
  readonly #errors: readonly PlannedFault[];
  readonly #slow: readonly PlannedFault[];
  readonly #speed: readonly PlannedFault[];
  readonly #cuts: readonly PlannedFault[];
  readonly #cancels: readonly PlannedFault[];

  constructor(plan: RunPlan) {
    const of = (...kinds: string[]) => plan.faults.filter((f) => kinds.includes(f.effect.kind));
    this.#errors = plan.faults.filter((f) => f.effect.kind === "error" && f.effect.retriesHelp);
    this.#slow = of("first_token", "latency");
    this.#speed = of("token_speed");
    this.#cuts = of("stream_cut");
    this.#cancels = of("cancel");
  }

  /** A failure of this attempt alone, from the faults that retries help against. */
  errorOf(state: RequestState, atMs: number, attemptKey: number): Fate | undefined {
    for (const fault of this.#errors) {
      const fate = errorFate(fault, { key: attemptKey, facts: state.facts, atMs });
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  /** Seconds until the first token, slowed. */
  slowed(state: RequestState, atMs: number, plainSeconds: number): number {
    let seconds = plainSeconds;
    for (const fault of this.#slow) {
      if (!matches(fault.target, state.facts)) continue;
      const { effect } = fault;
      const level = levelFor(fault, state, atMs);
      const unit = unitFor(fault, state);
      if (effect.kind === "first_token" && unit < effect.share) seconds *= level;
      if (effect.kind === "latency" && unit < level) {
        const at = slot.fault + fault.index * 8 + 1;
        seconds += amountOf(effect.addSeconds, state.event.key1, at);
      }
    }
    return seconds;
  }

  /** Factor on the token speed; 1 without a fault. */
  tokenSpeed(state: RequestState, atMs: number): number {
    let factor = 1;
    for (const fault of this.#speed) {
      if (fault.effect.kind !== "token_speed" || !matches(fault.target, state.facts)) continue;
      if (unitFor(fault, state) >= fault.effect.share) continue;
      factor *= Math.max(0.01, levelFor(fault, state, atMs));
    }
    return factor;
  }

  isCut(state: RequestState, atMs: number): boolean {
    return this.#cuts.some(
      (fault) =>
        matches(fault.target, state.facts) && unitFor(fault, state) < levelFor(fault, state, atMs),
    );
  }

  /** Seconds after which a fault makes the user go; undefined when none does. */
  cancelSeconds(state: RequestState, atMs: number): number | undefined {
    for (const fault of this.#cancels) {
      if (fault.effect.kind !== "cancel" || !matches(fault.target, state.facts)) continue;
      if (unitFor(fault, state) >= levelFor(fault, state, atMs)) continue;
      const at = slot.fault + fault.index * 8 + 1;
      return amountOf(fault.effect.afterSeconds, state.event.key1, at);
    }
    return undefined;
  }
}

function levelFor(fault: PlannedFault, state: RequestState, atMs: number): number {
  return faultLevel(fault, atMs, state.facts.model, state.facts.region);
}

/** The request's own uniform for a fault: hit below the fault's level, so a rising level only adds hits. */
function unitFor(fault: PlannedFault, state: RequestState): number {
  return unitAt(state.event.key1, slot.fault + fault.index * 8);
}
