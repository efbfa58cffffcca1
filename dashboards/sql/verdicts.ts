/** What detection thought, out of `verdicts`: a row a cell and window, with an array element for each signal that was judged. */
import { type SignalName, signalCatalog } from "../../services/contracts/frame.ts";

/** Element of a signal in a row's arrays; only sensible where `hasSignal` holds. */
const of = (array: string, signal: SignalName) =>
  `verdicts.${array}[indexOf(signals, '${signal}')]`;

export const hasSignal = (signal: SignalName) => `has(signals, '${signal}')`;

/** Factor from a signal's unit to what is shown: µs become seconds. */
const scale = (signal: SignalName) => (signalCatalog[signal].unit === "µs" ? " / 1e6" : "");

/**
 * Seen, and the band it was expected in, over all cells of the group: means over cells and windows, weighted by the requests
 * that the signal was read from. The band is there once cells with 99 % of that weight have learnt one.
 */
export function seenAndBand(signal: SignalName, line: string): readonly string[] {
  const weight = of("of", signal);
  const mean = (array: string) => {
    const value = of(array, signal);
    return `sumIf(${value} * ${weight}, isFinite(${value})) / nullIf(sumIf(${weight}, isFinite(${value})), 0)`;
  };
  const learnt = `sumIf(${weight}, isFinite(${of("low", signal)})) >= 0.99 * sumIf(${weight}, isFinite(${of("seen", signal)}))`;
  return [
    `${mean("seen")}${scale(signal)} AS "${line}"`,
    `if(${learnt}, ${mean("low")}${scale(signal)}, NULL) AS "expected, low"`,
    `if(${learnt}, ${mean("high")}${scale(signal)}, NULL) AS "expected, high"`,
  ];
}

/** How many times what was expected, over all cells of the group; weighted likewise. */
export function timesExpected(signal: SignalName): string {
  const weight = of("of", signal);
  const ratio = `${of("seen", signal)} / ${of("expected", signal)}`;
  return `sumIf(${ratio} * ${weight}, isFinite(${ratio})) / nullIf(sumIf(${weight}, isFinite(${ratio})), 0)`;
}

export const band = (line: string) => ({
  line,
  low: "expected, low",
  high: "expected, high",
});

/** States of a cell as numbers, so that the worst is the largest: `blind` means no evidence in a window, which is no state of health. */
export const stateNumber =
  "transform(state, ['blind', 'warming', 'normal', 'watching', 'anomalous'], [0, 1, 2, 3, 4], 0)";

/** The state of a step: the worst that held in at least a tenth of its windows. */
export const stepState = `quantileExact(0.9)(${stateNumber})`;
