/** What both protocols do with a decoded request: admit it, append it, and say what became of it. */
import { ForeshockError } from "../contracts/errors.ts";
import { type Signal, sourceTopics } from "../contracts/topics.ts";
import type { Pressure } from "../log/log.ts";
import type { EdgeContext } from "../stage.ts";
import { type Admitted, createAdmission } from "./admission.ts";
import { createGatheredAppend } from "./gathered-append.ts";
import type { PartialSuccess } from "./responses.ts";

type Protocol = "grpc" | "http_protobuf" | "http_json";

/** How a request was answered; also the label of the request counter. */
export type Outcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "partial"; readonly partial: PartialSuccess }
  | { readonly kind: "invalid"; readonly message: string }
  | { readonly kind: "too_large"; readonly message: string }
  | { readonly kind: "unsupported"; readonly message: string }
  /** A mistake of ours: the same request would fail again. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "unavailable"; readonly message: string; readonly retryAfterMs: number };

export interface Receipt {
  readonly signal: Signal;
  readonly protocol: Protocol;
  readonly receivedMs: number;
}

export interface Receiver {
  /**
   * Resolves when the log has the request, or it was refused; never rejects. `request` is protobuf, or a function that
   * makes it and may throw `payload_invalid`. The bytes must not change afterwards.
   */
  receive(receipt: Receipt, request: Uint8Array | (() => Uint8Array)): Promise<Outcome>;
  /** Counts a request that did not get as far as `receive`. */
  refuse(receipt: Receipt, outcome: Outcome): Outcome;
  /**
   * Claims memory for bodies under way; the caller releases the same number. False when that is more than ingest may
   * hold: the request is to be refused as unavailable.
   */
  claimBytes(count: number): boolean;
  releaseBytes(count: number): void;
  /** The refusal when `claimBytes` gave false. */
  readonly overloaded: Outcome;
}

/** The log is asked this often at most whether it takes more. */
const pressureAgeMs = 100;
/** Bodies under way may take this many times the largest one. */
const bodiesAtOnce = 4;
const retryAfterMs = 1_000;

export function createReceiver(context: EdgeContext): Receiver {
  const { config, log, metrics, clock } = context;
  const { ingest } = config;
  const admit = createAdmission({
    maxAttributeBytes: ingest.maxAttributeBytes,
    maxAttributes: ingest.maxAttributesPerSpan,
    keepContent: ingest.keepContent,
    contentAttributes: ingest.contentAttributes,
    partitions: config.log.partitions,
  });
  const appendGathered = createGatheredAppend(log);
  const maxHeldBytes = bodiesAtOnce * (ingest.maxBodyBytes + ingest.maxDecompressedBytes);
  let heldBytes = 0;
  let pressure: Promise<Pressure> | undefined;
  let pressureAskedMs = Number.NEGATIVE_INFINITY;

  async function currentPressure(): Promise<Pressure> {
    const nowMs = clock.nowMs();
    if (pressure === undefined || nowMs - pressureAskedMs >= pressureAgeMs) {
      pressureAskedMs = nowMs;
      pressure = log.pressure();
    }
    try {
      return await pressure;
    } catch (error) {
      pressure = undefined;
      return {
        state: "refusing",
        reason: `the log does not answer: ${String(error)}`,
        retryAfterMs,
      };
    }
  }

  function count({ signal, protocol, receivedMs }: Receipt, outcome: Outcome): Outcome {
    metrics.add("foreshock_ingest_requests_total", 1, { signal, protocol, outcome: outcome.kind });
    const seconds = Math.max(0, clock.nowMs() - receivedMs) / 1000;
    metrics.record("foreshock_ingest_duration_seconds", seconds, { signal });
    return outcome;
  }

  function countAdmitted(signal: Signal, { items, rejected, cuts }: Admitted): void {
    if (items > 0) metrics.add("foreshock_ingest_items_total", items, { signal });
    for (const { reason, count: items } of rejected)
      metrics.add("foreshock_ingest_rejected_items_total", items, { signal, reason });
    const byReason = { content: cuts.content, too_long: cuts.tooLong, too_many: cuts.tooMany };
    for (const [reason, cut] of Object.entries(byReason))
      if (cut > 0) metrics.add("foreshock_ingest_cut_attributes_total", cut, { reason });
  }

  async function append(signal: Signal, admitted: Admitted): Promise<Outcome> {
    const topic = sourceTopics[signal];
    const records = admitted.records.map((record) => ({ topic, ...record }));
    try {
      await appendGathered(records);
    } catch (error) {
      return notAppended(error);
    }
    countAdmitted(signal, admitted);
    const partial = partialSuccess(admitted);
    return partial === undefined ? { kind: "accepted" } : { kind: "partial", partial };
  }

  /** Whatever the log says, the sender still has the data: it may try again. */
  function notAppended(error: unknown): Outcome {
    if (error instanceof ForeshockError && error.retryable)
      return { kind: "unavailable", message: error.message, retryAfterMs };
    context.report("error", `ingest: the log did not take a request: ${String(error)}`);
    const message = "the log does not take records at the moment";
    return { kind: "unavailable", message, retryAfterMs };
  }

  async function decide(
    signal: Signal,
    request: Uint8Array | (() => Uint8Array),
  ): Promise<Outcome> {
    const state = await currentPressure();
    if (state.state === "refusing")
      return { kind: "unavailable", message: state.reason, retryAfterMs: state.retryAfterMs };
    const bytes = typeof request === "function" ? request() : request;
    metrics.add("foreshock_ingest_bytes_total", bytes.length, { signal });
    return append(signal, admit(signal, bytes));
  }

  function failure(error: unknown): Outcome {
    if (error instanceof ForeshockError && error.code === "payload_invalid")
      return { kind: "invalid", message: error.message };
    context.report("error", `ingest: a request failed: ${String(error)}`);
    return { kind: "failed", message: "internal error" };
  }

  return {
    async receive(receipt, request) {
      try {
        return count(receipt, await decide(receipt.signal, request));
      } catch (error) {
        return count(receipt, failure(error));
      }
    },
    refuse: count,
    claimBytes(bytes) {
      if (heldBytes + bytes > maxHeldBytes) return false;
      heldBytes += bytes;
      return true;
    },
    releaseBytes(bytes) {
      heldBytes -= bytes;
    },
    overloaded: {
      kind: "unavailable",
      message: `requests under way take more than ${maxHeldBytes} bytes`,
      retryAfterMs,
    },
  };
}

function partialSuccess({ rejected }: Admitted): PartialSuccess | undefined {
  if (rejected.length === 0) return undefined;
  const rejectedItems = rejected.reduce((sum, each) => sum + each.count, 0);
  const message = rejected
    .map(({ reason, count, example }) => `${count} × ${reason}, first: ${example}`)
    .join("; ");
  return { rejectedItems, message };
}
