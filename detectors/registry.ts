/** All detectors, and which kind of signal gets which. A new one is a file of its own plus a line here. */
import { binomialExact } from "./binomial-exact.ts";
import type { Detector } from "./detector.ts";
import { ewmaChart } from "./ewma-chart.ts";
import { exceedance, shortfall } from "./exceedance.ts";

/** State is opaque to everyone but the detector that made it. */
export type AnyDetector = Detector<unknown>;

export const detectors: readonly AnyDetector[] = [
  binomialExact,
  ewmaChart,
  exceedance,
  shortfall,
] as AnyDetector[];

/** The default set by kind of signal; the first gives the expected value and band that people see. */
export const defaultSets = {
  /** Failing requests: what objectives are made for. */
  failures: [binomialExact],
  ratio: [binomialExact],
  latency: [exceedance, ewmaChart],
  length: [shortfall, exceedance],
  traffic: [ewmaChart],
  gauge: [ewmaChart],
} as unknown as Readonly<Record<SetName, readonly AnyDetector[]>>;

export type SetName = "failures" | "ratio" | "latency" | "length" | "traffic" | "gauge";
