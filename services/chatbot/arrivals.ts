import { profileShift } from "./conditions.ts";
import { profileAt, type Tenant } from "./fleet-model.ts";
import { gammaMean1, namedRandom, type RandomSource } from "./random.ts";
import type { RunPlan } from "./run-plan.ts";

export interface Arrival {
  readonly atMs: number;
  readonly tenant: Tenant;
  /** Number of the request within its tenant. */
  readonly sequence: number;
}

interface ClientState {
  readonly tenant: Tenant;
  readonly gaps: RandomSource;
  readonly drift: RandomSource;
  readonly shape: number;
  /** Operational time left until the next request, in mean gaps. */
  left: number;
  /** Slow variation, in standard deviations. */
  level: number;
  /** Factor on the rate that follows from it. */
  factor: number;
  sequence: number;
}

const driftCorrelationMinutes = 20;
/** Fleets grow and shrink by tenths in ten minutes (ServeGen: 5th to 95th percentile of log ratio ±.2–.27). */
const driftStepMs = 60_000;

/**
 * Arrivals: a Gamma renewal process per client in operational time (shape 1/CV²; ServeGen, arXiv 2505.09999), its
 * rate following the daily profile and the client's own slow variation. A rate change stretches the gaps that are
 * left and shifts no draw.
 */
export class Arrivals {
  readonly #plan: RunPlan;
  readonly #clients: readonly ClientState[];
  #driftMs: number;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#driftMs = plan.startMs;
    this.#clients = plan.fleet.tenants.map((tenant) => {
      const gaps = namedRandom(plan.seed, `gaps/${tenant.index}`);
      const drift = namedRandom(plan.seed, `drift/${tenant.index}`);
      const shape = 1 / Math.max(0.01, tenant.gapCv * tenant.gapCv);
      const left = gammaMean1(gaps, shape) * gaps.unit();
      const level = drift.normal();
      const factor = this.#factorAt(level);
      return { tenant, gaps, drift, shape, left, level, factor, sequence: 0 };
    });
  }

  /** Requests in [fromMs, toMs), in order of time. */
  between(fromMs: number, toMs: number): Arrival[] {
    const { fleet } = this.#plan;
    while (this.#driftMs <= fromMs) {
      this.#driftMs += driftStepMs;
      this.#drift();
    }
    const perMs = (fleet.config.requestsPerSecond / 1000) * this.#levelAt(fromMs);
    const arrivals: Arrival[] = [];
    for (const client of this.#clients) {
      const rate = perMs * client.tenant.share * client.factor;
      let atMs = fromMs;
      while (client.left <= rate * (toMs - atMs)) {
        atMs += client.left / rate;
        arrivals.push({ atMs, tenant: client.tenant, sequence: client.sequence });
        client.sequence += 1;
        client.left = Math.max(1e-9, gammaMean1(client.gaps, client.shape));
      }
      client.left -= rate * (toMs - atMs);
    }
    return arrivals.sort((a, b) => a.atMs - b.atMs || a.tenant.index - b.tenant.index);
  }

  #drift(): void {
    const decay = Math.exp(-1 / driftCorrelationMinutes);
    const push = Math.sqrt(1 - decay * decay);
    for (const client of this.#clients) {
      client.level = client.level * decay + push * client.drift.normal();
      client.factor = this.#factorAt(client.level);
    }
  }

  /** Lognormal, of mean 1. */
  #factorAt(level: number): number {
    const sigma = this.#plan.fleet.config.traffic.roughness;
    return Math.exp(sigma * level - (sigma * sigma) / 2);
  }

  #levelAt(unixMs: number): number {
    const { fleet, faults, traffic } = this.#plan;
    const shape = traffic?.shape;
    if (shape !== undefined) {
      const step = Math.floor(unixMs / shape.stepMs) % shape.values.length;
      return shape.values[step] ?? 1;
    }
    const shift = profileShift(faults, unixMs);
    let sum = 0;
    let weights = 0;
    for (const region of fleet.regions) {
      sum += region.weight * profileAt(fleet.config, region, unixMs, shift);
      weights += region.weight;
    }
    return sum / weights;
  }
}
