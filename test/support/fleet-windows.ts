/**
 * The fleet's events as closed windows at once, without spans, log or aggregation: what decisions are tuned with, because an hour of
 * traffic takes a second or two. `run-scenario.ts` takes the long way.
 */
import { bucketOf } from "../../detectors/sketch.ts";
import type { FleetEvent, RequestEvent } from "../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds, type Sender } from "../../services/chatbot/fleet-model.ts";
import { routeOf, traceId } from "../../services/chatbot/span-shape.ts";
import { type Cell, type CellKey, cellKey } from "../../services/contracts/cell.ts";
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
  DimensionValue,
  Example,
  WindowRecord,
} from "../../services/contracts/window.ts";
import { limitDimensionValues, pickExamples } from "../../services/contracts/window-merge.ts";

const outcomeNames: Partial<Record<RequestEvent["outcome"], Outcome>> = {
  bad_gateway: "unavailable",
  forbidden: "auth",
  context_length: "invalid_request",
  model_not_found: "invalid_request",
};

function outcomeOf(event: RequestEvent): Outcome {
  if (event.outcome === "client_cancelled" && !Number.isNaN(event.firstTokenSeconds)) return "ok";
  return outcomeNames[event.outcome] ?? (event.outcome as Outcome);
}

/** A sparse sketch while it is counted: buckets in ascending order. */
interface Counted {
  readonly buckets: number[];
  readonly counts: number[];
}

/** Whose durations count: those that did not fail at once. */
const timedOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  "ok",
  "timeout",
  "client_cancelled",
  "stream_error",
]);

interface DimensionSum {
  requests: number;
  failures: number;
  limited: number;
  readonly latency: Counted;
}

interface CellSum {
  readonly counters: number[];
  /** By id. */
  readonly sketches: Record<number, Counted>;
  readonly breadth: Record<number, Uint8Array>;
  readonly dimensions: Map<string, Map<string, DimensionSum>>;
  readonly examples: Example[];
}

const breadthBytes = 32;

export class FleetWindows {
  readonly #fleet: FleetModel;
  readonly #windowMs: number;
  #cells = new Map<CellKey, CellSum>();
  /** Spans by sender, in the order of their first. */
  #senders = new Map<Sender, number>();
  #windowStartMs = -1;
  /** Keys of cells by sender and what is asked of it: made once, because a key costs as much as a request's counts. */
  readonly #keys = new Map<Sender, (CellKey | undefined)[]>();

  constructor(fleet: FleetModel, windowMs: number) {
    this.#fleet = fleet;
    this.#windowMs = windowMs;
  }

  /** Takes an event in; returns the windows that it closes, empty ones too. */
  observe(event: FleetEvent): readonly WindowRecord[] {
    if (event.kind === "pool" || event.kind === "active") return [];
    const start = Math.floor(event.endMs / this.#windowMs) * this.#windowMs;
    const closed: WindowRecord[] = [];
    if (this.#windowStartMs < 0) this.#windowStartMs = start;
    while (this.#windowStartMs < start) closed.push(this.close());
    if (event.kind === "request") this.#request(event);
    else this.#filter(event.sender, event.status, event.endMs - event.startMs);
    return closed;
  }

  close(): WindowRecord {
    const windowStartMs = this.#windowStartMs;
    const record: WindowRecord = {
      task: "otlp_spans/0",
      epoch: 1,
      windowStartMs,
      windowMs: this.#windowMs,
      // A window is whole 10 s of lateness and a little after its end.
      appendMs: windowStartMs + this.#windowMs + 11_000,
      watermarkMs: windowStartMs + this.#windowMs,
      part: 0,
      parts: 1,
      pipeline: {
        lateSpans: 0,
        clampedSpans: 0,
        duplicateSpans: 0,
        outerSpans: 0,
        senders: [...this.#senders].map(([{ service, instanceId }, spans]) => ({
          sender: `${service}/${instanceId}`,
          spans,
          late: 0,
          clamped: 0,
        })),
      },
      cells: [...this.#cells]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, sum]) => finish(key, sum)),
    };
    this.#cells = new Map();
    this.#senders = new Map();
    this.#windowStartMs += this.#windowMs;
    return record;
  }

  /** The sums of a cell, named by its sender and a small number of the caller's choice. */
  #cell(sender: Sender, what: number, name: () => Cell): CellSum {
    const keys = this.#keys.get(sender) ?? [];
    if (keys.length === 0) this.#keys.set(sender, keys);
    const key = keys[what] ?? cellKey(name());
    keys[what] = key;
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const made: CellSum = {
      counters: new Array<number>(counterSlots).fill(0),
      sketches: {},
      breadth: {},
      dimensions: new Map(),
      examples: [],
    };
    this.#cells.set(key, made);
    return made;
  }

  #heard(sender: Sender): void {
    this.#senders.set(sender, (this.#senders.get(sender) ?? 0) + 1);
  }

  #filter(sender: Sender, status: number, durationMs: number): void {
    this.#heard(sender);
    const sum = this.#cell(sender, 0, () => ({
      kind: "http",
      provider: sender.service,
      model: "",
      region: sender.region.name,
      operation: "POST /v1/classify",
    }));
    count(sum, status >= 500 ? "unavailable" : "ok", 1);
    addSketch(sum, "duration", durationMs * 1000);
  }

  #request(event: RequestEvent): void {
    if (event.isLostAtEdge) return;
    const { sender } = event;
    this.#heard(sender);
    const kind = requestKinds[event.requestKind] ?? "chat";
    const region = sender.region.name;
    const outcome = outcomeOf(event);
    const http = this.#cell(sender, 1 + event.requestKind, () => ({
      kind: "http",
      provider: sender.service,
      model: "",
      region,
      operation: `POST ${routeOf[kind]}`,
    }));
    const hasStarted = kind === "stream" && !Number.isNaN(event.firstTokenSeconds);
    const httpOutcome: Outcome =
      hasStarted || outcome === "client_cancelled" || outcome === "stream_error"
        ? "ok"
        : outcome === "connection_error"
          ? "unavailable"
          : outcome === "overloaded"
            ? "unavailable"
            : outcome;
    this.#fill(http, event, httpOutcome, (event.endMs - event.startMs) * 1000, Number.NaN);
    const model = this.#fleet.models[event.model];
    if (model === undefined) return;
    const call = this.#cell(sender, 1 + requestKinds.length + event.model, () => ({
      kind: "genai",
      provider: model.provider,
      model: model.name,
      region,
      operation: model.operation,
    }));
    const ttftUs = kind === "stream" ? Math.round(event.firstTokenSeconds * 1e6) : Number.NaN;
    const durationUs = Math.round((event.callEndMs - event.callStartMs) * 1000);
    this.#fill(call, event, outcome, durationUs, ttftUs);
    const server = this.#fleet.models[event.servedBy];
    if (outcome === "ok" || hasStarted)
      addDimension(call, "gen_ai.response.model", server?.responseModel ?? "", {
        outcome,
        us: Number.NaN,
      });
    const tier = this.#fleet.config.tiers[event.tier];
    if (model.provider === "openai" && tier !== undefined)
      addDimension(call, "openai.request.service_tier", tier.serviceTier, {
        outcome,
        us: Number.isNaN(ttftUs) ? durationUs : ttftUs,
      });
    if (outcome !== "ok") return;
    const { counters } = call;
    if (kind === "stream") bump(counters, "streamed");
    bump(counters, "inputTokens", event.inputTokens);
    bump(counters, "outputTokens", event.outputTokens);
    addSketch(call, "inputTokens", event.inputTokens);
    addDimension(call, "input_token_bucket", inputBucket(event.inputTokens), {
      outcome,
      us: Number.isNaN(ttftUs) ? durationUs : ttftUs,
    });
    if (model.operation !== "chat") return;
    addSketch(call, "outputTokens", event.outputTokens);
    if (event.outputTokens === 0) bump(counters, "empty");
    if (event.finishReason === "length") bump(counters, "truncated");
    else if (event.finishReason === "content_filter") bump(counters, "refused");
    else bump(counters, "finishStop");
    if (event.outputTokens > 1 && !Number.isNaN(ttftUs))
      addSketch(call, "timePerOutputToken", (durationUs - ttftUs) / (event.outputTokens - 1));
  }

  #fill(
    sum: CellSum,
    event: RequestEvent,
    outcome: Outcome,
    durationUs: number,
    ttftUs: number,
  ): void {
    count(sum, outcome, 1);
    if (timedOutcomes.has(outcome)) {
      addSketch(sum, "duration", durationUs);
      if (!Number.isNaN(ttftUs)) addSketch(sum, "timeToFirstToken", ttftUs);
    }
    setBreadth(sum, "tenants", event.tenant);
    if (outcomeGroup[outcome] === "failure") setBreadth(sum, "tenantsFailed", event.tenant);
    if (outcome === "rate_limit") setBreadth(sum, "tenantsLimited", event.tenant);
    const us = Number.isNaN(ttftUs) ? durationUs : ttftUs;
    const { sender } = event;
    addDimension(sum, "service.version", sender.version, { outcome, us });
    addDimension(sum, "service.instance.id", sender.instanceId, { outcome, us });
    addDimension(sum, "k8s.cluster.name", sender.region.cluster, { outcome, us });
    if (outcome !== "ok") addDimension(sum, "error.type", outcome, { outcome, us: Number.NaN });
    if (sum.examples.length < 8)
      sum.examples.push({
        traceId: Buffer.from(traceId(event)).toString("hex"),
        spanId: "0000000000000001",
        outcome,
        durationUs: Math.max(0, Math.round(durationUs)),
        timeToFirstTokenUs: Number.isNaN(ttftUs) ? 0 : ttftUs,
      });
  }
}

function inputBucket(tokens: number): string {
  return tokens < 1000 ? "0-1k" : tokens < 4000 ? "1k-4k" : tokens < 16_000 ? "4k-16k" : "16k+";
}

function bump(counters: number[], name: CounterName, by = 1): void {
  counters[counterIds[name]] = (counters[counterIds[name]] ?? 0) + by;
}

function count(sum: CellSum, outcome: Outcome, n: number): void {
  bump(sum.counters, "requests", n);
  bump(sum.counters, "spans", n);
  bump(sum.counters, outcome, n);
}

function addSketch(sum: CellSum, name: SketchName, value: number): void {
  const id = sketchIds[name];
  const counted = sum.sketches[id] ?? { buckets: [], counts: [] };
  sum.sketches[id] = counted;
  countOne(counted, bucketOf(value));
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

function setBreadth(sum: CellSum, name: keyof typeof breadthIds, tenant: number): void {
  const id = breadthIds[name];
  const bits = sum.breadth[id] ?? new Uint8Array(breadthBytes);
  sum.breadth[id] = bits;
  const position = (Math.imul(tenant + 1, 0x9e3779b1) >>> 8) % (breadthBytes * 8);
  bits[position >> 3] = (bits[position >> 3] ?? 0) | (1 << (position & 7));
}

function addDimension(
  sum: CellSum,
  dimension: string,
  value: string,
  of: { readonly outcome: Outcome; readonly us: number },
): void {
  const values = sum.dimensions.get(dimension) ?? new Map<string, DimensionSum>();
  sum.dimensions.set(dimension, values);
  const counts = values.get(value) ?? {
    requests: 0,
    failures: 0,
    limited: 0,
    latency: { buckets: [], counts: [] },
  };
  values.set(value, counts);
  counts.requests++;
  if (outcomeGroup[of.outcome] === "failure") counts.failures++;
  if (of.outcome === "rate_limit") counts.limited++;
  if (of.us >= 1) countOne(counts.latency, Math.floor(2 * Math.log2(of.us)));
}

function finish(cell: CellKey, sum: CellSum): CellWindow {
  return {
    cell,
    counters: sum.counters,
    sketches: sum.sketches,
    breadth: sum.breadth,
    dimensions: [...sum.dimensions].map(([dimension, values]) => ({
      dimension,
      values: limitDimensionValues(
        [...values].map(([value, counts]): DimensionValue => ({ value, ...counts })),
      ),
    })),
    gauges: {},
    examples: pickExamples(sum.examples),
  };
}
