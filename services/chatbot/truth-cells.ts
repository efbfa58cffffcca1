import { type FleetEvent, isUserVisibleFailure, type Outcome } from "./fleet-event.ts";
import type { FleetModel } from "./fleet-model.ts";
import { requestKinds } from "./fleet-model.ts";
import { routeOf } from "./span-shape.ts";

/** What a cell is called in the truth file: the parts that the telemetry names. */
export interface TruthCell {
  readonly kind: "genai" | "http";
  /** `gen_ai.provider.name`, or `service.name`. */
  readonly provider: string;
  /** Model asked for; empty for HTTP. */
  readonly model: string;
  readonly region: string;
  /** `gen_ai.operation.name`, or method and route. */
  readonly operation: string;
}

/** One cell in one window; durations in seconds, quantiles exact (nearest rank), `null` without values. */
export interface TruthRow {
  readonly windowMs: number;
  readonly cell: number;
  readonly requests: number;
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly failures: number;
  /** Requests that the fault changed: failed for it, or more than 10 % slower. */
  readonly touched: number;
  readonly tenants: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly duration: Quantiles | null;
  readonly firstToken: Quantiles | null;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Exact quantiles by nearest rank; null for none. */
export function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p: number) => sorted[Math.ceil(p * sorted.length) - 1] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

interface OpenRow {
  requests: number;
  failures: number;
  touched: number;
  inputTokens: number;
  outputTokens: number;
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly tenants: Set<number>;
  readonly durations: number[];
  readonly firstTokens: number[];
}

/** A call ends a few milliseconds before its HTTP request; windows stay open that long. */
const graceMs = 1000;

/** Counts what each cell did in each window of span end time. */
export class CellTruth {
  readonly cells: TruthCell[] = [];
  readonly rows: TruthRow[] = [];
  readonly #fleet: FleetModel;
  readonly #windowMs: number;
  readonly #hasQuantiles: boolean;
  readonly #cellIds = new Map<string, number>();
  readonly #open = new Map<number, Map<number, OpenRow>>();

  constructor(fleet: FleetModel, windowMs: number, hasQuantiles = true) {
    this.#fleet = fleet;
    this.#windowMs = windowMs;
    this.#hasQuantiles = hasQuantiles;
  }

  observe(event: FleetEvent): void {
    this.#closeBefore(event.endMs - graceMs);
    if (event.kind === "filter") {
      const outcome = event.status === 200 ? "ok" : "unavailable";
      const cell = this.#http("safety-filter", event.request.region, "POST /v1/classify");
      const row = this.#row(cell, event.endMs);
      this.#count(row, outcome, (event.endMs - event.startMs) / 1000);
      if (outcome !== "ok") row.failures += 1;
      row.tenants.add(event.request.tenant);
      return;
    }
    if (event.kind !== "request" || event.isLostAtEdge) return;
    const rows: OpenRow[] = [];
    const route = routeOf[requestKinds[event.requestKind] ?? "chat"];
    const http = this.#row(this.#http("chatbot-api", event.region, `POST ${route}`), event.endMs);
    this.#count(http, event.outcome, (event.endMs - event.startMs) / 1000);
    rows.push(http);
    const model = this.#fleet.models[event.model];
    if (model !== undefined) {
      const cell = this.#cell({
        kind: "genai",
        provider: model.provider,
        model: model.name,
        region: this.#fleet.regions[event.region]?.name ?? "",
        operation: model.operation,
      });
      const call = this.#row(cell, event.callEndMs);
      this.#count(call, event.outcome, (event.callEndMs - event.callStartMs) / 1000);
      const isStream = requestKinds[event.requestKind] === "stream";
      if (isStream && !Number.isNaN(event.firstTokenSeconds)) {
        if (this.#hasQuantiles) call.firstTokens.push(event.firstTokenSeconds);
      }
      if (event.outcome === "ok") {
        call.inputTokens += event.inputTokens;
        call.outputTokens += event.outputTokens;
      }
      rows.push(call);
    }
    for (const row of rows) {
      row.tenants.add(event.tenant);
      if (event.isTouched) row.touched += 1;
      if (isUserVisibleFailure(event)) row.failures += 1;
    }
  }

  finish(): void {
    this.#closeBefore(Infinity);
  }

  #count(row: OpenRow, outcome: Outcome, seconds: number): void {
    row.requests += 1;
    row.outcomes[outcome] = (row.outcomes[outcome] ?? 0) + 1;
    if (this.#hasQuantiles) row.durations.push(seconds);
  }

  #http(service: string, region: number, operation: string): number {
    return this.#cell({
      kind: "http",
      provider: service,
      model: "",
      region: this.#fleet.regions[region]?.name ?? "",
      operation,
    });
  }

  #cell(cell: TruthCell): number {
    const key = `${cell.kind}|${cell.provider}|${cell.model}|${cell.region}|${cell.operation}`;
    const known = this.#cellIds.get(key);
    if (known !== undefined) return known;
    const id = this.cells.length;
    this.cells.push(cell);
    this.#cellIds.set(key, id);
    return id;
  }

  #row(cell: number, endMs: number): OpenRow {
    const windowMs = Math.floor(endMs / this.#windowMs) * this.#windowMs;
    const window = this.#open.get(windowMs) ?? new Map<number, OpenRow>();
    this.#open.set(windowMs, window);
    const known = window.get(cell);
    if (known !== undefined) return known;
    const row: OpenRow = {
      requests: 0,
      failures: 0,
      touched: 0,
      inputTokens: 0,
      outputTokens: 0,
      outcomes: {},
      tenants: new Set(),
      durations: [],
      firstTokens: [],
    };
    window.set(cell, row);
    return row;
  }

  #closeBefore(unixMs: number): void {
    for (const [windowMs, window] of this.#open) {
      if (windowMs + this.#windowMs > unixMs) return;
      const cells = [...window].sort(([a], [b]) => a - b);
      for (const [cell, row] of cells) this.rows.push(closeRow(windowMs, cell, row));
      this.#open.delete(windowMs);
    }
  }
}

function closeRow(windowMs: number, cell: number, row: OpenRow): TruthRow {
  const { requests, outcomes, failures, touched, inputTokens, outputTokens } = row;
  return {
    windowMs,
    cell,
    requests,
    outcomes,
    failures,
    touched,
    tenants: row.tenants.size,
    inputTokens,
    outputTokens,
    duration: quantilesOf(row.durations),
    firstToken: quantilesOf(row.firstTokens),
  };
}
