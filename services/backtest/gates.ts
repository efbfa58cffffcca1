/** Conditions on a backtest's figures, such as `recall>=0.9`: what a configuration must hold to pass. */
import { ForeshockError } from "../contracts/errors.ts";
import type { Metrics } from "./score.ts";

const comparisons = {
  ">=": (value: number, limit: number) => value >= limit,
  "<=": (value: number, limit: number) => value <= limit,
  "=": (value: number, limit: number) => value === limit,
} as const;

export interface Gate {
  readonly text: string;
  readonly metric: keyof Metrics;
  readonly comparison: keyof typeof comparisons;
  readonly limit: number;
}

export interface GateResult {
  readonly gate: Gate;
  readonly value: number | undefined;
  readonly passed: boolean;
}

export const gateNames = [
  "incidents",
  "pages",
  "tickets",
  "pages_per_week",
  "flaps",
  "open_at_end",
  "new_pages",
  "lost_pages",
  "precision",
  "recall",
  "missed",
  "false_pages",
  "lead_median_min",
  "lead_min_min",
] as const satisfies readonly (keyof Metrics)[];

/** Throws `usage` naming what is not understood. */
export function parseGates(texts: readonly string[]): readonly Gate[] {
  return texts
    .flatMap((text) => text.split(","))
    .map((text) => {
      const [, name, comparison, limit] =
        /^\s*(\w+)\s*(>=|<=|=)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text) ?? [];
      const metric = gateNames.find((known) => known === name);
      if (metric === undefined || comparison === undefined)
        throw new ForeshockError(
          "usage",
          `--gate must be such as recall>=0.9 with one of ${gateNames.join(", ")}, got ${text}`,
        );
      return {
        text: text.trim(),
        metric,
        comparison: comparison as Gate["comparison"],
        limit: Number(limit),
      };
    });
}

/** A figure that can't be told fails its gate. */
export function judgeGates(gates: readonly Gate[], metrics: Metrics): readonly GateResult[] {
  return gates.map((gate) => {
    const value = metrics[gate.metric];
    return {
      gate,
      value,
      passed: value !== undefined && comparisons[gate.comparison](value, gate.limit),
    };
  });
}
