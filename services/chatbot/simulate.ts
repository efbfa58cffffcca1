import { type Arrival, Arrivals } from "./arrivals.ts";
import { Attempts } from "./attempt.ts";
import { Conditions } from "./conditions.ts";
import { EventQueue } from "./event-queue.ts";
import { type FleetEvent, isUserVisibleFailure } from "./fleet-event.ts";
import { matches, type Tenant } from "./fleet-model.ts";
import { childKey, hashText, mix32, normalAt, unitAt } from "./random.ts";
import { amountOf, RequestBirth, requestKeys } from "./request-birth.ts";
import { slot } from "./request-slots.ts";
import type { RequestState, Wanted } from "./request-state.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";
import { SenderBoard } from "./sender-board.ts";

type Due =
  | { readonly action: "attempt"; readonly state: RequestState }
  | { readonly action: "end"; readonly state: RequestState }
  | { readonly action: "emit"; readonly event: FleetEvent }
  | { readonly action: "repeat"; readonly wanted: Wanted; readonly keys: readonly [number, number] }
  | { readonly action: "gauges" }
  | { readonly action: "restart"; readonly fault: PlannedFault; readonly turn: number };

/** Arrivals are drawn a second at a time. */
const stepMs = 1000;

/**
 * Runs a planned fleet from `plan.startMs` to `plan.endMs` and yields what ends, in the order of its end. Equal
 * plans yield equal events. Requests still open at the end are not yielded.
 */
export function* simulate(plan: RunPlan): Generator<FleetEvent, void, undefined> {
  const run = new Run(plan);
  for (let fromMs = plan.startMs; fromMs < plan.endMs; fromMs += stepMs) {
    run.start(fromMs, Math.min(plan.endMs, fromMs + stepMs));
    for (let event = run.next(); event !== undefined; event = run.next()) yield event;
  }
}

class Run {
  readonly #plan: RunPlan;
  readonly #conditions: Conditions;
  readonly #board: SenderBoard;
  readonly #birth: RequestBirth;
  readonly #attempts: Attempts;
  readonly #arrivals: Arrivals;
  readonly #due = new EventQueue<Due>();
  readonly #traffic: readonly PlannedFault[];
  readonly #edge: readonly PlannedFault[];
  /** Open HTTP requests by sender index. */
  readonly #open: number[] = [];
  /** The step's arrivals, its next one and its end. */
  #arriving: readonly Arrival[] = [];
  #nextArrival = 0;
  #toMs = 0;
  /** Gauges that were read together and are to be told one by one. */
  readonly #made: FleetEvent[] = [];

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#conditions = new Conditions(plan);
    this.#board = new SenderBoard(plan);
    this.#birth = new RequestBirth(plan, this.#board);
    this.#attempts = new Attempts(plan, this.#conditions, this.#board);
    this.#arrivals = new Arrivals(plan);
    this.#traffic = plan.faults.filter((fault) => fault.effect.kind === "traffic");
    this.#edge = plan.faults.filter((fault) => fault.effect.kind === "edge_loss");
    const intervalMs = plan.fleet.config.telemetry.metricsSeconds * 1000;
    this.#due.push(plan.startMs + intervalMs, { action: "gauges" });
    for (const fault of plan.faults) {
      if (fault.effect.kind === "restart") {
        this.#due.push(fault.course.startMs, { action: "restart", fault, turn: 0 });
      }
    }
  }

  /** Begins a step: what happens in [fromMs, toMs) comes with `next`. */
  start(fromMs: number, toMs: number): void {
    this.#arriving = this.#arrivals.between(fromMs, toMs);
    this.#nextArrival = 0;
    this.#toMs = toMs;
  }

  /** The step's next event; undefined at its end. */
  next(): FleetEvent | undefined {
    for (;;) {
      if (this.#made.length > 0) return this.#made.shift();
      const arrival = this.#arriving[this.#nextArrival];
      const dueMs = this.#due.nextMs;
      if (arrival !== undefined && arrival.atMs <= dueMs) {
        this.#nextArrival += 1;
        this.#conditions.advance(arrival.atMs);
        this.#arrive(arrival.tenant, requestKeys(arrival.tenant, arrival.sequence), arrival.atMs);
        continue;
      }
      if (dueMs >= this.#toMs) return undefined;
      const due = this.#due.pop();
      if (due === undefined) return undefined;
      this.#conditions.advance(dueMs);
      const event = this.#handle(due, dueMs);
      if (event !== undefined) return event;
    }
  }

  #handle(due: Due, atMs: number): FleetEvent | undefined {
    switch (due.action) {
      case "attempt":
        this.#play(due.state, atMs);
        return undefined;
      case "end":
        this.#close(due.state);
        return due.state.event;
      case "emit":
        return due.event;
      case "repeat":
        this.#begin(this.#birth.createLike(due.wanted, due.keys, atMs), atMs);
        return undefined;
      case "gauges":
        this.#gauges(atMs);
        return undefined;
      case "restart":
        this.#restart(due.fault, due.turn, atMs);
        return undefined;
    }
  }

  #arrive(tenant: Tenant, keys: readonly [number, number], atMs: number): void {
    const state = this.#birth.create(tenant, keys, atMs);
    let copies = 1;
    for (const fault of this.#traffic) {
      if (!matches(fault.target, state.facts)) continue;
      copies *= Math.max(0, faultLevel(fault, atMs, state.facts.model, state.facts.region));
    }
    const whole = Math.floor(copies);
    const count = whole + (unitAt(keys[0], slot.fault - 1) < copies - whole ? 1 : 0);
    for (let copy = 1; copy < count; copy += 1) {
      const child = [childKey(keys[0], 1000 + copy), childKey(keys[1], 1000 + copy)] as const;
      const pauseMs = -2000 * Math.log(unitAt(child[0], slot.userRetryPause));
      this.#due.push(atMs + pauseMs, { action: "repeat", wanted: state.wanted, keys: child });
    }
    if (count >= 1) this.#begin(state, atMs);
  }

  #begin(state: RequestState, atMs: number): void {
    const { event, facts } = state;
    const isLost = this.#edge.some(
      (fault) =>
        matches(fault.target, facts) &&
        unitAt(event.key1, slot.fault + fault.index * 8) <
          faultLevel(fault, atMs, facts.model, facts.region),
    );
    if (isLost) {
      event.isLostAtEdge = true;
      event.isTouched = true;
      event.isFaultCaused = true;
      event.outcome = "connection_error";
      event.callEndMs = atMs + 1000;
      event.endMs = atMs + 1000;
      this.#due.push(event.endMs, { action: "emit", event });
      return;
    }
    this.#open[event.sender.index] = (this.#open[event.sender.index] ?? 0) + 1;
    this.#play(state, event.servedBy < 0 ? atMs : event.callStartMs);
  }

  #play(state: RequestState, atMs: number): void {
    const result = this.#attempts.play(state, atMs);
    if (result.filter !== undefined) {
      this.#due.push(result.filter.endMs, { action: "emit", event: result.filter });
    }
    if (result.done) this.#due.push(state.event.endMs, { action: "end", state });
    else this.#due.push(result.retryMs, { action: "attempt", state });
  }

  #close(state: RequestState): void {
    const { event } = state;
    this.#open[event.sender.index] = (this.#open[event.sender.index] ?? 1) - 1;
    const { userRetryShare } = this.#plan.fleet.config.clients;
    const asksAgain =
      state.wanted.asked < 2 &&
      this.#plan.fleet.config.tiers[event.tier]?.hasUsers === true &&
      isUserVisibleFailure(event) &&
      unitAt(event.key1, slot.userRetry) < userRetryShare;
    if (!asksAgain) return;
    const keys = [childKey(event.key1, 999), childKey(event.key2, 999)] as const;
    const pauseMs = 8000 * Math.exp(0.5 * normalAt(event.key1, slot.userRetryPause));
    this.#due.push(event.endMs + pauseMs, {
      action: "repeat",
      wanted: { ...state.wanted, asked: state.wanted.asked + 1 },
      keys,
    });
  }

  #gauges(atMs: number): void {
    const { fleet } = this.#plan;
    const { metricsSeconds, queueGauges } = fleet.config.telemetry;
    this.#due.push(atMs + metricsSeconds * 1000, { action: "gauges" });
    for (const sender of this.#board.all) {
      if (sender.service !== "chatbot-api") continue;
      const count = this.#open[sender.index] ?? 0;
      this.#made.push({ kind: "active", sender, endMs: atMs, count });
    }
    if (!queueGauges) return;
    for (let region = 0; region < fleet.regions.length; region += 1) {
      const sender = this.#board.modelServers[region];
      if (sender === undefined) continue;
      for (let model = 0; model < fleet.models.length; model += 1) {
        const at = this.#conditions.model(model, region);
        const demand = this.#conditions.demand(model, region);
        const waiting = Math.round(at.waitSeconds * 20);
        const running = Math.round(Math.min(1, demand * fleet.config.pools.utilization) * 256);
        this.#made.push({ kind: "pool", sender, model, region, endMs: atMs, running, waiting });
      }
    }
  }

  #restart(fault: PlannedFault, turn: number, atMs: number): void {
    if (fault.effect.kind !== "restart" || atMs >= fault.course.endMs) return;
    this.#plan.fleet.regions.forEach((_, region) => {
      if (fault.target.regions?.has(region) !== false) this.#board.restart(region, turn);
    });
    const key = childKey(childKey(mix32(this.#plan.seed), hashText(`restart/${fault.name}`)), turn);
    const minutes = Math.max(0.05, amountOf(fault.effect.everyMinutes, key, 1));
    const nextMs = atMs + (minutes * 60_000) / this.#plan.compress;
    this.#due.push(nextMs, { action: "restart", fault, turn: turn + 1 });
  }
}
