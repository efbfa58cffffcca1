/** Which cells a fault really touched, minute by minute: what a page's place is held against. */

import { isUserVisibleFailure } from "../../services/chatbot/chatbot.ts";
import type { FleetEvent } from "../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds } from "../../services/chatbot/fleet-model.ts";
import { routeOf } from "../../services/chatbot/span-shape.ts";
import { cellAttributes } from "../../services/contracts/cell.ts";

export interface TouchedMinutes {
  /** Telemetry attributes of each cell. */
  readonly cells: readonly Readonly<Record<string, string>>[];
  /** By minute, then by cell: requests, requests that the fault changed. */
  readonly requests: readonly (readonly number[])[];
  readonly touched: readonly (readonly number[])[];
  /** By minute, over users' requests: all, failed, median time to first token in seconds (0: none). */
  readonly all: readonly number[];
  readonly failed: readonly number[];
  readonly ttft: readonly number[];
}

const minuteMs = 60_000;

export class TouchedCollector {
  readonly #fleet: FleetModel;
  readonly #startMs: number;
  /** Ids of cells by region, then by what is asked of it. */
  readonly #ids: (Map<string | number, number> | undefined)[] = [];
  readonly #cells: Readonly<Record<string, string>>[] = [];
  readonly #requests: number[][] = [];
  readonly #touched: number[][] = [];
  readonly #all: number[] = [];
  readonly #failed: number[] = [];
  readonly #ttft: number[] = [];
  #firstTokens: number[] = [];

  constructor(fleet: FleetModel, startMs: number) {
    this.#fleet = fleet;
    this.#startMs = startMs;
  }

  observe(event: FleetEvent): void {
    if (event.kind !== "request" && event.kind !== "filter") return;
    const minute = Math.floor((event.endMs - this.#startMs) / minuteMs);
    if (minute < 0) return;
    while (this.#requests.length <= minute) this.#open();
    const request = event.kind === "filter" ? event.request : event;
    const region = request.region;
    if (event.kind === "filter") {
      const id = this.#http("safety-filter", region, "/v1/classify");
      this.#count(minute, id, event.status !== 200 || event.request.isTouched);
      return;
    }
    this.#all[minute] = (this.#all[minute] ?? 0) + 1;
    if (isUserVisibleFailure(event)) this.#failed[minute] = (this.#failed[minute] ?? 0) + 1;
    // What the edge lost counts too: it is what the fault touched, though no telemetry shows it.
    const kind = requestKinds[event.requestKind] ?? "chat";
    this.#count(minute, this.#http("chatbot-api", region, routeOf[kind]), event.isTouched);
    if (event.model < 0) return;
    this.#count(minute, this.#call(event.model, region), event.isTouched);
    if (kind === "stream" && event.firstTokenSeconds >= 0)
      this.#firstTokens.push(event.firstTokenSeconds);
  }

  finish(): TouchedMinutes {
    this.#open();
    return {
      cells: this.#cells,
      requests: this.#requests.map((row) => this.#cells.map((_, cell) => row[cell] ?? 0)),
      touched: this.#touched.map((row) => this.#cells.map((_, cell) => row[cell] ?? 0)),
      all: this.#all,
      failed: this.#failed,
      ttft: this.#ttft,
    };
  }

  #open(): void {
    if (this.#requests.length > 0) {
      const sorted = Float64Array.from(this.#firstTokens).sort();
      this.#ttft.push(Number((sorted[sorted.length >> 1] ?? 0).toFixed(3)));
    }
    this.#firstTokens = [];
    this.#requests.push([]);
    this.#touched.push([]);
    this.#all.push(0);
    this.#failed.push(0);
  }

  #count(minute: number, cell: number, isTouched: boolean): void {
    const requests = this.#requests[minute] as number[];
    requests[cell] = (requests[cell] ?? 0) + 1;
    if (!isTouched) return;
    const touched = this.#touched[minute] as number[];
    touched[cell] = (touched[cell] ?? 0) + 1;
  }

  #http(service: string, region: number, route: string): number {
    return (
      this.#ids[region]?.get(route) ??
      this.#add(region, route, {
        kind: "http",
        provider: service,
        model: "",
        region: this.#fleet.regions[region]?.name ?? "",
        operation: `POST ${route}`,
      })
    );
  }

  #call(index: number, region: number): number {
    const model = this.#fleet.models[index];
    return (
      this.#ids[region]?.get(index) ??
      this.#add(region, index, {
        kind: "genai",
        provider: model?.provider ?? "",
        model: model?.name ?? "",
        region: this.#fleet.regions[region]?.name ?? "",
        operation: model?.operation ?? "",
      })
    );
  }

  #add(region: number, what: string | number, cell: Parameters<typeof cellAttributes>[0]): number {
    const ids = this.#ids[region] ?? new Map<string | number, number>();
    this.#ids[region] = ids;
    ids.set(what, this.#cells.length);
    this.#cells.push(cellAttributes(cell));
    return this.#cells.length - 1;
  }
}
