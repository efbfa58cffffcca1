/**
 * The fleet's events as closed windows at once, without spans, log or aggregation: what decisions are tuned with, because an hour of
 * traffic takes a second or two. `run-scenario.ts` takes the long way.
 */
import type { FleetEvent, RequestEvent } from "../../services/chatbot/fleet-event.ts";
import { type FleetModel, requestKinds, type Sender } from "../../services/chatbot/fleet-model.ts";
import { routeOf } from "../../services/chatbot/span-shape.ts";
import { type Cell, type CellKey, cellKey } from "../../services/contracts/cell.ts";
import type { SenderCounts, WindowRecord } from "../../services/contracts/window.ts";
import { FleetCellWindow } from "./fleet-cell-window.ts";

/** A cell, and its window while that is open. */
interface Place {
  readonly key: CellKey;
  window: FleetCellWindow | undefined;
}

/** What a process asks of others: the safety filter's answers, then routes by kind of request, then models. */
const filterPlace = 0;
const firstRoute = 1;
const firstModel = firstRoute + requestKinds.length;

const none: readonly WindowRecord[] = [];

export class FleetWindows {
  readonly #fleet: FleetModel;
  readonly #windowMs: number;
  /** In key order. */
  readonly #places: Place[] = [];
  /** By sender's index and what it asks: looked up but once, because a key costs as much as a request's counts. */
  readonly #bySender: (Place | undefined)[][] = [];
  readonly #names: string[] = [];
  /** Spans by sender, in the order of their first. */
  #senders = new Map<Sender, number>();
  #windowStartMs = -1;

  constructor(fleet: FleetModel, windowMs: number) {
    this.#fleet = fleet;
    this.#windowMs = windowMs;
  }

  /** Takes an event in; returns the windows that it closes, empty ones too. */
  observe(event: FleetEvent): readonly WindowRecord[] {
    if (event.kind === "pool" || event.kind === "active") return none;
    const { endMs } = event;
    let closed = none;
    if (this.#windowStartMs < 0 || endMs >= this.#windowStartMs + this.#windowMs)
      closed = this.#closeUntil(Math.floor(endMs / this.#windowMs) * this.#windowMs);
    if (event.kind === "request") this.#request(event);
    else {
      this.#heard(event.sender);
      const outcome = event.status >= 500 ? "unavailable" : "ok";
      this.#filter(event.sender).addAnswer(outcome, (endMs - event.startMs) * 1000);
    }
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
        senders: this.#takeSenders(),
      },
      cells: this.#takeCells(),
    };
    this.#windowStartMs += this.#windowMs;
    return record;
  }

  #closeUntil(startMs: number): readonly WindowRecord[] {
    const closed: WindowRecord[] = [];
    if (this.#windowStartMs < 0) this.#windowStartMs = startMs;
    while (this.#windowStartMs < startMs) closed.push(this.close());
    return closed;
  }

  #takeSenders(): SenderCounts[] {
    const counts: SenderCounts[] = [];
    for (const [sender, spans] of this.#senders) {
      this.#names[sender.index] ??= `${sender.service}/${sender.instanceId}`;
      counts.push({
        sender: this.#names[sender.index] as string,
        spans,
        late: 0,
        clamped: 0,
      });
    }
    this.#senders = new Map();
    return counts;
  }

  #takeCells(): FleetCellWindow[] {
    const cells: FleetCellWindow[] = [];
    for (const place of this.#places) {
      if (place.window === undefined) continue;
      cells.push(place.window);
      place.window = undefined;
    }
    return cells;
  }

  #placeAt(sender: Sender, what: number, name: () => Cell): Place {
    const own = this.#bySender[sender.index] ?? [];
    this.#bySender[sender.index] = own;
    const known = own[what];
    if (known !== undefined) return known;
    const key = cellKey(name());
    let place = this.#places.find((each) => each.key === key);
    if (place === undefined) {
      place = { key, window: undefined };
      this.#places.push(place);
      this.#places.sort((a, b) => (a.key < b.key ? -1 : 1));
    }
    own[what] = place;
    return place;
  }

  #heard(sender: Sender): void {
    this.#senders.set(sender, (this.#senders.get(sender) ?? 0) + 1);
  }

  #filter(sender: Sender): FleetCellWindow {
    const place =
      this.#bySender[sender.index]?.[filterPlace] ??
      this.#placeAt(sender, filterPlace, () => ({
        kind: "http",
        provider: sender.service,
        model: "",
        region: sender.region.name,
        operation: "POST /v1/classify",
      }));
    place.window ??= new FleetCellWindow(place.key, this.#fleet, "route");
    return place.window;
  }

  #route(sender: Sender, kind: number): FleetCellWindow {
    const place =
      this.#bySender[sender.index]?.[firstRoute + kind] ??
      this.#placeAt(sender, firstRoute + kind, () => ({
        kind: "http",
        provider: sender.service,
        model: "",
        region: sender.region.name,
        operation: `POST ${routeOf[requestKinds[kind] ?? "chat"]}`,
      }));
    place.window ??= new FleetCellWindow(place.key, this.#fleet, "route");
    return place.window;
  }

  #model(sender: Sender, index: number): FleetCellWindow | undefined {
    const model = this.#fleet.models[index];
    if (model === undefined) return undefined;
    const place =
      this.#bySender[sender.index]?.[firstModel + index] ??
      this.#placeAt(sender, firstModel + index, () => ({
        kind: "genai",
        provider: model.provider,
        model: model.name,
        region: sender.region.name,
        operation: model.operation,
      }));
    place.window ??= new FleetCellWindow(place.key, this.#fleet, "model");
    return place.window;
  }

  #request(event: RequestEvent): void {
    if (event.isLostAtEdge) return;
    const { sender } = event;
    this.#heard(sender);
    this.#route(sender, event.requestKind).addRequest(event);
    this.#model(sender, event.model)?.addCall(event);
  }
}
