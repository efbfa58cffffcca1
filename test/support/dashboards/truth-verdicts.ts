/** States and bands out of detection's own records. */
import type { SignalName, SignalVerdict } from "../../../services/contracts/frame.ts";
import { share, sum } from "./truth.ts";
import type { CellVerdict } from "./world.ts";

export const signalOf = (verdict: CellVerdict, signal: SignalName) =>
  verdict.signals.find((one) => one.signal === signal);

const weights = ["normal", "warming", "blind", "watching", "anomalous"];
export const stateOf = ({ signals }: CellVerdict) =>
  weights[Math.max(0, ...signals.map(({ state }) => weights.indexOf(state)))] ?? "normal";
const stateNumbers = ["blind", "warming", "normal", "watching", "anomalous"];
export const stateNumber = (verdict: CellVerdict) => stateNumbers.indexOf(stateOf(verdict));

/** The worst that held in at least a tenth of the windows. */
export function stepState(verdicts: readonly CellVerdict[]): number {
  const sorted = verdicts.map(stateNumber).sort((a, b) => a - b);
  return sorted[Math.floor(0.9 * sorted.length)] ?? 0;
}

type Bound = "seen" | "low" | "high";

function mean(verdicts: readonly SignalVerdict[], pick: Bound): readonly [number | null, number] {
  const known = verdicts.filter((one) => one[pick] !== null);
  const weight = sum(known.map(({ of }) => of));
  return [share(sum(known.map((one) => (one[pick] ?? 0) * one.of)), weight), weight];
}

/** Seen, low and high of a signal over verdicts, means weighted by requests. */
export function bandOf(
  verdicts: readonly CellVerdict[],
  signal: SignalName,
  bound: Bound,
): number | null {
  const all = verdicts
    .map((verdict) => signalOf(verdict, signal))
    .filter((one) => one !== undefined);
  const [value] = mean(all, bound);
  if (bound === "seen") return value;
  return mean(all, "low")[1] >= 0.99 * mean(all, "seen")[1] ? value : null;
}

export function timesExpected(verdicts: readonly CellVerdict[], signal: SignalName): number | null {
  const known = verdicts
    .map((verdict) => signalOf(verdict, signal))
    .filter((one) => one !== undefined)
    .filter(
      ({ seen, expected }) =>
        seen !== null && expected !== null && Number.isFinite(seen / expected),
    );
  return share(
    sum(known.map(({ seen, expected, of }) => ((seen ?? 0) / (expected ?? 1)) * of)),
    sum(known.map(({ of }) => of)),
  );
}
