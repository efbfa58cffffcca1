/** What detection thought, out of `verdicts` or its sums: a row a cell and time, with an array element for each signal that was judged. */
import { type SignalName, signalCatalog } from "../../services/contracts/frame.ts";

export const hasSignal = (signal: SignalName) => `has(signals, '${signal}')`;

/** Factor from a signal's unit to what is shown: µs become seconds. */
const scale = (signal: SignalName) => (signalCatalog[signal].unit === "µs" ? " / 1e6" : "");

/** Added up over the group, of rows for which `hasSignal` holds. */
const total = (column: string, signal: SignalName) =>
  `sum(${column}[indexOf(signals, '${signal}')])`;

/** Over all cells and windows of the group in which the value is known, weighted by the requests that the signal was read from. */
const mean = (value: "seen" | "low" | "high" | "times", signal: SignalName) =>
  `${total(`${value}_sum`, signal)} / nullIf(${total(`${value}_weight`, signal)}, 0)`;

/** Seen, and the band it was expected in. The band is there once cells with 99 % of the weight have learnt one. */
export function seenAndBand(signal: SignalName, line: string): readonly string[] {
  const learnt = `${total("low_weight", signal)} >= 0.99 * ${total("seen_weight", signal)}`;
  return [
    `${mean("seen", signal)}${scale(signal)} AS "${line}"`,
    `if(${learnt}, ${mean("low", signal)}${scale(signal)}, NULL) AS "expected, low"`,
    `if(${learnt}, ${mean("high", signal)}${scale(signal)}, NULL) AS "expected, high"`,
  ];
}

/** How many times what was expected. */
export const timesExpected = (signal: SignalName) => mean("times", signal);

export const band = (line: string) => ({
  line,
  low: "expected, low",
  high: "expected, high",
});

const states = ["anomalous", "watching", "normal", "warming"];

/**
 * The state of a step: the worst that held in at least a tenth of its windows, as a number, so that the worst is the largest. `blind` means
 * no evidence in a window, which is no state of health, and is 0.
 */
export const stepState = `multiIf(${states
  .map(
    (_, i) =>
      `10 * sum(${states.slice(0, i + 1).join(" + ")}) >= sum(window_count), ${states.length - i}`,
  )
  .join(", ")}, 0)`;
