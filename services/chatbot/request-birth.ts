import { profileShift } from "./conditions.ts";
import type { Outcome } from "./fleet-event.ts";
import { matches, profileAt, requestKinds, type TargetFacts, type Tenant } from "./fleet-model.ts";
import type { Quantity } from "./quantity.ts";
import { childKey, cumulativeOf, normalAt, pickIndex, unitAt } from "./random.ts";
import { slot } from "./request-slots.ts";
import { type Fate, RequestState, type Wanted } from "./request-state.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";
import type { ErrorClass } from "./scenario-schema.ts";
import type { SenderBoard } from "./sender-board.ts";
import { azureConversation, inputBucketOf, lengthAt } from "./token-lengths.ts";

const loginKind = requestKinds.indexOf("login");
const embeddingsKind = requestKinds.indexOf("embeddings");
const streamKind = requestKinds.indexOf("stream");

/** Draws what a request is when it arrives, and whether it is doomed. */
export class RequestBirth {
  readonly #plan: RunPlan;
  readonly #board: SenderBoard;
  readonly #errors: readonly PlannedFault[];
  readonly #tenantLimits: readonly PlannedFault[];
  readonly #lengthFaults: readonly PlannedFault[];
  readonly #moves: readonly PlannedFault[];
  #regions: Float64Array;
  #regionsMs = Number.NEGATIVE_INFINITY;

  constructor(plan: RunPlan, board: SenderBoard) {
    this.#plan = plan;
    this.#board = board;
    const of = (...kinds: string[]) => plan.faults.filter((f) => kinds.includes(f.effect.kind));
    this.#errors = of("error");
    this.#tenantLimits = of("rate_limit_tenants");
    this.#lengthFaults = of("input_tokens", "output_tokens");
    this.#moves = of("divert", "failover");
    this.#regions = cumulativeOf(plan.fleet.regions.map((region) => region.weight));
  }

  /** A request of `tenant` that arrives at `atMs`; its keys decide everything about it. */
  create(tenant: Tenant, keys: readonly [number, number], atMs: number): RequestState {
    const { fleet } = this.#plan;
    const requestKind = this.#kindOf(keys[0]);
    const models = requestKind === embeddingsKind ? fleet.embeddingModels : fleet.chatModels;
    const hasModel = requestKind <= embeddingsKind;
    const model = hasModel ? pickIndex(models, unitAt(keys[0], slot.model)) : -1;
    const region = pickIndex(this.#regionsAt(atMs), unitAt(keys[0], slot.region));
    return this.#build({ tenant, keys, atMs, requestKind, model, region, asked: 0 });
  }

  /** Another request of the same tenant, kind, model and region; all else is drawn from its own keys. */
  createLike(wanted: Wanted, keys: readonly [number, number], atMs: number): RequestState {
    return this.#build({ ...wanted, keys, atMs });
  }

  #build(
    wanted: Wanted & { readonly keys: readonly [number, number]; readonly atMs: number },
  ): RequestState {
    const { fleet } = this.#plan;
    const { tenant, atMs, requestKind } = wanted;
    const [key1, key2] = wanted.keys;
    const hasModel = requestKind <= embeddingsKind;
    let { model, region } = wanted;
    let servedBy = model;
    for (const fault of this.#moves) {
      const { effect } = fault;
      if (!mayMatch(fault, { model, region, requestKind, tenant })) continue;
      if (unitAt(key1, slot.fault + fault.index * 8) >= faultLevel(fault, atMs, model, region))
        continue;
      if (effect.kind === "failover") region = this.#otherRegion(fault, region, key1);
      if (effect.kind === "divert" && hasModel) {
        servedBy = fleet.models.findIndex((m) => m.name === effect.toModel);
        if (effect.shows === "request") model = servedBy;
      }
    }
    const sender = this.#board.choose(region, key1, atMs);
    const lengths = this.#plan.traffic?.lengths ?? azureConversation;
    const plainInput = lengthAt(
      lengths.probabilities,
      lengths.input,
      unitAt(key1, slot.inputTokens),
    );
    const plainOutput = lengthAt(
      lengths.probabilities,
      lengths.output,
      unitAt(key1, slot.outputTokens),
    );
    const facts = {
      model: servedBy,
      region,
      kind: requestKind,
      tier: tenant.tier,
      tenant: tenant.index,
      isNextVersion: this.#board.isNextVersion(sender),
      inputBucket: inputBucketOf(plainInput),
      senderPlace: sender.place,
    };
    const state = new RequestState(sender, facts, wanted);
    const { event } = state;
    event.key1 = key1;
    event.key2 = key2;
    event.requestKind = requestKind;
    event.tenant = tenant.index;
    event.tier = tenant.tier;
    event.region = region;
    event.model = model;
    event.servedBy = servedBy;
    event.startMs = atMs;
    event.callStartMs = atMs + 1 + 4 * unitAt(key1, slot.httpOverhead);
    event.inputTokens = hasModel ? plainInput : 0;
    event.outputTokens = hasModel && requestKind !== embeddingsKind ? plainOutput : 0;
    this.#applyLengths(state, atMs);
    state.fate = this.#faultFate(state, atMs) ?? this.#baseFate(state);
    if (fleet.config.tiers[tenant.tier]?.hasUsers === true && hasModel) {
      const seconds = Math.max(
        fleet.config.clients.patienceSeconds / this.#plan.haste,
        8 * (fleet.models[servedBy]?.firstTokenSeconds ?? 1),
      );
      state.patienceEndMs = atMs + seconds * 1000 * Math.exp(0.5 * normalAt(key1, slot.patience));
    }
    return state;
  }

  #kindOf(key: number): number {
    const { mix } = this.#plan.fleet.config;
    const unit = unitAt(key, slot.kind);
    if (unit < mix.login) return loginKind;
    if (unit < mix.login + mix.session) return requestKinds.indexOf("session");
    if (unit < mix.login + mix.session + mix.embeddings) return embeddingsKind;
    return unitAt(key, slot.stream) < mix.streamShare ? streamKind : 0;
  }

  /** Cumulative traffic of the regions at their local times, renewed once a minute. */
  #regionsAt(unixMs: number): Float64Array {
    if (unixMs - this.#regionsMs >= 60_000) {
      const { config, regions } = this.#plan.fleet;
      this.#regionsMs = Math.floor(unixMs / 60_000) * 60_000;
      const shift = profileShift(this.#plan.faults, this.#regionsMs);
      this.#regions = cumulativeOf(
        regions.map((region) => region.weight * profileAt(config, region, this.#regionsMs, shift)),
      );
    }
    return this.#regions;
  }

  #otherRegion(fault: PlannedFault, region: number, key: number): number {
    const weights = this.#plan.fleet.regions.map((r, index) =>
      fault.target.regions?.has(index) === false ? r.weight : 0,
    );
    const sums = cumulativeOf(weights);
    return (sums[sums.length - 1] ?? 0) > 0 ? pickIndex(sums, unitAt(key, slot.failover)) : region;
  }

  #applyLengths(state: RequestState, atMs: number): void {
    const { event, facts } = state;
    for (const fault of this.#lengthFaults) {
      if (!matches(fault.target, facts)) continue;
      const level = faultLevel(fault, atMs, facts.model, facts.region);
      if (fault.effect.kind === "input_tokens" && level !== 1) {
        event.inputTokens = Math.round(event.inputTokens * level);
      } else if (
        fault.effect.kind === "output_tokens" &&
        unitAt(event.key1, slot.fault + fault.index * 8) < level
      ) {
        event.outputTokens = Math.round(event.outputTokens * fault.effect.factor);
        event.isTouched = true;
      }
    }
  }

  #faultFate(state: RequestState, atMs: number): Fate | undefined {
    const { event, facts } = state;
    for (const fault of this.#tenantLimits) {
      if (!matches(fault.target, facts) || facts.model < 0) continue;
      const tenantKey = this.#plan.fleet.tenants[facts.tenant]?.key ?? 0;
      const level = faultLevel(fault, atMs, facts.model, facts.region);
      if (unitAt(tenantKey, slot.fault + fault.index * 8) < level) {
        return { outcome: "rate_limit", seconds: 0.12, isFaultCaused: true };
      }
    }
    for (const fault of this.#errors) {
      if (fault.effect.kind !== "error" || fault.effect.retriesHelp) continue;
      const fate = errorFate(fault, { key: event.key1, facts, atMs });
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  #baseFate(state: RequestState): Fate | undefined {
    const { errors } = this.#plan.fleet.config;
    const { key1, requestKind, servedBy } = state.event;
    const unit = unitAt(key1, slot.baseError);
    if (unit < errors.other) {
      const outcome = this.#baseClass(key1, requestKind, servedBy);
      return { outcome, seconds: 0.3 + unitAt(key1, slot.attemptSeconds), isFaultCaused: false };
    }
    if (servedBy < 0) {
      const isBad = requestKind === loginKind && unitAt(key1, slot.badLogin) < errors.badLogin;
      return isBad ? { outcome: "auth", seconds: 0.15, isFaultCaused: false } : undefined;
    }
    if (unitAt(key1, slot.baseRateLimit) < errors.rateLimit) {
      return { outcome: "rate_limit", seconds: 0.15, isFaultCaused: false };
    }
    return undefined;
  }

  /** Classes of the base errors: assumed weights. */
  #baseClass(key: number, requestKind: number, model: number): Outcome {
    const unit = unitAt(key, slot.baseErrorClass);
    if (model < 0) return unit < 0.7 ? "server_error" : "unavailable";
    if (unit < 0.4) return "server_error";
    if (unit < 0.6) {
      return this.#plan.fleet.models[model]?.provider === "anthropic"
        ? "overloaded"
        : "unavailable";
    }
    if (unit < 0.75) return "connection_error";
    if (unit < 0.9) return "timeout";
    return requestKind === streamKind ? "stream_error" : "server_error";
  }
}

function mayMatch(
  fault: PlannedFault,
  of: { model: number; region: number; requestKind: number; tenant: Tenant },
): boolean {
  return matches(fault.target, {
    model: of.model,
    region: of.region,
    kind: of.requestKind,
    tier: of.tenant.tier,
    tenant: of.tenant.index,
    isNextVersion: false,
    inputBucket: "",
    senderPlace: 0,
  });
}

/** Whether an error fault hits what `key` stands for, and with which class. */
export function errorFate(
  fault: PlannedFault,
  of: { readonly key: number; readonly facts: TargetFacts; readonly atMs: number },
): Fate | undefined {
  const { effect, index } = fault;
  if (effect.kind !== "error" || !matches(fault.target, of.facts)) return undefined;
  const level = faultLevel(fault, of.atMs, of.facts.model, of.facts.region);
  if (level <= 0 || unitAt(of.key, slot.fault + index * 8) >= level) return undefined;
  const classes = Object.entries(effect.classes);
  const position = pickIndex(
    cumulativeOf(classes.map(([, weight]) => weight ?? 0)),
    unitAt(of.key, slot.fault + index * 8 + 1),
  );
  const outcome = (classes[position]?.[0] ?? "server_error") as ErrorClass;
  const seconds = amountOf(effect.afterSeconds, of.key, slot.fault + index * 8 + 2);
  return { outcome, seconds, isFaultCaused: effect.blame === "service" };
}

/** A quantity drawn anew for one request. */
export function amountOf(quantity: Quantity, key: number, at: number): number {
  if (typeof quantity === "number") return quantity;
  if ("uniform" in quantity) {
    const [low, high] = quantity.uniform;
    return low + (high - low) * unitAt(key, at);
  }
  return quantity.median * Math.exp(quantity.sigma * normalAt(key, at));
}

/** Keys of a request from its tenant and number; of an extra or repeated one from its parent. */
export function requestKeys(tenant: Tenant, sequence: number): readonly [number, number] {
  return [childKey(tenant.key, sequence), childKey(tenant.key ^ 0x5bd1e995, sequence)];
}
