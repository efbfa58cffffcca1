import { poolShare, profileAt } from "./fleet-model.ts";
import { congestion, FluidPools, type PoolSpec, tickMs, tokenSpeed } from "./pool.ts";
import { namedRandom, type RandomSource } from "./random.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";

const noiseCorrelationSeconds = 30;

/** What an attempt meets at a pool. */
export interface PoolConditions {
  readonly waitSeconds: number;
  readonly refused: number;
  /** Factor on the nominal time to first token. */
  readonly slowness: number;
}

/**
 * Load and queues of every model pool (model-major) and, behind them, one filter pool a region; stepped in time,
 * once with the faults and once without, under the same noise, so that a request knows what the fault changed.
 */
export class Conditions {
  readonly #plan: RunPlan;
  readonly #specs: readonly PoolSpec[];
  readonly #withFaults: FluidPools;
  /** The same pools where there are no faults. */
  readonly #without: FluidPools;
  readonly #noise: Float64Array;
  readonly #random: readonly RandomSource[];
  readonly #demand: Float64Array;
  readonly #capacity: Float64Array;
  readonly #cleanDemand: Float64Array;
  readonly #cleanCapacity: Float64Array;
  /** Share of each pool's traffic that a fault covers, by fault. */
  readonly #shares: readonly Float64Array[];
  #nowMs: number;
  #ticks = 0;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    const { fleet } = plan;
    this.#specs = poolSpecs(plan);
    const { maxRetries, backoffSeconds, userRetryShare } = fleet.config.clients;
    const habits = { maxRetries, backoffSeconds, userRetryShare };
    this.#withFaults = new FluidPools(this.#specs, habits);
    this.#without =
      plan.faults.length === 0 ? this.#withFaults : new FluidPools(this.#specs, habits);
    const count = this.#specs.length;
    this.#noise = new Float64Array(count);
    this.#random = this.#specs.map((_, pool) => namedRandom(plan.seed, `pool-noise/${pool}`));
    this.#demand = new Float64Array(count).fill(1);
    this.#capacity = new Float64Array(count).fill(1);
    this.#cleanDemand = new Float64Array(count).fill(1);
    this.#cleanCapacity = new Float64Array(count).fill(1);
    this.#shares = plan.faults.map((fault) => this.#sharesOf(fault));
    this.#nowMs = plan.startMs - 30_000;
    this.advance(plan.startMs);
  }

  /** Steps until `unixMs`. */
  advance(unixMs: number): void {
    while (this.#nowMs + tickMs <= unixMs) {
      if (this.#ticks % 4 === 0) this.#updateLoad();
      this.#withFaults.step(this.#demand, this.#capacity);
      if (this.#without !== this.#withFaults)
        this.#without.step(this.#cleanDemand, this.#cleanCapacity);
      this.#ticks += 1;
      this.#nowMs += tickMs;
    }
  }

  model(model: number, region: number): PoolConditions {
    return this.#read(this.#withFaults, model * this.#plan.fleet.regions.length + region);
  }

  modelWithoutFault(model: number, region: number): PoolConditions {
    return this.#read(this.#without, model * this.#plan.fleet.regions.length + region);
  }

  /** Factor on the nominal token speed. */
  tokenSpeed(model: number, region: number): number {
    const pool = model * this.#plan.fleet.regions.length + region;
    const nominal = this.#specs[pool]?.utilization ?? 1;
    return tokenSpeed(this.#withFaults.load[pool] ?? 0, nominal);
  }

  filter(region: number): PoolConditions {
    return this.#read(this.#withFaults, this.#filterPool(region));
  }

  filterWithoutFault(region: number): PoolConditions {
    return this.#read(this.#without, this.#filterPool(region));
  }

  /** Demand of a pool relative to its mean, faults included. */
  demand(model: number, region: number): number {
    return this.#demand[model * this.#plan.fleet.regions.length + region] ?? 0;
  }

  /** Clients' bound on wait and first token. */
  timeoutSeconds(model: number, region: number): number {
    return this.#specs[model * this.#plan.fleet.regions.length + region]?.timeoutSeconds ?? 30;
  }

  #filterPool(region: number): number {
    const { models, regions } = this.#plan.fleet;
    return models.length * regions.length + region;
  }

  #read(pools: FluidPools, pool: number): PoolConditions {
    const nominal = this.#specs[pool]?.utilization ?? 1;
    const load = pools.load[pool] ?? 0;
    return {
      waitSeconds: pools.wait[pool] ?? 0,
      refused: pools.refused[pool] ?? 0,
      slowness: congestion(load, nominal),
    };
  }

  /** Demand and capacity of the coming second. */
  #updateLoad(): void {
    const { fleet, faults } = this.#plan;
    const { regions, models, config } = fleet;
    const { autoscale, noiseSigma } = config.pools;
    const decay = Math.exp(-1 / noiseCorrelationSeconds);
    const push = noiseSigma * Math.sqrt(1 - decay * decay);
    const shift = profileShift(faults, this.#nowMs);
    for (let region = 0; region < regions.length; region += 1) {
      const where = regions[region];
      if (where === undefined) continue;
      const clean = profileAt(config, where, this.#nowMs);
      const shifted = shift === 0 ? clean : profileAt(config, where, this.#nowMs, shift);
      for (let model = 0; model <= models.length; model += 1) {
        const isFilter = model === models.length;
        const pool = isFilter ? this.#filterPool(region) : model * regions.length + region;
        const noise = (this.#noise[pool] ?? 0) * decay + push * (this.#random[pool]?.normal() ?? 0);
        this.#noise[pool] = noise;
        // A model that nobody uses yet has pools, but no load.
        const base = isFilter || (models[model]?.weight ?? 0) > 0 ? Math.exp(noise) : 0;
        this.#cleanDemand[pool] = clean * base;
        this.#cleanCapacity[pool] = clean ** autoscale;
        this.#demand[pool] = shifted * base;
        this.#capacity[pool] = shifted ** autoscale;
      }
    }
    for (const fault of faults) this.#applyFault(fault);
  }

  #applyFault(fault: PlannedFault): void {
    const { effect } = fault;
    const { regions, models } = this.#plan.fleet;
    const isRelevant =
      effect.kind === "capacity" ||
      (effect.kind === "traffic" && effect.loadsPools) ||
      effect.kind === "edge_loss" ||
      effect.kind === "divert" ||
      effect.kind === "failover";
    if (!isRelevant) return;
    const shares = this.#shares[fault.index];
    for (let region = 0; region < regions.length; region += 1) {
      for (let model = 0; model <= models.length; model += 1) {
        const isFilter = model === models.length;
        const pool = isFilter ? this.#filterPool(region) : model * regions.length + region;
        const share = shares?.[pool] ?? 0;
        if (share === 0) continue;
        const level = faultLevel(fault, this.#nowMs, isFilter ? -1 : model, region);
        if (effect.kind === "capacity") {
          if ((effect.of === "filter") === isFilter) {
            this.#capacity[pool] = (this.#capacity[pool] ?? 1) * Math.max(0.01, level);
          }
        } else if (effect.kind === "traffic") {
          this.#demand[pool] = (this.#demand[pool] ?? 1) * Math.max(0, 1 + share * (level - 1));
        } else {
          const leaving = (this.#demand[pool] ?? 1) * share * Math.min(1, level);
          this.#demand[pool] = (this.#demand[pool] ?? 1) - leaving;
          if (effect.kind === "divert" && !isFilter) {
            const to = models.findIndex((m) => m.name === effect.toModel);
            this.#receive(model, region, { model: to, region }, leaving);
          } else if (effect.kind === "failover" && !isFilter) {
            this.#spreadOut(model, region, fault, leaving);
          }
        }
      }
    }
  }

  /** Moves demand between pools; amounts are relative to each pool's own size. */
  #receive(
    fromModel: number,
    fromRegion: number,
    to: { readonly model: number; readonly region: number },
    leaving: number,
  ): void {
    const { models, regions } = this.#plan.fleet;
    const size = (model: number, region: number) =>
      (models[model]?.poolWeight ?? models[model]?.weight ?? 0) * (regions[region]?.weight ?? 0);
    const toSize = size(to.model, to.region);
    if (toSize <= 0) return;
    const pool = to.model * regions.length + to.region;
    const amount = (leaving * size(fromModel, fromRegion)) / toSize;
    this.#demand[pool] = (this.#demand[pool] ?? 0) + amount;
  }

  #spreadOut(model: number, region: number, fault: PlannedFault, leaving: number): void {
    const { regions } = this.#plan.fleet;
    const isHit = (index: number) => fault.target.regions?.has(index) ?? true;
    const total = regions.reduce((sum, r, index) => (isHit(index) ? sum : sum + r.weight), 0);
    regions.forEach((receiver, index) => {
      if (isHit(index) || total === 0) return;
      this.#receive(model, region, { model, region: index }, (leaving * receiver.weight) / total);
    });
  }

  #sharesOf(fault: PlannedFault): Float64Array {
    const { fleet } = this.#plan;
    const { regions, models } = fleet;
    const shares = new Float64Array(this.#specs.length);
    for (let region = 0; region < regions.length; region += 1) {
      let chat = 0;
      for (let model = 0; model < models.length; model += 1) {
        const share = poolShare(fleet, fault.target, model, region);
        shares[model * regions.length + region] = share;
        if (models[model]?.operation === "chat") chat += share * (models[model]?.weight ?? 0);
      }
      const total = fleet.chatModels[models.length - 1] ?? 1;
      shares[this.#filterPool(region)] = total > 0 ? chat / total : 0;
    }
    return shares;
  }
}

/** Hours by which the daily profile is shifted now. */
export function profileShift(faults: readonly PlannedFault[], unixMs: number): number {
  return faults.reduce(
    (sum, f) => (f.effect.kind === "profile_shift" ? sum + faultLevel(f, unixMs, -1, -1) : sum),
    0,
  );
}

/** Under compression, time-outs shrink but stay six medians above the first token, so that normal calls succeed. */
function poolSpecs(plan: RunPlan): PoolSpec[] {
  const { fleet, haste } = plan;
  const { pools, filter } = fleet.config;
  const modelSpecs = fleet.models.flatMap((model) =>
    fleet.regions.map(() => ({
      utilization: pools.utilization,
      queueBoundSeconds: (model.queueBoundSeconds ?? pools.queueBoundSeconds) / haste,
      timeoutSeconds:
        haste === 1
          ? model.timeoutSeconds
          : Math.max(model.timeoutSeconds / haste, 6 * model.firstTokenSeconds),
      firstTokenSeconds: model.firstTokenSeconds,
      firstTokenSigma: model.firstTokenSigma,
      deadWork: pools.deadWork,
    })),
  );
  const filterSpecs = fleet.regions.map(() => ({
    utilization: filter.utilization,
    queueBoundSeconds: filter.queueBoundSeconds,
    timeoutSeconds: 10,
    firstTokenSeconds: filter.latencyMs / 1000,
    firstTokenSigma: 0.3,
    deadWork: 0,
  }));
  return [...modelSpecs, ...filterSpecs];
}
