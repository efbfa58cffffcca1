/**
 * Tries under way. Each sink has its own few, so one that is away holds up no other; and of one incident a sink gets one thing
 * at a time, in order.
 */
import type { Sink, SinkAnswer } from "./sinks/sink.ts";
import type { Task } from "./state.ts";

export interface Finished {
  readonly task: Task;
  readonly answer: SinkAnswer;
  readonly atMs: number;
}

export interface Dispatcher extends AsyncDisposable {
  /** Begins a try unless its sink is busy enough or busy with the same incident; returns whether it began. */
  tryStart(task: Task): boolean;
  /** What has finished since the last call. */
  takeFinished(): readonly Finished[];
  /** Resolves when every try is over or after `waitMs`. */
  settle(waitMs: number, signal: AbortSignal): Promise<void>;
}

export interface DispatcherOptions {
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly attemptTimeoutMs: number;
  readonly nowMs: () => number;
  readonly deliver: (sink: Sink, task: Task, signal: AbortSignal) => Promise<SinkAnswer>;
}

const triesPerSink = 8;

export function openDispatcher(options: DispatcherOptions): Dispatcher {
  const closing = new AbortController();
  const underWay = new Map<string, { readonly sink: string; readonly done: Promise<void> }>();
  let finished: Finished[] = [];

  async function run(sink: Sink, task: Task): Promise<void> {
    const timeout = AbortSignal.timeout(options.attemptTimeoutMs);
    const signal = AbortSignal.any([closing.signal, timeout]);
    let answer: SinkAnswer;
    try {
      answer = await untilAborted(options.deliver(sink, task, signal), signal);
    } catch (error) {
      answer = {
        outcome: "retry",
        detail: timeout.aborted ? "no answer in time" : String(error),
      };
    }
    // What closing cut off is not known to have failed: it stays a task, and is sent again under the same key.
    if (!closing.signal.aborted || answer.outcome === "delivered")
      finished.push({ task, answer, atMs: options.nowMs() });
  }

  return {
    tryStart(task) {
      const sink = options.sinks.get(task.sink);
      if (sink === undefined || closing.signal.aborted) return false;
      const lane = `${task.sink}\n${task.incident.incident}`;
      if (underWay.has(lane)) return false;
      let busy = 0;
      for (const other of underWay.values()) if (other.sink === task.sink) busy++;
      if (busy >= triesPerSink) return false;
      const done = run(sink, task).finally(() => underWay.delete(lane));
      underWay.set(lane, { sink: task.sink, done });
      return true;
    },
    takeFinished() {
      const taken = finished;
      finished = [];
      return taken;
    },
    async settle(waitMs, signal) {
      if (underWay.size === 0 || signal.aborted) return;
      const over = Promise.all([...underWay.values()].map(({ done }) => done));
      await untilAborted(over, AbortSignal.any([signal, AbortSignal.timeout(waitMs)])).catch(
        () => undefined,
      );
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([...underWay.values()].map(({ done }) => done));
    },
  };
}

/** Settles with `promise`, or rejects when the signal is aborted first, whatever `promise` does then. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
