/** A cell's window of the fleet's events: counts as they come; dimensions and examples once somebody asks, which is seldom. */
import { bucketOf } from "../../detectors/sketch.ts";
import type { RequestEvent } from "../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds } from "../../services/chatbot/fleet-model.ts";
import { traceId } from "../../services/chatbot/span-shape.ts";
import type { CellKey } from "../../services/contracts/cell.ts";
import {
  breadthIds,
  type CounterName,
  counterIds,
  counterSlots,
  type SketchName,
  sketchIds,
} from "../../services/contracts/measures.ts";
import { type Outcome, outcomeGroup } from "../../services/contracts/outcomes.ts";
import type {
  CellWindow,
  DimensionCounts,
  DimensionValue,
  Example,
} from "../../services/contracts/window.ts";
import { limitDimensionValues, pickExamples } from "../../services/contracts/window-merge.ts";

/** A sparse sketch while it is counted: buckets in ascending order. */
interface Counted {
  readonly buckets: number[];
  readonly counts: number[];
}

interface DimensionSum {
  requests: number;
  failures: number;
  limited: number;
  readonly latency: Counted;
}

/** What a request is to a cell: that of its route or that of its model. */
interface Share {
  readonly outcome: Outcome;
  readonly durationUs: number;
  /** NaN where there is none. */
  readonly ttftUs: number;
}

type Dimensions = Map<string, Map<string, DimensionSum>>;

const breadthBytes = 32;
/** Requests that are thought of as examples. */
const exampleCandidates = 8;

/** Whose durations count: those that did not fail at once. */
const timedOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  "ok",
  "timeout",
  "client_cancelled",
  "stream_error",
]);

const outcomeNames: Partial<Record<RequestEvent["outcome"], Outcome>> = {
  bad_gateway: "unavailable",
  forbidden: "auth",
  context_length: "invalid_request",
  model_not_found: "invalid_request",
};

export class FleetCellWindow implements CellWindow {
  readonly cell: CellKey;
  readonly counters: number[] = new Array<number>(counterSlots).fill(0);
  /** By id. */
  readonly sketches: Record<number, Counted> = {};
  readonly breadth: Record<number, Uint8Array> = {};
  readonly gauges: CellWindow["gauges"] = {};
  readonly #fleet: FleetModel;
  readonly #shareOf: (event: RequestEvent) => Share;
  readonly #requests: RequestEvent[] = [];
  #dimensions: DimensionCounts[] | undefined;

  constructor(cell: CellKey, fleet: FleetModel, of: "route" | "model") {
    this.cell = cell;
    this.#fleet = fleet;
    this.#shareOf = of === "route" ? routeShare : modelShare;
  }

  get dimensions(): readonly DimensionCounts[] {
    this.#dimensions ??= this.#countDimensions();
    return this.#dimensions;
  }

  get examples(): readonly Example[] {
    return pickExamples(
      this.#requests.slice(0, exampleCandidates).map((event) => {
        const { outcome, durationUs, ttftUs } = this.#shareOf(event);
        return {
          traceId: Buffer.from(traceId(event)).toString("hex"),
          spanId: "0000000000000001",
          outcome,
          durationUs: Math.max(0, Math.round(durationUs)),
          timeToFirstTokenUs: Number.isNaN(ttftUs) ? 0 : ttftUs,
        };
      }),
    );
  }

  /** An answer of the safety filter. */
  addAnswer(outcome: Outcome, durationUs: number): void {
    this.#count(outcome);
    this.#sketch("duration", durationUs);
  }

  /** A request as its route saw it. */
  addRequest(event: RequestEvent): void {
    this.#fill(event, routeShare(event));
  }

  /** A request as its model saw it. */
  addCall(event: RequestEvent): void {
    const share = modelShare(event);
    this.#fill(event, share);
    if (share.outcome !== "ok") return;
    const { durationUs, ttftUs } = share;
    if (requestKinds[event.requestKind] === "stream") this.#bump("streamed", 1);
    this.#bump("inputTokens", event.inputTokens);
    this.#bump("outputTokens", event.outputTokens);
    this.#sketch("inputTokens", event.inputTokens);
    if (this.#fleet.models[event.model]?.operation !== "chat") return;
    this.#sketch("outputTokens", event.outputTokens);
    if (event.outputTokens === 0) this.#bump("empty", 1);
    if (event.finishReason === "length") this.#bump("truncated", 1);
    else if (event.finishReason === "content_filter") this.#bump("refused", 1);
    else this.#bump("finishStop", 1);
    if (event.outputTokens > 1 && !Number.isNaN(ttftUs))
      this.#sketch("timePerOutputToken", (durationUs - ttftUs) / (event.outputTokens - 1));
  }

  #fill(event: RequestEvent, { outcome, durationUs, ttftUs }: Share): void {
    this.#requests.push(event);
    this.#count(outcome);
    if (timedOutcomes.has(outcome)) {
      this.#sketch("duration", durationUs);
      if (!Number.isNaN(ttftUs)) this.#sketch("timeToFirstToken", ttftUs);
    }
    this.#hear("tenants", event.tenant);
    if (outcomeGroup[outcome] === "failure") this.#hear("tenantsFailed", event.tenant);
    if (outcome === "rate_limit") this.#hear("tenantsLimited", event.tenant);
  }

  #bump(name: CounterName, by: number): void {
    const { counters } = this;
    const id = counterIds[name];
    counters[id] = (counters[id] as number) + by;
  }

  #count(outcome: Outcome): void {
    this.#bump("requests", 1);
    this.#bump("spans", 1);
    this.#bump(outcome, 1);
  }

  #sketch(name: SketchName, value: number): void {
    const id = sketchIds[name];
    let counted = this.sketches[id];
    if (counted === undefined) {
      counted = { buckets: [], counts: [] };
      this.sketches[id] = counted;
    }
    countOne(counted, bucketOf(value));
  }

  #hear(name: keyof typeof breadthIds, tenant: number): void {
    const id = breadthIds[name];
    let bits = this.breadth[id];
    if (bits === undefined) {
      bits = new Uint8Array(breadthBytes);
      this.breadth[id] = bits;
    }
    const position = (Math.imul(tenant + 1, 0x9e3779b1) >>> 8) % (breadthBytes * 8);
    bits[position >> 3] = (bits[position >> 3] as number) | (1 << (position & 7));
  }

  #countDimensions(): DimensionCounts[] {
    const dimensions: Dimensions = new Map();
    const isOfModel = this.#shareOf === modelShare;
    for (const event of this.#requests) {
      const share = this.#shareOf(event);
      addCommon(dimensions, event, share);
      if (isOfModel) addOfModel(dimensions, event, { share, fleet: this.#fleet });
    }
    return [...dimensions].map(([dimension, values]) => ({
      dimension,
      values: limitDimensionValues(
        [...values].map(([value, counts]): DimensionValue => ({ value, ...counts })),
      ),
    }));
  }
}

function outcomeOf(event: RequestEvent): Outcome {
  if (event.outcome === "client_cancelled" && !Number.isNaN(event.firstTokenSeconds)) return "ok";
  return outcomeNames[event.outcome] ?? (event.outcome as Outcome);
}

function hasStarted(event: RequestEvent): boolean {
  return requestKinds[event.requestKind] === "stream" && !Number.isNaN(event.firstTokenSeconds);
}

function routeShare(event: RequestEvent): Share {
  const seen = outcomeOf(event);
  const outcome: Outcome =
    hasStarted(event) || seen === "client_cancelled" || seen === "stream_error"
      ? "ok"
      : seen === "connection_error" || seen === "overloaded"
        ? "unavailable"
        : seen;
  return { outcome, durationUs: (event.endMs - event.startMs) * 1000, ttftUs: Number.NaN };
}

function modelShare(event: RequestEvent): Share {
  const isStream = requestKinds[event.requestKind] === "stream";
  return {
    outcome: outcomeOf(event),
    durationUs: Math.round((event.callEndMs - event.callStartMs) * 1000),
    ttftUs: isStream ? Math.round(event.firstTokenSeconds * 1e6) : Number.NaN,
  };
}

function timeOf({ durationUs, ttftUs }: Share): number {
  return Number.isNaN(ttftUs) ? durationUs : ttftUs;
}

function addCommon(dimensions: Dimensions, event: RequestEvent, share: Share): void {
  const { sender } = event;
  const us = timeOf(share);
  const { outcome } = share;
  addDimension(dimensions, "service.version", { value: sender.version, outcome, us });
  addDimension(dimensions, "service.instance.id", { value: sender.instanceId, outcome, us });
  addDimension(dimensions, "k8s.cluster.name", { value: sender.region.cluster, outcome, us });
  if (outcome !== "ok")
    addDimension(dimensions, "error.type", { value: outcome, outcome, us: Number.NaN });
}

function addOfModel(
  dimensions: Dimensions,
  event: RequestEvent,
  { share, fleet }: { readonly share: Share; readonly fleet: FleetModel },
): void {
  const { outcome } = share;
  const us = timeOf(share);
  const server = fleet.models[event.servedBy]?.responseModel ?? "";
  if (outcome === "ok" || hasStarted(event))
    addDimension(dimensions, "gen_ai.response.model", { value: server, outcome, us: Number.NaN });
  const tier = fleet.config.tiers[event.tier]?.serviceTier;
  if (fleet.models[event.model]?.provider === "openai" && tier !== undefined)
    addDimension(dimensions, "openai.request.service_tier", { value: tier, outcome, us });
  if (outcome !== "ok") return;
  const bucket = inputBucket(event.inputTokens);
  addDimension(dimensions, "input_token_bucket", { value: bucket, outcome, us });
}

function inputBucket(tokens: number): string {
  return tokens < 1000 ? "0-1k" : tokens < 4000 ? "1k-4k" : tokens < 16_000 ? "4k-16k" : "16k+";
}

/** Adds one in place: a window's sketch has a handful of buckets, so that sorting it later would cost more. */
function countOne({ buckets, counts }: Counted, bucket: number): void {
  let at = buckets.length;
  while (at > 0 && (buckets[at - 1] as number) > bucket) at--;
  if (at > 0 && buckets[at - 1] === bucket) {
    counts[at - 1] = (counts[at - 1] as number) + 1;
    return;
  }
  for (let i = buckets.length; i > at; i--) {
    buckets[i] = buckets[i - 1] as number;
    counts[i] = counts[i - 1] as number;
  }
  buckets[at] = bucket;
  counts[at] = 1;
}

function addDimension(
  dimensions: Dimensions,
  dimension: string,
  of: { readonly value: string; readonly outcome: Outcome; readonly us: number },
): void {
  const values = dimensions.get(dimension) ?? new Map<string, DimensionSum>();
  dimensions.set(dimension, values);
  const counts = values.get(of.value) ?? {
    requests: 0,
    failures: 0,
    limited: 0,
    latency: { buckets: [], counts: [] },
  };
  values.set(of.value, counts);
  counts.requests++;
  if (outcomeGroup[of.outcome] === "failure") counts.failures++;
  if (of.outcome === "rate_limit") counts.limited++;
  if (of.us >= 1) countOne(counts.latency, Math.floor(2 * Math.log2(of.us)));
}
