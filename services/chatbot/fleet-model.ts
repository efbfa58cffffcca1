import type { FleetConfig, ModelConfig, RegionConfig } from "./fleet-schema.ts";
import { childKey, cumulativeOf, hashText, mix32, namedRandom, wordAt } from "./random.ts";
import type { Target } from "./scenario-schema.ts";

/** What a request is: the first three are model calls, the last two plain HTTP. */
export const requestKinds = ["chat", "stream", "embeddings", "login", "session"] as const;

export interface Tenant {
  readonly index: number;
  readonly name: string;
  readonly tier: number;
  /** Share of the fleet's traffic; all tenants sum to 1. */
  readonly share: number;
  /** Coefficient of variation of the gaps between requests. */
  readonly gapCv: number;
  readonly key: number;
}

/** One process that exports telemetry: one resource, one batch processor. */
export interface Sender {
  readonly index: number;
  readonly service: "chatbot-api" | "safety-filter" | "model-server";
  readonly version: string;
  readonly instanceId: string;
  readonly region: RegionConfig;
  readonly key: number;
  /** Spread evenly over [0, 1): a target of `instanceShare` s hits the processes below s. */
  readonly place: number;
}

/** A fleet's configuration with everything that follows from the seed drawn. */
export interface FleetModel {
  readonly config: FleetConfig;
  readonly seed: number;
  readonly models: readonly ModelConfig[];
  readonly regions: readonly RegionConfig[];
  readonly tenants: readonly Tenant[];
  /** Cumulative weights of models by operation; models of the other operation weigh nothing. */
  readonly chatModels: Float64Array;
  readonly embeddingModels: Float64Array;
}

/**
 * Clients' CV of gaps: lognormal, fitted to the medians of the 40 largest clients of ServeGen m-large and m-mid
 * (median 1.1–1.2, a tenth above 3), bounded because a tiny shape makes a client silent for days.
 */
const gapCvFit = { median: 1.15, sigma: 0.55, min: 0.5, max: 5 };

export function buildFleet(config: FleetConfig, seed: number): FleetModel {
  const of = (operation: string) =>
    cumulativeOf(config.models.map((m) => (m.operation === operation ? m.weight : 0)));
  return {
    config,
    seed,
    models: config.models,
    regions: config.regions,
    tenants: buildTenants(config, seed),
    chatModels: of("chat"),
    embeddingModels: of("embeddings"),
  };
}

function buildTenants(config: FleetConfig, seed: number): Tenant[] {
  const random = namedRandom(seed, "tenants");
  const weights = Array.from({ length: config.tenants }, (_, i) => (i + 1) ** -config.zipfExponent);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const tiers = cumulativeOf(config.tiers.map((tier) => tier.tenantShare));
  const family = childKey(mix32(seed), hashText("tenant"));
  return weights.map((w, index) => {
    const tierUnit = random.unit() * (tiers[tiers.length - 1] ?? 1);
    const cv = gapCvFit.median * Math.exp(gapCvFit.sigma * random.normal());
    return {
      index,
      name: `tenant-${String(index + 1).padStart(3, "0")}`,
      tier: tiers.findIndex((sum) => tierUnit < sum),
      share: w / total,
      gapCv: Math.min(gapCvFit.max, Math.max(gapCvFit.min, cv)) * config.traffic.burstiness,
      key: childKey(family, index),
    };
  });
}

/** Makes senders; ids follow from the seed and the order in which they were started. */
export function makeSender(
  fleet: FleetModel,
  index: number,
  from: Pick<Sender, "service" | "version" | "region" | "place">,
): Sender {
  const key = childKey(childKey(mix32(fleet.seed), hashText("sender")), index);
  const hex = (slot: number) => wordAt(key, slot).toString(16).padStart(8, "0");
  const id = `${hex(1)}${hex(2)}${hex(3)}${hex(4)}`;
  const instanceId = `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-a${id.slice(17, 20)}-${id.slice(20)}`;
  return { index, ...from, instanceId, key };
}

/** Relative traffic at a Unix time: 1 on the mean weekday; local time of the region, plus `shiftHours`. */
export function profileAt(
  config: FleetConfig,
  region: RegionConfig,
  unixMs: number,
  shiftHours = 0,
): number {
  const { dailyAmplitude, peakHour, weekendFactor } = config.traffic;
  const localHours = unixMs / 3_600_000 + region.utcOffsetHours + shiftHours;
  const day = Math.floor(localHours / 24 + 4) % 7;
  const level = 1 + dailyAmplitude * Math.cos(((localHours - peakHour) / 24) * 2 * Math.PI);
  return day === 0 || day === 6 ? level * weekendFactor : level;
}

/** A target with names resolved: for each dimension which indices it covers, or undefined for all. */
export interface CompiledTarget {
  readonly models: ReadonlySet<number> | undefined;
  readonly regions: ReadonlySet<number> | undefined;
  readonly kinds: ReadonlySet<number> | undefined;
  readonly tiers: ReadonlySet<number> | undefined;
  readonly tenants: ReadonlySet<number> | undefined;
  readonly isNextVersion: boolean | undefined;
  readonly inputBuckets: ReadonlySet<string> | undefined;
  readonly instanceShare: number | undefined;
}

export interface TargetFacts {
  readonly model: number;
  readonly region: number;
  readonly kind: number;
  readonly tier: number;
  readonly tenant: number;
  readonly isNextVersion: boolean;
  readonly inputBucket: string;
  /** See `Sender.place`. */
  readonly senderPlace: number;
}

/** Whether a request is hit; HTTP-only requests have model −1 and are hit by no model or provider target. */
export function matches(target: CompiledTarget, facts: TargetFacts): boolean {
  return (
    (target.regions === undefined || target.regions.has(facts.region)) &&
    (target.models === undefined || target.models.has(facts.model)) &&
    (target.kinds === undefined || target.kinds.has(facts.kind)) &&
    (target.tiers === undefined || target.tiers.has(facts.tier)) &&
    (target.tenants === undefined || target.tenants.has(facts.tenant)) &&
    (target.isNextVersion === undefined || target.isNextVersion === facts.isNextVersion) &&
    (target.inputBuckets === undefined || target.inputBuckets.has(facts.inputBucket)) &&
    (target.instanceShare === undefined || facts.senderPlace < target.instanceShare)
  );
}

/** Share of a pool's traffic that a target covers, from the make-up of the fleet. */
export function poolShare(
  fleet: FleetModel,
  target: CompiledTarget,
  model: number,
  region: number,
): number {
  if (target.models !== undefined && !target.models.has(model)) return 0;
  if (target.regions !== undefined && !target.regions.has(region)) return 0;
  const { streamShare } = fleet.config.mix;
  const isChat = fleet.models[model]?.operation === "chat";
  const kindShares = isChat ? [1 - streamShare, streamShare, 0] : [0, 0, 1];
  const kinds = target.kinds;
  const kindShare =
    kinds === undefined ? 1 : kindShares.reduce((sum, s, k) => (kinds.has(k) ? sum + s : sum), 0);
  const tenantShare = fleet.tenants.reduce((sum, tenant) => {
    const isHit =
      (target.tenants === undefined || target.tenants.has(tenant.index)) &&
      (target.tiers === undefined || target.tiers.has(tenant.tier));
    return isHit ? sum + tenant.share : sum;
  }, 0);
  return kindShare * tenantShare;
}

/** Resolves names and picks; `unit` is drawn once per picked value. Unknown names are returned as mistakes. */
export function compileTarget(
  fleet: FleetModel,
  target: Target,
  unit: () => number,
): { readonly compiled: CompiledTarget; readonly mistakes: readonly string[] } {
  const mistakes: string[] = [];
  const resolve = (
    what: string,
    wanted: readonly string[] | undefined,
    known: readonly string[],
  ) => {
    if (wanted === undefined) return undefined;
    for (const name of wanted) {
      if (!known.includes(name)) {
        mistakes.push(`target.${what} = ${name}: not one of ${known.slice(0, 12).join(", ")}`);
      }
    }
    return new Set(known.flatMap((name, index) => (wanted.includes(name) ? [index] : [])));
  };
  const { models, regions, tenants, config } = fleet;
  const pick = target.pick ?? {};
  const providers = [...new Set(models.map((m) => m.provider))];
  const chatWeight = (m: ModelConfig) => (m.operation === "chat" ? m.weight : 0);
  const pickedProviders = pickNames(pick.provider, providers, unit, (name) =>
    models.reduce((sum, m) => (m.provider === name ? sum + chatWeight(m) : sum), 0),
  );
  const wantedProviders = target.provider ?? pickedProviders;
  const inProvider = (m: ModelConfig) =>
    wantedProviders === undefined || wantedProviders.includes(m.provider);
  resolve("provider", target.provider, providers);
  const pickedModels = pickNames(
    pick.model,
    models.filter(inProvider).map((m) => m.name),
    unit,
    (name) => models.reduce((sum, m) => (m.name === name ? sum + chatWeight(m) : sum), 0),
  );
  const wantedModels =
    target.model ??
    pickedModels ??
    (wantedProviders && models.filter(inProvider).map((m) => m.name));
  const wantedRegions =
    target.region ??
    pickNames(
      pick.region,
      regions.map((r) => r.name),
      unit,
      (name) => regions.reduce((sum, r) => (r.name === name ? sum + r.weight : sum), 0),
    );
  const wantedTenants =
    target.tenant ??
    pickNames(
      pick.tenant,
      tenants.map((t) => t.name),
      unit,
      (name) => tenants.reduce((sum, t) => (t.name === name ? sum + t.share : sum), 0),
    );
  return {
    compiled: {
      models: resolve(
        "model",
        wantedModels,
        models.map((m) => m.name),
      ),
      regions: resolve(
        "region",
        wantedRegions,
        regions.map((r) => r.name),
      ),
      kinds: resolve("operation", target.operation, requestKinds),
      tiers: resolve(
        "tier",
        target.tier,
        config.tiers.map((t) => t.name),
      ),
      tenants: resolve(
        "tenant",
        wantedTenants,
        tenants.map((t) => t.name),
      ),
      isNextVersion: target.version === undefined ? undefined : target.version === "next",
      inputBuckets: target.inputBucket === undefined ? undefined : new Set(target.inputBucket),
      instanceShare: target.instanceShare,
    },
    mistakes,
  };
}

function pickNames(
  count: number | undefined,
  names: readonly string[],
  unit: () => number,
  weightOf: (name: string) => number,
): string[] | undefined {
  if (count === undefined) return undefined;
  const left = [...names];
  const picked: string[] = [];
  while (picked.length < count && left.length > 0) {
    const sums = cumulativeOf(left.map(weightOf));
    const target = unit() * (sums[sums.length - 1] ?? 0);
    const index = Math.max(
      0,
      sums.findIndex((sum) => target < sum),
    );
    picked.push(...left.splice(index, 1));
  }
  return picked;
}
