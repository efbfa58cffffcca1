import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../services/runtime/clock.ts";

export interface TurnedClock extends Clock {
  /** Moves time on and lets whoever slept so long go on. */
  pass(ms: number): Promise<void>;
  set(nowMs: number): void;
}

/** A clock that stands until it is turned. */
export function createTurnedClock(startMs: number): TurnedClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly untilMs: number; wake(): void }>();
  return {
    nowMs: () => nowMs,
    set(ms) {
      nowMs = ms;
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { untilMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            sleepers.delete(sleeper);
            reject(signal.reason);
          },
          { once: true },
        );
      }),
    async pass(ms) {
      nowMs += ms;
      for (const sleeper of [...sleepers]) {
        if (sleeper.untilMs > nowMs) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await nextTurn();
    },
  };
}
