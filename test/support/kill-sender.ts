/** Sends telemetry as an SDK with a queue does: again and again until it is acknowledged, wherever the receiver is by then. */
import { systemClock } from "../../services/runtime/clock.ts";
import type { TelemetryRequest } from "./kill-traffic.ts";

export interface Sender extends AsyncDisposable {
  /** Base URL of OTLP over HTTP; undefined while nobody listens. */
  address: string | undefined;
  readonly waiting: number;
  /** What was acknowledged, with the time at which it was first sent, Unix ms. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Requests that were acknowledged, repeats included. */
  readonly requests: number;
  push(requests: readonly TelemetryRequest[]): void;
}

const connections = 4;
const retryMs = 50;
const answerLimitMs = 5_000;

export function openSender(nowMs: () => number): Sender {
  const queue: { readonly request: TelemetryRequest; readonly sentMs: number }[] = [];
  const acknowledged = new Map<string, number>();
  const closing = new AbortController();
  let underWay = 0;
  let requests = 0;

  const sender: Sender = {
    address: undefined,
    acknowledged,
    get waiting() {
      return queue.length + underWay;
    },
    get requests() {
      return requests;
    },
    push(more) {
      for (const request of more) queue.push({ request, sentMs: nowMs() });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all(workers);
    },
  };

  async function attempt(request: TelemetryRequest): Promise<boolean> {
    const { address } = sender;
    if (address === undefined) return false;
    try {
      const response = await fetch(`${address}${request.path}`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: Buffer.from(request.body),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(answerLimitMs)]),
      });
      await response.arrayBuffer();
      if (response.ok) return true;
      if (response.status !== 503 && response.status !== 429)
        throw new Error(`${request.path} was answered with ${response.status}`);
      return false;
    } catch (error) {
      // Cut off in the middle: nobody knows whether it was taken, so it goes again.
      if (error instanceof TypeError || (error instanceof DOMException && !closing.signal.aborted))
        return false;
      if (closing.signal.aborted) return false;
      throw error;
    }
  }

  async function work(): Promise<void> {
    while (!closing.signal.aborted) {
      const next = queue.shift();
      if (next === undefined) {
        await systemClock.sleep(retryMs);
        continue;
      }
      underWay++;
      while (!closing.signal.aborted && !(await attempt(next.request)))
        await systemClock.sleep(retryMs);
      underWay--;
      if (closing.signal.aborted) return;
      requests++;
      for (const content of next.request.contents)
        if (!acknowledged.has(content)) acknowledged.set(content, next.sentMs);
    }
  }
  const workers = Array.from({ length: connections }, work);
  return sender;
}
