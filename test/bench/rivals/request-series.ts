/**
 * What a team without Foreshock would have: counters of requests and errors and a histogram of times to first token, a series for
 * each model (or route) and region, scraped every 15 s. All rivals judge these alone.
 */
import type { FleetEvent, Outcome, RequestEvent } from "../../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds } from "../../../services/chatbot/fleet-model.ts";
import { routeOf } from "../../../services/chatbot/span-shape.ts";

export const scrapeMs = 15_000;

/** Upper bounds, seconds; finer than any library's default, in the rivals' favour. */
export const ttftBounds = [
  0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 60,
] as const;

/** Requests, errors, then first tokens in each bucket (not cumulated), the last one beyond all bounds. */
export const seriesWidth = 2 + ttftBounds.length + 1;

/**
 * What an availability SLI counts: the service's failures. Not 429 and other 4xx, nor what the caller broke off, as such SLIs go.
 */
const errorOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  "overloaded",
  "server_error",
  "bad_gateway",
  "unavailable",
  "timeout",
  "connection_error",
  "stream_error",
]);

export interface SeriesCell {
  /** Model asked for, or route. */
  readonly what: string;
  readonly region: string;
  readonly isModel: boolean;
}

/** Increments by scrape and cell: `values[(scrape · cells + cell) · seriesWidth + column]`. */
export interface RequestSeries {
  readonly startMs: number;
  readonly cells: readonly SeriesCell[];
  readonly scrapes: number;
  readonly values: Uint32Array;
}

export class SeriesCollector {
  readonly cells: readonly SeriesCell[];
  readonly #fleet: FleetModel;
  readonly #startMs: number;
  readonly #routeRow = new Map<string, number>();
  #values: Uint32Array;
  #scrapes = 0;

  constructor(fleet: FleetModel, startMs: number) {
    this.#fleet = fleet;
    this.#startMs = Math.floor(startMs / scrapeMs) * scrapeMs;
    const cells: SeriesCell[] = fleet.models.flatMap((model) =>
      fleet.regions.map((region) => ({ what: model.name, region: region.name, isModel: true })),
    );
    for (const kind of ["login", "session"] as const) {
      this.#routeRow.set(kind, cells.length);
      for (const region of fleet.regions)
        cells.push({ what: routeOf[kind], region: region.name, isModel: false });
    }
    this.cells = cells;
    this.#values = new Uint32Array(960 * cells.length * seriesWidth);
  }

  observe(event: FleetEvent): void {
    if (event.kind !== "request" || event.isLostAtEdge) return;
    const scrape = Math.floor((event.endMs - this.#startMs) / scrapeMs);
    if (scrape < 0) return;
    if (scrape >= this.#scrapes) this.#grow(scrape + 1);
    const at = (scrape * this.cells.length + this.#cellOf(event)) * seriesWidth;
    this.#bump(at);
    if (errorOutcomes.has(event.outcome)) this.#bump(at + 1);
    if (requestKinds[event.requestKind] !== "stream" || !(event.firstTokenSeconds >= 0)) return;
    let bucket = 0;
    while (event.firstTokenSeconds > (ttftBounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#bump(at + 2 + bucket);
  }

  finish(): RequestSeries {
    const size = this.#scrapes * this.cells.length * seriesWidth;
    return {
      startMs: this.#startMs,
      cells: this.cells,
      scrapes: this.#scrapes,
      values: this.#values.slice(0, size),
    };
  }

  #cellOf(event: RequestEvent): number {
    const { regions } = this.#fleet;
    if (event.model >= 0) return event.model * regions.length + event.region;
    const kind = requestKinds[event.requestKind] ?? "login";
    return (this.#routeRow.get(kind) ?? 0) + event.region;
  }

  #bump(index: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + 1;
  }

  #grow(scrapes: number): void {
    this.#scrapes = scrapes;
    const size = scrapes * this.cells.length * seriesWidth;
    if (size <= this.#values.length) return;
    const larger = new Uint32Array(2 * size);
    larger.set(this.#values);
    this.#values = larger;
  }
}
