/** Time that a bench sets: who waits, waits for it, so heartbeats come as often to the load as they do in the world. */
import type { StoryClock } from "../../../services/command/demo-story.ts";

export function waitingClock(startMs: number): StoryClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly untilMs: number; wake(): void }>();
  return {
    nowMs: () => nowMs,
    set(ms) {
      nowMs = Math.max(nowMs, ms);
      for (const sleeper of [...sleepers]) if (sleeper.untilMs <= nowMs) sleeper.wake();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const end = (settle: () => void) => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
          settle();
        };
        const sleeper = { untilMs: nowMs + ms, wake: () => end(resolve) };
        const onAbort = () => end(() => reject(signal?.reason));
        sleepers.add(sleeper);
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}
