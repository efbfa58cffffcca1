/** All detectors, and which kind of signal gets which. A new one is a file of its own plus a line here. */
import { absence } from "./absence.ts";
import { binomialExact } from "./binomial-exact.ts";
import { cusum } from "./cusum.ts";
import type { Detector } from "./detector.ts";
import { ewmaChart } from "./ewma-chart.ts";
import { exceedance, shortfall } from "./exceedance.ts";

/** State is opaque to everyone but the detector that made it. */
export type AnyDetector = Detector<unknown>;

export const detectors = [
  binomialExact,
  exceedance,
  shortfall,
  cusum,
  ewmaChart,
  absence,
] as readonly AnyDetector[];

export type SetName = "failures" | "ratio" | "latency" | "length" | "traffic" | "gauge" | "exact";

/** The default set by kind of signal; the first that has an expectation gives the value and band that people see. */
export const defaultSets = {
  /** Failing requests: what objectives are made for. */
  failures: [binomialExact, cusum],
  ratio: [binomialExact, cusum],
  /** Times: single requests for the first minutes of a fault, their level for drift. */
  latency: [exceedance, cusum],
  length: [shortfall],
  traffic: [ewmaChart, absence],
  gauge: [ewmaChart],
  exact: [binomialExact],
} as Readonly<Record<SetName, readonly unknown[]>> as Readonly<
  Record<SetName, readonly AnyDetector[]>
>;
