/** What windows hold of some telemetry, summed: exactly what the detectors would have had to go by. */
import { parseCellKey } from "../contracts/cell.ts";
import type { SketchName } from "../contracts/measures.ts";
import { outcomeGroup, outcomes } from "../contracts/outcomes.ts";
import {
  type CellWindow,
  counter,
  estimateBreadth,
  sketch,
  type WindowRecord,
} from "../contracts/window.ts";

export interface Observations {
  requests: number;
  ok: number;
  failures: number;
  /** Failures whose kind the telemetry does not tell. */
  unexplained: number;
  rateLimited: number;
  streamed: number;
  finishMissing: number;
  /** Requests that carry a value, by sketch. */
  readonly measured: Record<SketchName, number>;
  /** Requests whose telemetry names a region. */
  located: number;
  /** Most tenants that were seen in a cell and a window. */
  tenants: number;
  httpRequests: number;
  readonly providers: Set<string>;
  readonly models: Set<string>;
  readonly regions: Set<string>;
  readonly routes: Set<string>;
  readonly gauges: Set<string>;
  /** Requests with a value, by dimension. */
  readonly dimensions: Map<string, number>;
  /** Spans by sender, `service.name` and `service.instance.id` joined by `/`. */
  readonly senders: Map<string, number>;
  /** Traces whose root was seen, and those without any error. */
  traces: number;
  cleanTraces: number;
  lateSpans: number;
  clampedSpans: number;
  duplicateSpans: number;
  windows: number;
}

export const emptyObservations = (): Observations => ({
  requests: 0,
  ok: 0,
  failures: 0,
  unexplained: 0,
  rateLimited: 0,
  streamed: 0,
  finishMissing: 0,
  measured: {
    duration: 0,
    timeToFirstToken: 0,
    timePerOutputToken: 0,
    outputTokens: 0,
    inputTokens: 0,
    timeToFirstTokenStreamError: 0,
    timeToFirstTokenCancelled: 0,
    timeToFirstTokenTimeout: 0,
    timeToFirstTokenOther: 0,
  },
  located: 0,
  tenants: 0,
  httpRequests: 0,
  providers: new Set(),
  models: new Set(),
  regions: new Set(),
  routes: new Set(),
  gauges: new Set(),
  dimensions: new Map(),
  senders: new Map(),
  traces: 0,
  cleanTraces: 0,
  lateSpans: 0,
  clampedSpans: 0,
  duplicateSpans: 0,
  windows: 0,
});

/** A closed window: what spans and metrics tell of together, each request once. */
export function observeCells(seen: Observations, window: WindowRecord): void {
  for (const cell of window.cells) observeCell(seen, cell);
}

/** A source task's share of a window for one partition; the pipeline's counts are the same for every partition. */
export function observePipeline(seen: Observations, window: WindowRecord, partition: number): void {
  if (partition !== 0 || window.part !== 0) return;
  seen.windows++;
  seen.traces += window.pipeline.traces ?? 0;
  seen.cleanTraces += window.pipeline.cleanTraces ?? 0;
  seen.lateSpans += window.pipeline.lateSpans;
  seen.clampedSpans += window.pipeline.clampedSpans;
  seen.duplicateSpans += window.pipeline.duplicateSpans;
  for (const { sender, spans } of window.pipeline.senders) add(seen.senders, sender, spans);
}

function observeCell(seen: Observations, window: CellWindow): void {
  const cell = parseCellKey(window.cell);
  const requests = counter(window, "requests");
  for (const gauge of Object.keys(window.gauges)) seen.gauges.add(gauge);
  if (cell.kind === "http") {
    seen.httpRequests += requests;
    if (requests > 0) seen.routes.add(cell.operation);
    return;
  }
  if (requests === 0) return;
  seen.requests += requests;
  seen.ok += counter(window, "ok");
  seen.streamed += counter(window, "streamed");
  seen.finishMissing += counter(window, "finishMissing");
  seen.rateLimited += counter(window, "rate_limit");
  seen.unexplained += counter(window, "other");
  for (const outcome of outcomes)
    if (outcomeGroup[outcome] === "failure") seen.failures += counter(window, outcome);
  for (const name of Object.keys(seen.measured) as SketchName[])
    seen.measured[name] += sketch(window, name).counts.reduce((sum, count) => sum + count, 0);
  seen.providers.add(cell.provider);
  seen.models.add(cell.model);
  if (cell.region !== "") {
    seen.regions.add(cell.region);
    seen.located += requests;
  }
  seen.tenants = Math.max(seen.tenants, estimateBreadth(window, "tenants"));
  for (const { dimension, values } of window.dimensions)
    for (const { value, requests: having } of values)
      if (value !== "") add(seen.dimensions, dimension, having);
}

function add(sums: Map<string, number>, key: string, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count);
}
