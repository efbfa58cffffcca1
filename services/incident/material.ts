/** Whether what is sure is also large enough to matter: with enough requests, the smallest change is significant. */
import type { SignalName } from "../contracts/frame.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import { logSlowdown } from "./slowness.ts";
import type { Tally } from "./tally.ts";
import type { CellTrack, SignalTrack } from "./track.ts";

const leastSlowdown = Math.log(1.25);
const leastFactor = 1.5;
const leastExcess = 0.01;
const leastBad = 3;

export function isMaterial(track: CellTrack, name: SignalName, signal: SignalTrack): boolean {
  const visible = visibleSignals.find((other) => other === name);
  if (visible !== undefined) return isExcess(track.visible[visible]);
  const { seen, expected, bad, of } = signal.last;
  switch (name) {
    case "ttft":
      return isSlower(track);
    case "duration":
      // Where first tokens are known, they say it better.
      return track.signals.ttft === undefined
        ? isSlower(track)
        : shiftOf(signal) >= Math.log(leastFactor);
    case "time_per_output_token":
      return shiftOf(signal) >= leastSlowdown;
    case "client_errors":
      return bad >= leastBad && bad >= 0.05 * of;
    case "retries":
    case "substituted":
      return bad >= leastBad && isBeyond(seen, expected);
    case "stragglers":
      return isExcess(track.stragglers);
    case "in_flight":
    case "queued":
      return isBeyond(seen, expected);
    default:
      return true;
  }
}

/** Mean ln(seen / expected) of the last minute or two. */
export function shiftOf({ shift }: SignalTrack): number {
  return shift.of > 0 ? shift.sum / shift.of : 0;
}

function isSlower(track: CellTrack): boolean {
  const slowdown = Math.max(logSlowdown(track.lastingSlow), logSlowdown(track.slow));
  return slowdown + track.latencyDrift >= leastSlowdown;
}

function isExcess(tally: Readonly<Tally> | undefined): boolean {
  if (tally === undefined) return false;
  const excess = tally.bad - tally.expected;
  return excess >= leastBad && excess >= leastExcess * tally.of;
}

function isBeyond(seen: number | null, expected: number | null): boolean {
  return seen !== null && expected !== null && seen >= leastFactor * expected;
}
