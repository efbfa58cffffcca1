import { makeSender, type Sender } from "./fleet-model.ts";
import { unitAt } from "./random.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";

/** Which process serves a request: replicas of a region, a canary of the next version, replacements of restarts. */
export class SenderBoard {
  readonly all: Sender[] = [];
  readonly #plan: RunPlan;
  /** Per region: current processes of the application, then the filter and the model server. */
  readonly #replicas: Sender[][];
  readonly #canaries: (Sender | undefined)[];
  readonly filters: readonly Sender[];
  readonly modelServers: readonly Sender[];
  readonly #rollout: PlannedFault | undefined;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    const { config } = plan.fleet;
    const start = (service: Sender["service"], region: number, version = config.serviceVersion) =>
      this.#start(service, region, version);
    this.#replicas = plan.fleet.regions.map((_, region) =>
      Array.from({ length: config.instancesPerRegion }, () => start("chatbot-api", region)),
    );
    this.filters = plan.fleet.regions.map((_, region) => start("safety-filter", region));
    this.modelServers = plan.fleet.regions.map((_, region) => start("model-server", region));
    this.#canaries = plan.fleet.regions.map(() => undefined);
    this.#rollout = plan.faults.find((fault) => fault.effect.kind === "rollout");
  }

  /** The process that serves a request with this key now. */
  choose(region: number, key: number, unixMs: number): Sender {
    const canary = this.#canary(region, key, unixMs);
    if (canary !== undefined) return canary;
    const replicas = this.#replicas[region] ?? [];
    const sender = replicas[Math.floor(unitAt(key, 41) * replicas.length)];
    return sender ?? this.#start("chatbot-api", region, this.#plan.fleet.config.serviceVersion);
  }

  isNextVersion(sender: Sender): boolean {
    return (
      sender.service === "chatbot-api" && sender.version !== this.#plan.fleet.config.serviceVersion
    );
  }

  /** Replaces the application process number `turn` (modulo their number) of a region by a new one. */
  restart(region: number, turn: number): void {
    const replicas = this.#replicas[region];
    if (replicas === undefined) return;
    const slot = turn % replicas.length;
    const old = replicas[slot];
    const { serviceVersion } = this.#plan.fleet.config;
    replicas[slot] = this.#start("chatbot-api", region, serviceVersion, old?.place);
  }

  #canary(region: number, key: number, unixMs: number): Sender | undefined {
    const rollout = this.#rollout;
    if (rollout === undefined || rollout.effect.kind !== "rollout") return undefined;
    if (unitAt(key, 42) >= faultLevel(rollout, unixMs, -1, region)) return undefined;
    this.#canaries[region] ??= this.#start("chatbot-api", region, rollout.effect.version);
    return this.#canaries[region];
  }

  #start(service: Sender["service"], region: number, version: string, oldPlace?: number): Sender {
    const where = this.#plan.fleet.regions[region] ?? this.#plan.fleet.regions[0];
    if (where === undefined) throw new RangeError("a fleet has at least one region");
    const index = this.all.length;
    // Multiples of the golden ratio fill [0, 1) evenly, whatever their number.
    const place = oldPlace ?? (unitAt(this.#plan.seed, 43) + index * 0.6180339887498949) % 1;
    const sender = makeSender(this.#plan.fleet, index, { service, version, region: where, place });
    this.all.push(sender);
    return sender;
  }
}
