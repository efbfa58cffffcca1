import type { Clock } from "../runtime/clock.ts";
import type { PartitionState, ReadWaiter } from "./partition-state.ts";

export interface ReadWait {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Why timers end: made once, since a reason of its own for each would cost a stack trace each. */
const over = new Error("no longer waited for");

/**
 * Resolves when the partition gets records or after `waitMs`; rejects with the signal's reason, or with
 * what a waiter is failed with when the log closes.
 */
export function waitForRecords(state: PartitionState, wait: ReadWait): Promise<void> {
  const { clock, waitMs, signal } = wait;
  return new Promise((resolve, reject) => {
    const timer = new AbortController();
    const settle = (action: () => void) => {
      state.waiters.delete(waiter);
      signal?.removeEventListener("abort", onAbort);
      timer.abort(over);
      action();
    };
    const waiter: ReadWaiter = {
      wake: () => settle(resolve),
      fail: (error) => settle(() => reject(error)),
    };
    const onAbort = () => settle(() => reject(signal?.reason));
    state.waiters.add(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
    clock.sleep(waitMs, timer.signal).then(waiter.wake, () => {});
  });
}

export function wakeReaders(state: PartitionState): void {
  for (const waiter of [...state.waiters]) waiter.wake();
}
