/** A fleet whose time goes on as its telemetry is taken. */
import { systemClock } from "../../services/runtime/clock.ts";
import type { SetClock } from "./kill-clock.ts";
import type { Sender } from "./kill-sender.ts";
import type { Traffic } from "./kill-traffic.ts";

const pollMs = 10;

export interface Fleet {
  readonly clock: SetClock;
  readonly sender: Sender;
  readonly traffic: Traffic;
  /** Told whenever time has gone on, Unix ms. */
  onTime: (ms: number) => void;
}

export interface Pace {
  /** What an SDK sends at once, ms of the clock that the application sees. */
  readonly tickMs: number;
  /** How long a tick takes at least, ms of the wall: where it is less than a tick, telemetry comes faster than it happened. */
  readonly leastTickMs: number;
}

/** Sends a tick's telemetry and lets time go on when all of it was taken; while nobody listens, time stands still. */
export async function feed(fleet: Fleet, pace: Pace, signal: AbortSignal): Promise<void> {
  const { tickMs, leastTickMs } = pace;
  const { clock, sender, traffic } = fleet;
  while (!signal.aborted) {
    const beganMs = performance.now();
    if (sender.address !== undefined && sender.waiting === 0) {
      sender.push(traffic.tick(clock.nowMs()));
      while (sender.waiting > 0 && !signal.aborted) await systemClock.sleep(pollMs);
      clock.set(clock.nowMs() + tickMs);
      fleet.onTime(clock.nowMs());
    }
    await systemClock.sleep(Math.max(pollMs, leastTickMs - (performance.now() - beganMs)));
  }
}
