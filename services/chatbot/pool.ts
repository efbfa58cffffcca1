import { normalCdf } from "./random.ts";

/** A pool's fixed properties; times in seconds. */
export interface PoolSpec {
  /** Load over capacity at nominal demand and capacity. */
  readonly utilization: number;
  /** Longest wait that is queued; beyond it requests are refused. */
  readonly queueBoundSeconds: number;
  /** Clients give up an attempt whose wait and first token take longer. */
  readonly timeoutSeconds: number;
  readonly firstTokenSeconds: number;
  readonly firstTokenSigma: number;
  /** Share of timed-out attempts that cost capacity nevertheless. */
  readonly deadWork: number;
}

/** How clients load a pool again after a failure. */
interface RetryHabits {
  readonly maxRetries: number;
  readonly backoffSeconds: number;
  readonly userRetryShare: number;
}

export const tickMs = 250;
const tickSeconds = tickMs / 1000;
/** Ticks that retries can lie ahead: 256 s, longer than any time-out and back-off. */
const ringTicks = 1024;
const settleSeconds = 4;
const userPauseSeconds = 8;

/**
 * Fluid queues of all (model, region) pools. A provider's pool serves far more customers than this fleet, so its
 * load is a fluid, in which the fleet's requests are a sample: they see its wait, refusals and slowness.
 *
 *   u = λ / c,  dW/dt = (λ (1 − r) (1 − t (1 − deadWork)) − c) / c  within [0, bound],  r = (1 − c/λ)⁺ (W / bound)³,
 *   λ = demand + retries of what was refused (r) or timed out (t = P(W + TTFT > time-out)).
 *
 * A part of the attempts that time out while they queue still costs capacity when its turn comes (`deadWork`: the
 * server does not know), so overload feeds itself: the metastable failure of Bronson et al., HotOS 2021.
 * Struct of arrays, mutated in place: it steps four times a simulated second.
 */
export class FluidPools {
  /** Seconds that an attempt which arrives now waits. */
  readonly wait: Float64Array;
  /** Share of attempts refused. */
  readonly refused: Float64Array;
  /** Load over capacity, smoothed over the time that requests stay. */
  readonly load: Float64Array;
  readonly #specs: readonly PoolSpec[];
  readonly #habits: RetryHabits;
  readonly #rings: readonly Float64Array[];
  /** Last tick at which retries of a pool are due; beyond it its rings are empty. */
  readonly #dueUntil: Float64Array;
  #tick = 0;

  constructor(specs: readonly PoolSpec[], habits: RetryHabits) {
    this.#specs = specs;
    this.#habits = habits;
    this.wait = new Float64Array(specs.length);
    this.refused = new Float64Array(specs.length);
    this.#dueUntil = new Float64Array(specs.length).fill(-1);
    this.load = Float64Array.from(specs, (spec) => spec.utilization);
    this.#rings = Array.from(
      { length: habits.maxRetries + 1 },
      () => new Float64Array(specs.length * ringTicks),
    );
  }

  /** One tick; `demand` and `capacity` per pool, both 1 at nominal. */
  step(demand: Float64Array, capacity: Float64Array): void {
    for (let pool = 0; pool < this.#specs.length; pool += 1) {
      this.#stepPool(pool, demand[pool] ?? 0, Math.max(1e-6, capacity[pool] ?? 1));
    }
    this.#tick += 1;
  }

  #stepPool(pool: number, demand: number, capacity: number): void {
    const spec = this.#specs[pool];
    if (spec === undefined) return;
    const cell = pool * ringTicks + (this.#tick % ringTicks);
    const hasRetries = (this.#dueUntil[pool] ?? -1) >= this.#tick;
    let arriving = demand;
    if (hasRetries) for (const ring of this.#rings) arriving += ring[cell] ?? 0;
    const load = (arriving * spec.utilization) / capacity;
    let wait = this.wait[pool] ?? 0;
    const excess = load > 1 ? 1 - 1 / load : 0;
    const refused = excess * (wait / spec.queueBoundSeconds) ** 3;
    const late = wait > 0 ? timeoutShare(spec, wait, load) : 0;
    if (wait > 0 || load > 1) {
      const work = load * (1 - refused) * (1 - late * (1 - spec.deadWork));
      wait += (work - 1) * tickSeconds;
      wait = Math.min(spec.queueBoundSeconds, Math.max(0, wait));
    }
    this.wait[pool] = wait;
    this.refused[pool] = refused;
    const smoothed = this.load[pool] ?? 0;
    this.load[pool] = smoothed + (load - smoothed) * (tickSeconds / settleSeconds);
    const timedOut = (1 - refused) * late;
    if (refused + timedOut > 1e-6) this.#scheduleRetries(pool, { spec, demand, refused, timedOut });
    if (hasRetries) for (const ring of this.#rings) ring[cell] = 0;
  }

  #scheduleRetries(
    pool: number,
    now: { spec: PoolSpec; demand: number; refused: number; timedOut: number },
  ): void {
    const { maxRetries, backoffSeconds, userRetryShare } = this.#habits;
    const cell = pool * ringTicks + (this.#tick % ringTicks);
    for (let attempt = 0; attempt <= maxRetries; attempt += 1) {
      const arrived = (this.#rings[attempt]?.[cell] ?? 0) + (attempt === 0 ? now.demand : 0);
      const isLast = attempt === maxRetries;
      const pause = isLast ? userPauseSeconds : backoffSeconds * 2 ** attempt;
      const share = isLast ? userRetryShare : 1;
      const ring = this.#rings[isLast ? 0 : attempt + 1];
      if (ring === undefined || arrived === 0) continue;
      this.#add(ring, pool, pause, arrived * now.refused * share);
      this.#add(ring, pool, pause + now.spec.timeoutSeconds, arrived * now.timedOut * share);
    }
  }

  #add(ring: Float64Array, pool: number, seconds: number, amount: number): void {
    const ticks = Math.min(ringTicks - 1, Math.max(1, Math.round(seconds / tickSeconds)));
    const cell = pool * ringTicks + ((this.#tick + ticks) % ringTicks);
    ring[cell] = (ring[cell] ?? 0) + amount;
    this.#dueUntil[pool] = Math.max(this.#dueUntil[pool] ?? -1, this.#tick + ticks);
  }
}

/** P(W + TTFT > time-out), TTFT lognormal. */
function timeoutShare(spec: PoolSpec, wait: number, load: number): number {
  const left = spec.timeoutSeconds - wait;
  if (left <= 0) return 1;
  const median = spec.firstTokenSeconds * congestion(load, spec.utilization);
  return 1 - normalCdf(Math.log(left / median) / spec.firstTokenSigma);
}

/** TTFT relative to that at the nominal load: (1 + 4u²) / (1 + 4u₀²), u ≤ 1 (beyond it, requests queue). */
export function congestion(load: number, nominal: number): number {
  const u = Math.min(1, load);
  return (1 + 4 * u * u) / (1 + 4 * nominal * nominal);
}

/** Token speed relative to that at the nominal load; a full batch is about a fifth slower (assumed). */
export function tokenSpeed(load: number, nominal: number): number {
  return slowAt(nominal) / slowAt(load);
}

function slowAt(load: number): number {
  return 1 + 0.5 * Math.min(1, load) ** 3;
}
