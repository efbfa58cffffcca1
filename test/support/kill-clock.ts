/** Time that is set from outside: it stands still while telemetry is on its way, so that a slow machine makes nothing late. */
import { type Clock, systemClock } from "../../services/runtime/clock.ts";

export interface SetClock extends Clock {
  /** Never goes back. */
  set(ms: number): void;
}

/** Waiting takes real time. */
export function setClock(startMs: number): SetClock {
  let ms = startMs;
  return {
    nowMs: () => ms,
    set(to) {
      ms = Math.max(ms, to);
    },
    sleep: systemClock.sleep,
  };
}

/** The machine's own time, where the log has it too: nobody can set it. */
export const realClock: SetClock = { ...systemClock, set: () => {} };
