import type { Conditions, PoolConditions } from "./conditions.ts";
import { FaultEffects } from "./fault-effects.ts";
import type { FilterEvent, Outcome } from "./fleet-event.ts";
import { requestKinds } from "./fleet-model.ts";
import { childKey, normalAt, unitAt } from "./random.ts";
import { slot } from "./request-slots.ts";
import { isRetried, type RequestState } from "./request-state.ts";
import type { RunPlan } from "./run-plan.ts";
import type { SenderBoard } from "./sender-board.ts";

const streamKind = requestKinds.indexOf("stream");
const embeddingsKind = requestKinds.indexOf("embeddings");
const medianInputTokens = 1020;

/** What came of an attempt: the call is over (its event is filled in), or the SDK tries again. */
type AttemptResult =
  | { readonly done: true; readonly filter: FilterEvent | undefined }
  | { readonly done: false; readonly retryMs: number; readonly filter: FilterEvent | undefined };

/** How one attempt went, times in seconds from its start. */
interface Answer {
  readonly outcome: Outcome;
  readonly seconds: number;
  /** NaN where no token came. */
  readonly firstTokenSeconds: number;
  readonly isFaultCaused: boolean;
  readonly isTouched: boolean;
}

/** Plays attempts of model calls and HTTP-only requests against the conditions of their moment. */
export class Attempts {
  readonly #plan: RunPlan;
  readonly #conditions: Conditions;
  readonly #board: SenderBoard;
  readonly #faults: FaultEffects;

  constructor(plan: RunPlan, conditions: Conditions, board: SenderBoard) {
    this.#plan = plan;
    this.#conditions = conditions;
    this.#board = board;
    this.#faults = new FaultEffects(plan);
  }

  /** Plays attempt `state.attempt` at `atMs`; fills in the event when the call ends with it. */
  play(state: RequestState, atMs: number): AttemptResult {
    const { event } = state;
    const key = childKey(event.key1, state.attempt + 1);
    const leaves = state.attempt === 0 ? this.#faults.cancelSeconds(state, atMs) : undefined;
    if (leaves !== undefined) {
      return this.#end(state, atMs, failed("client_cancelled", leaves, true), undefined);
    }
    if (event.servedBy < 0) {
      return this.#end(state, atMs, this.#http(state, atMs), undefined);
    }
    const { answer, filter } = this.#call(state, atMs, key);
    const endMs = atMs + answer.seconds * 1000;
    const waitedMs = Number.isNaN(answer.firstTokenSeconds)
      ? endMs
      : atMs + answer.firstTokenSeconds * 1000;
    if (waitedMs > state.patienceEndMs && state.fate === undefined) {
      const seconds = (state.patienceEndMs - atMs) / 1000;
      return this.#end(state, atMs, { ...answer, ...gaveUp, seconds }, filter);
    }
    const mayRetry = state.attempt < this.#plan.fleet.config.clients.maxRetries;
    if (!mayRetry || !isRetried(answer.outcome)) return this.#end(state, atMs, answer, filter);
    const retryMs = endMs + this.#backoffMs(state.attempt, key);
    if (retryMs > state.patienceEndMs && state.fate === undefined) {
      const seconds = (Math.max(endMs, state.patienceEndMs) - atMs) / 1000;
      return this.#end(state, atMs, { ...answer, ...gaveUp, seconds }, filter);
    }
    event.isTouched ||= answer.isTouched;
    state.attempt += 1;
    return { done: false, retryMs, filter };
  }

  #call(
    state: RequestState,
    atMs: number,
    key: number,
  ): { readonly answer: Answer; readonly filter: FilterEvent | undefined } {
    const { fate } = state;
    const filtered = this.#filter(state, atMs, key);
    if (filtered.answer !== undefined && fate === undefined) {
      return { answer: filtered.answer, filter: filtered.event };
    }
    const answer =
      (fate !== undefined ? this.#fated(state, key) : undefined) ??
      this.#errorNow(state, atMs, key) ??
      this.#refusal(state, key) ??
      this.#answered(state, {
        atMs,
        key,
        filterSeconds: filtered.seconds,
        cleanFilterSeconds: filtered.cleanSeconds,
      });
    return { answer, filter: filtered.event };
  }

  #fated(state: RequestState, key: number): Answer | undefined {
    const { fate, event } = state;
    if (fate === undefined) return undefined;
    const timeout = this.#conditions.timeoutSeconds(event.servedBy, event.region);
    if (fate.outcome === "stream_error") return undefined;
    const noise = Math.exp(0.3 * normalAt(key, slot.attemptSeconds));
    return {
      outcome: fate.outcome,
      seconds: fate.outcome === "timeout" ? timeout : fate.seconds * noise,
      firstTokenSeconds: Number.NaN,
      isFaultCaused: fate.isFaultCaused,
      isTouched: fate.isFaultCaused,
    };
  }

  #errorNow(state: RequestState, atMs: number, key: number): Answer | undefined {
    const fate = this.#faults.errorOf(state, atMs, key);
    if (fate !== undefined) return failed(fate.outcome, fate.seconds, fate.isFaultCaused);
    const isTransient =
      state.attempt === 0 &&
      unitAt(key, slot.transient) < this.#plan.fleet.config.errors.transient &&
      this.#plan.fleet.config.clients.maxRetries > 0;
    return isTransient ? failed("server_error", 0.3, false) : undefined;
  }

  #refusal(state: RequestState, key: number): Answer | undefined {
    const { servedBy, region, key1 } = state.event;
    const unit = unitAt(key, slot.refused);
    if (unit >= this.#conditions.model(servedBy, region).refused) return undefined;
    const isFaultCaused = unit >= this.#conditions.modelWithoutFault(servedBy, region).refused;
    const first = unitAt(key1, slot.refusalClass) < 0.7;
    const isAnthropic = this.#plan.fleet.models[servedBy]?.provider === "anthropic";
    const overload = isAnthropic ? "overloaded" : "unavailable";
    const outcome = first ? overload : "rate_limit";
    return failed(outcome, 0.1 + 0.2 * unitAt(key, slot.attemptSeconds), isFaultCaused);
  }

  /** The safety filter: seconds that it adds, or its refusal. */
  #filter(
    state: RequestState,
    atMs: number,
    key: number,
  ): {
    readonly seconds: number;
    /** What it would have added without the faults. */
    readonly cleanSeconds: number;
    readonly answer: Answer | undefined;
    readonly event: FilterEvent | undefined;
  } {
    const { config } = this.#plan.fleet;
    const { event } = state;
    if (!config.filter.enabled || event.requestKind === embeddingsKind) {
      return { seconds: 0, cleanSeconds: 0, answer: undefined, event: undefined };
    }
    const now = this.#conditions.filter(event.region);
    const noise = Math.exp(0.3 * normalAt(key, slot.filterSeconds));
    const unit = unitAt(key, slot.filterRefused);
    const isRefused = unit < now.refused;
    const clean = this.#conditions.filterWithoutFault(event.region);
    const plain = (config.filter.latencyMs / 1000) * noise;
    const cleanSeconds = plain * clean.slowness + clean.waitSeconds;
    const seconds = isRefused ? 0.02 : plain * now.slowness + now.waitSeconds;
    const sender = this.#board.filters[event.region];
    const span =
      sender === undefined || !config.telemetry.filterSpans
        ? undefined
        : ({
            kind: "filter",
            request: event,
            sender,
            attempt: state.attempt,
            startMs: microseconds(atMs + 0.6),
            endMs: microseconds(atMs + 0.6 + seconds * 1000),
            status: isRefused ? 503 : 200,
          } as const);
    if (!isRefused) return { seconds, cleanSeconds, answer: undefined, event: span };
    const outcome = unitAt(event.key1, slot.refusalClass) < 0.5 ? "rate_limit" : "unavailable";
    const answer = failed(outcome, seconds + 0.05, unit >= clean.refused);
    return { seconds, cleanSeconds, answer, event: span };
  }

  #answered(
    state: RequestState,
    now: {
      readonly atMs: number;
      readonly key: number;
      readonly filterSeconds: number;
      readonly cleanFilterSeconds: number;
    },
  ): Answer {
    const { event } = state;
    const { servedBy, region, key1 } = event;
    const { atMs, key } = now;
    const model = this.#plan.fleet.models[servedBy];
    if (model === undefined) return failed("model_not_found", 0.1, false);
    const here = this.#conditions.model(servedBy, region);
    const clean = this.#conditions.modelWithoutFault(servedBy, region);
    const prompt = 0.7 + 0.3 * (event.inputTokens / medianInputTokens);
    const plain =
      model.firstTokenSeconds *
      prompt *
      Math.exp(model.firstTokenSigma * normalAt(key, slot.firstToken));
    const noise = Math.exp(0.15 * normalAt(key, slot.waitNoise));
    const firstToken = (at: PoolConditions) => at.waitSeconds * noise + plain * at.slowness;
    const cleanSeconds = firstToken(clean) + now.cleanFilterSeconds;
    const seconds = this.#faults.slowed(state, atMs, firstToken(here)) + now.filterSeconds;
    const timeout = this.#conditions.timeoutSeconds(servedBy, region);
    if (seconds > timeout) return failed("timeout", timeout, cleanSeconds <= timeout);
    const loaded = this.#conditions.tokenSpeed(servedBy, region);
    const speedFactor = this.#faults.tokenSpeed(state, atMs);
    const isTouched = seconds > 1.1 * cleanSeconds || speedFactor < 0.9;
    const speedNoise = Math.exp(0.15 * normalAt(key1, slot.tokenSpeed));
    const speed = model.tokensPerSecond * loaded * speedFactor * speedNoise;
    const generation = event.outputTokens / speed;
    const answer = {
      outcome: "ok" as Outcome,
      seconds: seconds + generation,
      firstTokenSeconds: seconds,
      isFaultCaused: false,
      isTouched,
    };
    if (event.requestKind !== streamKind) return answer;
    const point = unitAt(key1, slot.cutPoint);
    const isCut = this.#faults.isCut(state, atMs);
    if (isCut || state.fate?.outcome === "stream_error") {
      return {
        ...answer,
        outcome: "stream_error",
        seconds: seconds + generation * point,
        isFaultCaused: isCut,
        isTouched: isTouched || isCut,
      };
    }
    const stops = unitAt(key1, slot.stop) < this.#plan.fleet.config.clients.stopShare;
    if (!stops) return answer;
    const read = unitAt(key1, slot.stopPoint);
    return { ...answer, outcome: "client_cancelled", seconds: seconds + generation * read };
  }

  #http(state: RequestState, atMs: number): Answer {
    const { event, fate } = state;
    const plain = 0.1 * Math.exp(0.4 * normalAt(event.key1, slot.httpSeconds));
    if (fate !== undefined) return failed(fate.outcome, fate.seconds, fate.isFaultCaused);
    const seconds = this.#faults.slowed(state, atMs, plain);
    if (seconds > 15) return failed("timeout", 15, plain <= 15);
    return {
      outcome: "ok",
      seconds,
      firstTokenSeconds: Number.NaN,
      isFaultCaused: false,
      isTouched: seconds > 1.1 * plain,
    };
  }

  /** SDK back-off: doubles from its base to its bound, less up to a quarter of jitter. */
  #backoffMs(attempt: number, key: number): number {
    const { backoffSeconds, backoffMaxSeconds } = this.#plan.fleet.config.clients;
    const seconds = Math.min(backoffMaxSeconds, backoffSeconds * 2 ** attempt);
    return seconds * (1 - 0.25 * unitAt(key, slot.backoff)) * 1000;
  }

  #end(
    state: RequestState,
    atMs: number,
    answer: Answer,
    filter: FilterEvent | undefined,
  ): AttemptResult {
    const { event } = state;
    const callAtMs = event.servedBy < 0 ? event.startMs : event.callStartMs;
    event.outcome = answer.outcome;
    event.retries = state.attempt;
    event.isFaultCaused = answer.isFaultCaused && answer.outcome !== "ok";
    event.isTouched ||= answer.isTouched || event.isFaultCaused;
    event.startMs = microseconds(event.startMs);
    event.callStartMs = microseconds(event.callStartMs);
    event.callEndMs = microseconds(Math.max(callAtMs, atMs) + Math.max(0, answer.seconds) * 1000);
    const overhead = event.servedBy < 0 ? 0 : 1 + 3 * unitAt(event.key1, slot.httpOverhead);
    event.endMs = microseconds(event.callEndMs + overhead);
    event.firstTokenSeconds = (atMs - event.callStartMs) / 1000 + answer.firstTokenSeconds;
    const finish = unitAt(event.key1, slot.finish);
    event.finishReason = finish < 0.02 ? "length" : finish < 0.023 ? "content_filter" : "stop";
    return { done: true, filter };
  }
}

const gaveUp = { outcome: "client_cancelled", firstTokenSeconds: Number.NaN } as const;

function failed(outcome: Outcome, seconds: number, isFaultCaused: boolean): Answer {
  return {
    outcome,
    seconds,
    firstTokenSeconds: Number.NaN,
    isFaultCaused,
    isTouched: isFaultCaused,
  };
}

/** Times are whole microseconds, so that what is encoded in nanoseconds reads back equal. */
function microseconds(unixMs: number): number {
  return Math.round(unixMs * 1000) / 1000;
}
