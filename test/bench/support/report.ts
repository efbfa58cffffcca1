/**
 * What every bench shares: its flags, its conditions, and the report that says the same to a machine as to a person.
 *   npm run bench:NAME -- [--json FILE] [--seed N] [--quick]
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";

export interface BenchFlags {
  readonly json: string | undefined;
  readonly seed: number;
  /** Same code, smaller: for CI. No figure is claimed from it. */
  readonly isQuick: boolean;
}

export interface BenchReport {
  readonly bench: string;
  readonly seed: number;
  readonly conditions: Readonly<Record<string, string | number | boolean>>;
  /** By the names of the project's list of figures; ratios with `_min` and `_max` over the rounds. */
  readonly figures: Readonly<Record<string, number>>;
  /** Figures that could not be measured, with the reason. */
  readonly absent: Readonly<Record<string, string>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** For `scriptFlags`. */
export const benchOptions = {
  json: { type: "string" },
  seed: { type: "string", default: "1" },
  quick: { type: "boolean", default: false },
} as const;

export function benchFlags(values: {
  readonly json?: string | undefined;
  readonly seed: string;
  readonly quick: boolean;
}): BenchFlags {
  return { json: values.json, seed: Number(values.seed), isQuick: values.quick };
}

export function conditions(flags: BenchFlags): BenchReport["conditions"] {
  const processors = cpus();
  return {
    node: process.versions.node,
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    date: new Date().toISOString().slice(0, 10),
    quick: flags.isQuick,
  };
}

/** Prints a table of the figures and writes the JSON where it was asked for. */
export function publish(flags: BenchFlags, bench: string, result: Result): void {
  const report = save(flags, bench, result);
  const width =
    Math.max(
      ...[...Object.keys(report.figures), ...Object.keys(report.absent)].map((name) => name.length),
    ) + 2;
  process.stdout.write(
    `\n${bench}${flags.isQuick ? " (quick: smaller, no figure is claimed from it)" : ""}\n`,
  );
  for (const [name, value] of Object.entries(report.figures))
    if (!(name.replace(/_(min|max)$/, "") in report.figures) || !/_(min|max)$/.test(name))
      process.stdout.write(
        `  ${name.padEnd(width)}${format(value)}${spread(report.figures, name)}\n`,
      );
  for (const [name, reason] of Object.entries(report.absent))
    process.stdout.write(`  ${name.padEnd(width)}—  ${reason}\n`);
}

type Result = Pick<BenchReport, "figures" | "rows"> & { readonly absent?: BenchReport["absent"] };

/** Writes the JSON where it was asked for: a bench of many parts does so after each. */
export function save(flags: BenchFlags, bench: string, result: Result): BenchReport {
  const report: BenchReport = {
    bench,
    seed: flags.seed,
    conditions: conditions(flags),
    absent: {},
    ...result,
  };
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

function format(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function spread(figures: BenchReport["figures"], name: string): string {
  const low = figures[`${name}_min`];
  const high = figures[`${name}_max`];
  return low === undefined || high === undefined ? "" : `   (${format(low)} … ${format(high)})`;
}

/** A ratio's median and spread under its name, from paired rounds. */
export function ratioFigures(name: string, ratios: readonly number[]): Record<string, number> {
  const sorted = [...ratios].sort((a, b) => a - b);
  return {
    [name]: median(sorted),
    [`${name}_min`]: sorted[0] ?? Number.NaN,
    [`${name}_max`]: sorted.at(-1) ?? Number.NaN,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
